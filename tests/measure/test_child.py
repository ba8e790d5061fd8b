"""One command measured: real processes, small ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from harness.errors import EngineError
from harness.measure.child import ChildCommand, ChildResult, run_child

MIB = 2**20
posix_only = pytest.mark.skipif(not hasattr(os, "wait4"), reason="needs wait4")


def measured(folder: Path, *command: str, use_psutil: bool = False, **settings: object) -> ChildResult:
    child = ChildCommand(command, folder, folder / "out", folder / "err", **settings)  # type: ignore[arg-type]
    return run_child(child, use_psutil=use_psutil)


def python(code: str) -> tuple[str, ...]:
    return sys.executable, "-S", "-c", code


def is_gone(pid: int) -> bool:
    """Whether the process ends within a moment (a killed process takes one to disappear)."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("use_psutil", [False, True])
def test_exit_code_output_and_wall_time(tmp_path: Path, use_psutil: bool) -> None:
    code = "import sys, time; print('hello'); print('bad', file=sys.stderr); time.sleep(0.3); sys.exit(7)"
    result = measured(tmp_path, *python(code), use_psutil=use_psutil)
    assert result.exit_code == 7
    assert 0.3 <= result.wall_s < 3
    assert (tmp_path / "out").read_text().strip() == "hello"
    assert (tmp_path / "err").read_text().strip() == "bad"
    assert not result.timed_out
    assert result.left_running == ()


@posix_only
def test_cpu_of_reaped_grandchildren_counts(tmp_path: Path) -> None:
    burn = "import time\nt = time.process_time()\nwhile time.process_time() - t < 0.3: pass"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', {burn!r}])"
    result = measured(tmp_path, *python(code))
    assert 0.3 <= result.cpu_s < 3
    assert result.cpu_s == result.user_s + result.system_s


@posix_only
def test_peak_memory_does_not_start_at_the_callers(tmp_path: Path) -> None:
    ballast = bytearray(200 * MIB)
    ballast[::4096] = b"\1" * len(ballast[::4096])
    small = measured(tmp_path, *python("pass"))
    large = measured(tmp_path, *python("block = bytearray(120 * 2**20); block[::4096] = b'x' * len(block[::4096])"))
    assert small.peak_rss_bytes < 40 * MIB
    assert abs(large.peak_rss_bytes - small.peak_rss_bytes - 120 * MIB) < 2 * MIB
    assert small.rss_floor_bytes < 20 * MIB


@pytest.mark.parametrize("use_psutil", [False, True])
def test_time_limit_ends_the_whole_tree(tmp_path: Path, use_psutil: bool) -> None:
    code = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(60)'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    result = measured(tmp_path, *python(code), use_psutil=use_psutil, time_limit_s=1.0, grace_s=0.2)
    assert result.timed_out
    assert result.exit_code != 0
    assert result.wall_s < 5
    grandchild = int((tmp_path / "out").read_text())
    assert is_gone(grandchild)


@posix_only
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finding orphans of another session needs Linux")
def test_what_is_left_running_is_killed_and_named(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time\n"
        "command = [sys.executable, '-S', '-c', 'import time; time.sleep(60)']\n"
        "child = subprocess.Popen(command, start_new_session=True)\n"
        "print(child.pid, flush=True)\n"
    )
    result = measured(tmp_path, *python(code))
    orphan = int((tmp_path / "out").read_text())
    assert result.exit_code == 0
    assert len(result.left_running) == 1
    assert f"(pid {orphan})" in result.left_running[0]
    assert not psutil.pid_exists(orphan)


@posix_only
def test_output_over_the_limit_is_cut_and_said(tmp_path: Path) -> None:
    result = measured(tmp_path, *python("print('x' * 300_000)"), output_limit_bytes=1000)
    assert result.output_dropped == ("stdout",)
    assert (tmp_path / "out").stat().st_size == 1000


def test_a_command_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"cannot run .*no-such-program"):
        measured(tmp_path, str(tmp_path / "no-such-program"))


@posix_only
def test_a_death_by_signal_is_a_negative_exit_code(tmp_path: Path) -> None:
    result = measured(tmp_path, *python("import os; os.kill(os.getpid(), 9)"))
    assert result.exit_code == -signal.SIGKILL


@posix_only
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs CPU affinity")
def test_affinity_and_niceness_reach_the_command(tmp_path: Path) -> None:
    cpu = min(os.sched_getaffinity(0))
    code = "import os; print(sorted(os.sched_getaffinity(0)), os.nice(0))"
    measured(tmp_path, *python(code), cpu_affinity=(cpu,), niceness=3)
    assert (tmp_path / "out").read_text().strip() == f"[{cpu}] 3"


@posix_only
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_the_command_does_not_outlive_its_caller(tmp_path: Path, number: int) -> None:
    caller = tmp_path / "caller.py"
    caller.write_text(
        "import sys\nfrom pathlib import Path\nfrom harness.measure.child import ChildCommand, run_child\n"
        "folder = Path(sys.argv[1])\n"
        'code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"\n'
        "try:\n"
        "    run_child(ChildCommand((sys.executable, '-S', '-c', code), folder, folder / 'out', folder / 'err'))\n"
        "except KeyboardInterrupt:\n"
        "    sys.exit(130)\n"
    )
    process = subprocess.Popen([sys.executable, str(caller), str(tmp_path)])
    out = tmp_path / "out"
    deadline = time.monotonic() + 20
    while not (out.exists() and out.read_text().strip()) and time.monotonic() < deadline:
        time.sleep(0.05)
    command_pid = int(out.read_text())
    process.send_signal(number)
    code = process.wait(timeout=20)
    assert code == (130 if number == signal.SIGINT else -number)
    assert is_gone(command_pid)


def test_ticks_tell_the_elapsed_time(tmp_path: Path) -> None:
    ticks: list[float] = []
    child = ChildCommand(python("import time; time.sleep(0.8)"), tmp_path, tmp_path / "out", tmp_path / "err")
    run_child(child, on_tick=ticks.append)
    assert len(ticks) >= 2
    assert ticks == sorted(ticks)
