"""A sample of the cases of ``make faults``; and faults that are not in a file operation."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.bench.session import load_session, run_session, start_session
from harness.engines.base import Outcome
from harness.engines.scripted import ScriptedEngine, ScriptedRun
from harness.errors import HarnessError
from harness.results.store import append_row, read_json, read_rows, write_json
from tests.bench.conftest import ByteInspector, make_setup  # noqa: F401 - a fixture

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(sys.platform != "linux" or not shutil.which("gcc"), reason="needs Linux and gcc")
@pytest.mark.parametrize(
    ("scenario", "stride"),
    [("row append", 3), ("cache build", 2), ("history", 9), ("replaced", 41), ("session", 97),
     ("sweep step", 29), ("damage", 97)],
)  # fmt: skip
def test_a_disturbed_command_breaks_no_promise(scenario: str, stride: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.driver", "--only", scenario, "--stride", str(stride), "--first", "2"],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "violations: 0" in done.stdout.splitlines()[-1]


@pytest.fixture
def small_disk(tmp_path: Path) -> Any:
    """A disk of 64 KiB, mounted in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = shutil.which("mount") and os.name == "posix" and os.geteuid() == 0
    words = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if not mounted or subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can only be mounted by root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_keeps_every_acknowledged_row_and_is_told(small_disk: Path) -> None:
    write_json(small_disk / "kept.json", {"a": 1}, schema="test")
    stored = 0
    with pytest.raises(HarnessError, match=r"cannot be written \(No space left on device\)"):
        while True:
            append_row(small_disk / "rows.jsonl", {"n": stored, "text": "x" * 1000})
            stored += 1
    assert stored > 10
    assert [row["n"] for row in read_rows(small_disk / "rows.jsonl")] == list(range(stored))
    with pytest.raises(HarnessError, match="No space left"):
        write_json(small_disk / "kept.json", {"a": "y" * 65536}, schema="test")
    assert read_json(small_disk / "kept.json")["a"] == 1


def test_a_read_only_disk_is_told_and_can_be_read(small_disk: Path) -> None:
    write_json(small_disk / "kept.json", {"a": 1}, schema="test")
    append_row(small_disk / "rows.jsonl", {"n": 0})
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(HarnessError, match="Read-only file system"):
        write_json(small_disk / "kept.json", {"a": 2}, schema="test")
    with pytest.raises(HarnessError, match="Read-only file system"):
        append_row(small_disk / "rows.jsonl", {"n": 1})
    assert read_json(small_disk / "kept.json")["a"] == 1
    assert read_rows(small_disk / "rows.jsonl") == [{"n": 0}]


def test_a_clock_that_jumps_moves_no_measured_time(
    tmp_path: Path,
    make_setup: Any,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Wall times come from the monotonic clock; a jump of the calendar changes neither rows nor their order."""
    import time

    jumps = iter([2e9, 1e9, 3e9, 0.0] * 1000)
    monkeypatch.setattr(time, "time", lambda: next(jumps))
    folder = tmp_path / "session"
    start_session(make_setup(pairs=2, warmups=0, control_runs=0), folder)
    script = {"base": [ScriptedRun(wall_s=1.0)], "new": [ScriptedRun(wall_s=0.5)]}
    session = run_session(folder, ScriptedEngine(script), ByteInspector())
    assert [row.number for row in session.rows] == [run.number for run in session.plan]
    assert {row.wall_s for row in session.rows if row.variant == "base"} == {1.0}


@pytest.mark.parametrize("change", ["another size", "another time", "gone"])
def test_data_that_change_under_a_session_end_it_and_the_run_is_not_kept(
    tmp_path: Path,
    make_setup: Any,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    change: str,
) -> None:
    folder, data = tmp_path / "session", tmp_path / "data" / "equity" / "a.zip"
    data.parent.mkdir(parents=True)
    data.write_bytes(b"bars")
    start_session(make_setup(pairs=2, warmups=0, control_runs=0), folder)
    script = {"base": [ScriptedRun(wall_s=1.0)], "new": [ScriptedRun(wall_s=0.5)]}
    engine = ScriptedEngine(script)
    run = engine.run

    def changing(request: Any, on_progress: Any = None) -> Any:
        ended = run(request, on_progress)
        (data.parent / f"added-{len(engine.started)}.zip").write_bytes(b"downloaded")  # what was missing may come
        if len(engine.started) == 2:
            if change == "gone":
                data.unlink()
            elif change == "another size":
                data.write_bytes(b"more bars")
            else:
                os.utime(data, ns=(0, 1))
        return ended

    monkeypatch.setattr(ScriptedEngine, "run", lambda self, *given: changing(*given))
    told = "is gone" if change == "gone" else "was changed"
    with pytest.raises(
        HarnessError, match=rf"data changed while the session ran \(equity/a.zip {told}\); run 2 is not"
    ):
        run_session(folder, engine, ByteInspector())
    assert [row.number for row in load_session(folder).rows] == [1]


def test_time_of_a_child_is_not_the_calendars(tmp_path: Path) -> None:
    from harness.measure import child, shim

    assert "monotonic_ns" in Path(shim.__file__).read_text()
    done = child.run_child(
        child.ChildCommand((sys.executable, "-c", "pass"), tmp_path, tmp_path / "out", tmp_path / "err")
    )
    assert 0 < done.wall_s < 60


def test_an_error_in_the_middle_leaves_a_session_that_resumes(tmp_path: Path, make_setup: Any) -> None:  # noqa: F811
    folder = tmp_path / "session"
    start_session(make_setup(pairs=2, warmups=0, control_runs=0), folder)
    full = ScriptedRun(error=OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(HarnessError, match="no space left on the disk"):
        run_session(folder, ScriptedEngine({"base": [full], "new": [full]}), ByteInspector())
    good = {"base": [ScriptedRun(wall_s=1.0)], "new": [ScriptedRun(wall_s=0.5)]}
    run_session(folder, ScriptedEngine(good), ByteInspector())
    assert all(row.outcome is Outcome.COMPLETED for row in load_session(folder).rows)
