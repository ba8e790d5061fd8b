"""Mutation score of the modules whose mistakes would be silent: ``make mutation``, or one group by name.

Each group is mutated by mutmut in a copy of the project below the system's temporary folder, so that nobody ever
imports a mutant by mistake. Printed: mutants, killed, survived, score, and what every survivor changed. The exit code
is 1 when a group is below ``--least`` per cent. Hypothesis draws the same examples for every mutant.

    python scripts/mutation.py                     every group (an hour or more)
    python scripts/mutation.py statistics verdict  these groups
    python scripts/mutation.py --sample 300        so many mutants of each group, drawn with a fixed seed
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
from random import Random

ROOT = Path(__file__).resolve().parents[1]
KILLED = {"killed", "timeout", "segfault", "caught by type check"}
SEED = 20251001
_GENERATE = """
import sys
from pathlib import Path
import mutmut.__main__ as mutmut
mutmut.set_mutant_under_test("mutant_generation")
Path("mutants").mkdir(exist_ok=True)
mutmut.copy_src_dir()
mutmut.copy_also_copy_files()
mutmut.setup_source_paths()
mutmut.store_lines_covered_by_tests()
mutmut.create_mutants(int(sys.argv[1]))
for _, name, _ in mutmut.collect_source_file_mutation_data(mutant_names=())[0]:
    print("mutant", name)
"""
_SHOW = """
import sys
from mutmut.mutation.diff_apply import find_mutant, get_diff_for_mutant
for name in sys.stdin.read().split():
    print("mutant", name)
    print(get_diff_for_mutant(name, path=find_mutant(name).path))
"""
_COUNTED = re.compile(r"^\s*(\S+__mutmut_\d+): (.+?)\s*$", re.MULTILINE)

_CHANGED = re.compile(r"[-+](?![-+]{2} )")


@dataclass(frozen=True, slots=True)
class Group:
    """``modules`` are mutated, ``tests`` must notice."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """Mutants decided in one group: ``timeouts`` are among the killed; ``undecided`` were not drawn or not reached."""

    killed: int
    timeouts: int
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
    "diff": Group(
        ("harness/parity/diff.py", "harness/parity/event_stream.py"),
        ("tests/parity/test_diff.py", "tests/parity/test_event_stream.py"),
    ),
    "recording": Group(("harness/parity/recording.py",), ("tests/parity/test_recording_parts.py",)),
    "store": Group(
        tuple(f"harness/results/{name}.py" for name in ("store", "lock", "changes", "file_system")),
        tuple(
            f"tests/results/test_{name}.py" for name in ("store", "store_parts", "changes", "lock", "baseline", "fsck")
        ),
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
    "frames": Group(("harness/results/frames.py",), ("tests/results/test_frames.py",)),
}


def main() -> int:
    parser = argparse.ArgumentParser(description="Mutation score of parity, statistics, verdict and results.")
    parser.add_argument("groups", nargs="*", choices=[*GROUPS, []], help=f"default: all of {', '.join(GROUPS)}")
    parser.add_argument("--time-limit", type=float, default=None, metavar="S", help="seconds for each group")
    parser.add_argument("--sample", type=int, default=None, metavar="N", help="so many mutants of each group, seeded")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="mutants at a time")
    parser.add_argument("--least", type=float, default=90.0, metavar="PERCENT", help="score that must be reached")
    given = parser.parse_args()
    reached = True
    for name in given.groups or GROUPS:
        started = time.monotonic()
        score = measure(GROUPS[name], given.jobs, given.time_limit, given.sample)
        for survivor in score.survivors:
            print(f"  survived: {survivor}", flush=True)
        print(
            f"{name}: {score.killed + len(score.survivors)} mutants, {score.killed} killed ({score.timeouts} by "
            f"time), {len(score.survivors)} survived, score {score.percent:.1f} %, {score.undecided} not decided, "
            f"{time.monotonic() - started:.0f} s",
            flush=True,
        )
        reached = reached and score.percent >= given.least
    return 0 if reached else 1


def measure(group: Group, jobs: int, time_limit_s: float | None, sample: int | None = None) -> Score:
    """Mutate ``group`` and count. Raises ``SystemExit`` when the unchanged tests do not pass."""
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        project = Path(folder) / "project"
        project.mkdir()
        if (ROOT.parent / "shared").is_dir():  # recordings that tests read from beside the project: mutmut's copy
            (project / "shared").symlink_to(ROOT.parent / "shared")
        prepare(project, group)
        names = drawn(project, jobs, sample) if sample else []
        log = project / "mutmut.log"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [sys.executable, "-m", "mutmut", "run", "--max-children", str(jobs), *names],
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


def drawn(project: Path, jobs: int, sample: int) -> list[str]:
    """Makes the mutants and draws ``sample`` of them."""
    words = [sys.executable, "-c", _GENERATE, str(jobs)]
    done = subprocess.run(words, cwd=project, capture_output=True, text=True, check=False)
    names = re.findall(r"^mutant (\S+)$", done.stdout, re.MULTILINE)
    if done.returncode or not names:
        raise SystemExit(f"mutation: no mutants could be made: {done.stderr[-2000:]}")
    return sorted(Random(SEED).sample(sorted(names), min(sample, len(names))))


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
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "-p", "no:xdist", f"--hypothesis-seed={SEED}"],
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
    verdicts = _COUNTED.findall(done.stdout)
    survivors = {name: said for name, said in verdicts if said in ("survived", "no tests", "suspicious")}
    killed = [said for _, said in verdicts if said in KILLED]
    changes = shown(project, list(survivors))
    return Score(
        killed=len(killed),
        timeouts=killed.count("timeout"),
        survivors=tuple(f"{name} ({said}): {changes.get(name, '')}" for name, said in survivors.items()),
        undecided=len(verdicts) - len(killed) - len(survivors),
    )


def shown(project: Path, names: list[str]) -> dict[str, str]:
    """What each mutant changed: the lines taken out and put in."""
    words = [sys.executable, "-c", _SHOW]
    done = subprocess.run(words, cwd=project, input=" ".join(names), capture_output=True, text=True, check=False)
    parts = re.split(r"^mutant (\S+)$", done.stdout, flags=re.MULTILINE)[1:]
    return {
        name: " ".join(line[:1] + " " + line[1:].strip() for line in diff.splitlines() if _CHANGED.match(line))
        for name, diff in zip(parts[::2], parts[1::2], strict=True)
    }


if __name__ == "__main__":
    sys.exit(main())
