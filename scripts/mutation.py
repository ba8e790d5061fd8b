"""Mutation score of the modules whose mistakes would be silent: ``make mutation``, or one group by name.

Each group is mutated by mutmut in a copy of the project below the system's temporary folder, so that nobody ever
imports a mutant by mistake. Printed: mutants, killed, survived, score, and the name of every survivor. The exit code
is 1 when a group is below ``--least`` per cent.

    python scripts/mutation.py                     every group (hours: one test run a mutant)
    python scripts/mutation.py statistics verdict  these groups
    python scripts/mutation.py --time-limit 600    stop each group after so long and count what was decided
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KILLED = {"killed", "timeout", "segfault", "caught by type check"}
_COUNTED = re.compile(r"^\s*(\S+__mutmut_\d+): (.+?)\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Group:
    """``modules`` are mutated, ``tests`` must notice."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """Mutants decided in one group; ``undecided`` were not reached before the time limit."""

    killed: int
    survivors: tuple[str, ...]
    undecided: int

    @property
    def percent(self) -> float:
        decided = self.killed + len(self.survivors)
        return 100.0 * self.killed / decided if decided else 0.0


GROUPS = {
    "statistics": Group(("harness/bench/statistics.py",), ("tests/bench/test_statistics.py",)),
    "verdict": Group(("harness/bench/verdict.py",), ("tests/bench/test_verdict.py",)),
    "values": Group(
        ("harness/parity/values.py", "harness/parity/rules.py"),
        ("tests/parity/test_values.py", "tests/parity/test_diff.py"),
    ),
    "diff": Group(("harness/parity/diff.py", "harness/parity/event_stream.py"), ("tests/parity/test_diff.py",)),
    "recording": Group(("harness/parity/recording.py",), ("tests/parity/test_recording.py",)),
    "store": Group(
        ("harness/results/store.py", "harness/results/lock.py", "harness/results/changes.py"),
        ("tests/results/test_store.py", "tests/results/test_lock.py", "tests/results/test_baseline.py"),
    ),
    "baseline": Group(
        ("harness/results/baseline.py", "harness/results/volatile.py", "harness/results/fsck.py"),
        ("tests/results/test_baseline.py", "tests/results/test_fsck.py"),
    ),
    "reader": Group(
        tuple(
            f"harness/results/{name}.py"
            for name in (
                "spans",
                "decoding",
                "lean_results",
                "lean_types",
                "test_results",
                "catalog",
                "labels",
                "paths",
            )
        ),
        ("tests/results",),
    ),
}


def main() -> int:
    parser = argparse.ArgumentParser(description="Mutation score of parity, statistics, verdict and results.")
    parser.add_argument("groups", nargs="*", choices=[*GROUPS, []], help=f"default: all of {', '.join(GROUPS)}")
    parser.add_argument("--time-limit", type=float, default=None, metavar="S", help="seconds for each group")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="mutants at a time")
    parser.add_argument("--least", type=float, default=90.0, metavar="PERCENT", help="score that must be reached")
    given = parser.parse_args()
    reached = True
    for name in given.groups or GROUPS:
        started = time.monotonic()
        score = measure(GROUPS[name], given.jobs, given.time_limit)
        for survivor in score.survivors:
            print(f"  survived: {survivor}")
        print(
            f"{name}: {score.killed + len(score.survivors)} mutants, {score.killed} killed, {len(score.survivors)} "
            f"survived, score {score.percent:.1f} %, {score.undecided} not decided, {time.monotonic() - started:.0f} s",
            flush=True,
        )
        reached = reached and score.percent >= given.least
    return 0 if reached else 1


def measure(group: Group, jobs: int, time_limit_s: float | None) -> Score:
    """Mutate ``group`` and count. Raises ``SystemExit`` when the unchanged tests do not pass."""
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        project = Path(folder) / "project"
        project.mkdir()
        if (ROOT.parent / "shared").is_dir():  # recordings that tests read from beside the project: mutmut's copy
            (project / "shared").symlink_to(ROOT.parent / "shared")
        prepare(project, group)
        log = project / "mutmut.log"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [sys.executable, "-m", "mutmut", "run", "--max-children", str(jobs)],
                cwd=project,
                env={**os.environ, "PYTHONPATH": ""},
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                code = process.wait(time_limit_s)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 15)
                process.wait()
                code = 0
        if code:
            raise SystemExit(f"mutation: mutmut ended with {code}: {log.read_text(errors='replace')[-2000:]}")
        return read_score(project)


def prepare(project: Path, group: Group) -> None:
    """A copy of what the tests need, with mutmut's settings."""
    skip = shutil.ignore_patterns("__pycache__", "static")
    for name in ("harness", "tests", "algorithm", "docs", "benchmarks", "scripts"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, project / name, ignore=skip)
    settings = {
        "source_paths": ["harness"],
        "only_mutate": list(group.modules),
        "pytest_add_cli_args_test_selection": list(group.tests),
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "-p", "no:xdist"],
        "also_copy": ["algorithm", "docs", "benchmarks", "scripts", "harness.toml"],
    }
    text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())
    (project / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text() + f"\n[tool.mutmut]\n{text}")
    shutil.copy(ROOT / "harness.toml", project)


def read_score(project: Path) -> Score:
    """mutmut's own verdicts."""
    done = subprocess.run(
        [sys.executable, "-m", "mutmut", "results", "--all", "true"],
        cwd=project,
        capture_output=True,
        text=True,
        check=True,
    )
    killed, survivors, undecided = 0, [], 0
    for name, verdict in _COUNTED.findall(done.stdout):
        if verdict in KILLED:
            killed += 1
        elif verdict in ("survived", "no tests", "suspicious"):
            survivors.append(f"{name} ({verdict})")
        else:
            undecided += 1
    return Score(killed, tuple(survivors), undecided)


if __name__ == "__main__":
    sys.exit(main())
