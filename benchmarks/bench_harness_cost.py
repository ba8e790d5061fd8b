"""What measuring costs and how true it is. Each figure has its limit; the exit code is 1 when one is missed.

1. Wall time that the harness reports for a command, against ``hyperfine`` (or ``perf_counter``) around the bare
   command: within 1 % or 5 ms. The two take turns, so that a restless machine disturbs both alike.
2. The harness's own time between two runs of a session: under 0.1 s.
3. Peak memory reported for a child of known size while the parent holds 500 MB: within 2 MB.
4. Start of the command line (``harness --help``), for information.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.bench.evidence import LeanInspector
from harness.bench.plan import PlanSettings
from harness.bench.session import run_session, start_session
from harness.bench.setup import SessionSetup, Targets, Variant
from harness.bench.stopping import fixed
from harness.engines.scripted import ORDER_EVENT, ScriptedEngine, ScriptedRun
from harness.measure.child import ChildCommand, run_child
from harness.parity.rules import ParityRules

MIB = 2**20
ROUNDS = 30
COMMANDS = {
    "a command that sleeps": ("sleep", "0.25"),
    "a command that computes": (sys.executable, "-I", "-S", "-c", "t = 0\nfor n in range(1_500_000): t += n % 7"),
}

failed: list[str] = []


def verdict(name: str, text: str, good: bool) -> None:
    print(f"{'ok  ' if good else 'MISS'} {name}: {text}")
    if not good:
        failed.append(name)


def measured(folder: Path, command: tuple[str, ...]) -> float:
    return run_child(ChildCommand(command, folder, folder / "out", folder / "err")).wall_s


def by_hyperfine(folder: Path, command: tuple[str, ...]) -> float:
    out = folder / "hyperfine.json"
    words = ["hyperfine", "-N", "--runs", "2", "--warmup", "0", "--export-json", str(out), shlex.join(command)]
    subprocess.run(words, check=True, capture_output=True)
    return float(json.loads(out.read_text())["results"][0]["min"])


def by_clock(_: Path, command: tuple[str, ...]) -> float:
    walls = []
    for _number in range(2):
        started = time.perf_counter()
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        walls.append(time.perf_counter() - started)
    return min(walls)


def wall_time(folder: Path, name: str, command: tuple[str, ...]) -> None:
    peer, peer_name = (by_hyperfine, "hyperfine") if shutil.which("hyperfine") else (by_clock, "perf_counter")
    ours, theirs = [], []
    measured(folder, command)
    for number in range(ROUNDS):
        if number % 2:
            theirs.append(peer(folder, command))
        ours.append(min(measured(folder, command) for _ in range(2)))
        if not number % 2:
            theirs.append(peer(folder, command))
    # The least of many is what the command takes when nothing disturbs it, on both sides.
    ratio, apart_s = min(ours) / min(theirs), min(ours) - min(theirs)
    paired = median(mine / other for mine, other in zip(ours, theirs, strict=True))
    verdict(
        f"wall time of {name}",
        f"{min(ours):.4f} s reported, {min(theirs):.4f} s by {peer_name}: {100 * (ratio - 1):+.2f} %, "
        f"{1000 * apart_s:+.2f} ms (median of {ROUNDS} pairs {100 * (paired - 1):+.2f} %)",
        abs(ratio - 1) < 0.01 or abs(apart_s) < 0.005,
    )


def between_runs(folder: Path) -> None:
    """A session whose backtests take no time, with 200 order events each, parity included: all that is left is ours."""
    events = [{**ORDER_EVENT, "orderId": number} for number in range(200)]
    _session(folder / "first", folder, events)  # loads the modules
    session_s, runs = _session(folder / "s", folder, events)
    each_s = session_s / runs
    started = time.perf_counter()
    for _ in range(10):
        measured(folder, (sys.executable, "-I", "-S", "-c", "pass"))
    start_s = (time.perf_counter() - started) / 10
    bare = []
    for _ in range(10):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-I", "-S", "-c", "pass"], check=True)
        bare.append(time.perf_counter() - started)
    total_s = each_s + start_s - median(bare)
    verdict(
        "between two runs",
        f"{1000 * total_s:.1f} ms (records and parity {1000 * each_s:.1f} ms, starting the measuring process "
        f"{1000 * (start_s - median(bare)):.1f} ms)",
        total_s < 0.1,
    )


def _session(session_folder: Path, folder: Path, events: list[dict[str, object]]) -> tuple[float, int]:
    """Seconds and number of runs of a session of ten pairs."""
    setup = SessionSetup(
        name="s",
        scenario="none",
        created_at_utc="",
        plan=PlanSettings("baseline", "optimized", 10),
        rule=fixed(10),
        targets=Targets(),
        variants={name: Variant(folder / "a.py", "Scripted", {}) for name in ("baseline", "optimized")},
        data_folder=folder,
        cache_folder=None,
        time_limit_s=1,
        max_time_s=1,
        cpu_affinity=(),
        engine={},
        fingerprint={},
    )
    start_session(setup, session_folder)
    script = [ScriptedRun(order_events=events)]
    engine = ScriptedEngine({"baseline": script, "optimized": script})
    started = time.perf_counter()
    session = run_session(session_folder, engine, LeanInspector(ParityRules()))
    return time.perf_counter() - started, len(session.rows)


def peak_memory(folder: Path) -> None:
    ballast = bytearray(500 * MIB)
    ballast[::4096] = b"\1" * len(ballast[::4096])

    def peak(size_mib: int) -> tuple[int, int]:
        code = (
            f"block = bytearray({size_mib} * {MIB}); block[::4096] = b'x' * len(block[::4096])\n"
            "for line in open('/proc/self/status'):\n    if line.startswith('VmHWM'): print(line.split()[1])"
        )
        command = ChildCommand((sys.executable, "-I", "-S", "-c", code), folder, folder / "out", folder / "err")
        reported = run_child(command).peak_rss_bytes
        return reported, int((folder / "out").read_text()) * 1024

    for size_mib in (0, 50, 200):
        reported, own = peak(size_mib)
        apart = (reported - own) / 1e6
        verdict(
            f"peak memory of a child with {size_mib} MiB",
            f"{reported / 1e6:.1f} MB reported, {own / 1e6:.1f} MB by its own account: {apart:+.2f} MB "
            f"(parent holds {len(ballast) / 1e6:.0f} MB)",
            abs(apart) < 2,
        )


def command_line() -> None:
    walls = []
    for _ in range(5):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "harness.cli", "--help"], check=True, capture_output=True)
        walls.append(time.perf_counter() - started)
    print(f"     harness --help: {1000 * median(walls):.0f} ms (median of 5)")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="harness-cost-") as name:
        for what, command in COMMANDS.items():
            wall_time(Path(name), what, command)
        between_runs(Path(name))
        peak_memory(Path(name))
    command_line()
    sys.exit(1 if failed else 0)
