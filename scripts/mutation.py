"""Mutation score of the modules whose mistakes would be silent: ``make mutation``, or one group by name.

Each group is mutated by mutmut in a copy of the project below the system's temporary folder, so that nobody ever
imports a mutant by mistake. Printed: mutants, killed, survived, score, and what every survivor changed, with the reason
that ``mutation_survivors.toml`` gives for it or NOT LISTED. A listed survivor has survived: the list does not change
the score. Entries that a whole run did not meet are printed as STALE. The exit code is 1 when a group is below
``--least`` per cent. Hypothesis draws the same examples for every mutant.

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
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parents[1]
LIST = Path(__file__).with_name("mutation_survivors.toml")
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
_FIELDS = ("module", "function", "reason")


@dataclass(frozen=True, slots=True)
class Group:
    """``modules`` are mutated, ``tests`` must notice."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """What a mutant does, in words that outlive its number: lines without their indentation, several joined by a space.

    ``module`` is dotted, ``function`` is ``name`` or ``Class.name``.
    """

    module: str
    function: str
    removed: str
    added: str

    def __str__(self) -> str:
        return f"{self.module} {self.function} {json.dumps([self.removed, self.added], ensure_ascii=False)}"


@dataclass(frozen=True, slots=True)
class Survivor:
    """mutmut's name for it, its verdict, and the change."""

    name: str
    verdict: str
    change: Change


@dataclass(frozen=True, slots=True)
class Score:
    """Mutants decided in one group: ``timeouts`` are among the killed; ``undecided`` were not drawn or not reached."""

    killed: int
    timeouts: int
    survivors: tuple[Survivor, ...]
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
        tuple(f"tests/results/test_{name}.py" for name in ("baseline", "volatile", "fsck")),
    ),
    "spans": Group(("harness/results/spans.py",), ("tests/results/test_spans.py",)),
    "decoding": Group(
        ("harness/results/decoding.py", "harness/results/paths.py"),
        ("tests/results/test_decoding.py", "tests/results/test_paths.py"),
    ),
    "lean_results": Group(
        ("harness/results/lean_results.py", "harness/results/lean_types.py"), ("tests/results/test_lean_results.py",)
    ),
    "lazy_results": Group(
        ("harness/results/test_results.py",),
        ("tests/results/test_lazy_results.py", "tests/results/test_lazy_results_parts.py"),
    ),
    "catalog": Group(
        ("harness/results/catalog.py",), ("tests/results/test_catalog.py", "tests/results/test_lazy_results.py")
    ),
    "labels": Group(
        ("harness/results/labels.py",), ("tests/results/test_labels.py", "tests/results/test_labels_parts.py")
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
    listed = read_list(LIST.read_text(encoding="utf-8"), GROUPS)
    reached = True
    for name in given.groups or GROUPS:
        started = time.monotonic()
        score = measure(GROUPS[name], given.jobs, given.time_limit, given.sample)
        reasons = listed.get(name, {})
        for line in survivor_lines(score, reasons):
            print(line, flush=True)
        known = sum(survivor.change in reasons for survivor in score.survivors)
        print(
            f"{name}: {score.killed + len(score.survivors)} mutants, {score.killed} killed ({score.timeouts} by "
            f"time), {len(score.survivors)} survived ({known} listed, {len(score.survivors) - known} not), "
            f"score {score.percent:.1f} %, {score.undecided} not decided, {time.monotonic() - started:.0f} s",
            flush=True,
        )
        reached = reached and score.percent >= given.least
    return 0 if reached else 1


def read_list(text: str, groups: Collection[str]) -> dict[str, dict[Change, str]]:
    """The reasons in the text of ``mutation_survivors.toml``, by group and change. Raises ``SystemExit``."""
    found: dict[str, dict[Change, str]] = {}
    for group, entries in tomllib.loads(text).items():
        if group not in groups:
            raise SystemExit(f"{LIST.name}: there is no group {group!r}")
        reasons = found.setdefault(group, {})
        for entry in entries:
            fields = [entry.get(name) for name in _FIELDS]
            pairs = entry.get("changes")
            if set(entry) != {*_FIELDS, "changes"} or not all(isinstance(field, str) and field for field in fields):
                raise SystemExit(f"{LIST.name}: an entry of {group} is not {', '.join(_FIELDS)} and changes: {entry}")
            for pair in pairs:
                if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(side, str) for side in pair)):
                    raise SystemExit(f"{LIST.name}: a change of {group} is not [removed, added]: {pair}")
                change = Change(fields[0], fields[1], *pair)
                if change in reasons:
                    raise SystemExit(f"{LIST.name}: listed twice: {change}")
                reasons[change] = fields[2]
    return found


def survivor_lines(score: Score, reasons: Mapping[Change, str]) -> list[str]:
    """What is printed of the survivors; after a whole run also the entries of the list that did not survive."""
    lines = []
    for survivor in score.survivors:
        lines.append(f"  survived: {survivor.name} ({survivor.verdict}): {survivor.change}")
        reason = reasons.get(survivor.change)
        lines.append(f"    listed: {reason}" if reason else "    NOT LISTED")
    if not score.undecided:
        met = {survivor.change for survivor in score.survivors}
        lines += [f"  STALE, no such survivor: {change}" for change in reasons if change not in met]
    return lines


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
        "timeout_multiplier": 5.0,  # of the time that its tests take: an endless loop costs a minute, not three
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
    survived = {name: said for name, said in verdicts if said in ("survived", "no tests", "suspicious")}
    killed = [said for _, said in verdicts if said in KILLED]
    diffs = shown(project, list(survived))
    return Score(
        killed=len(killed),
        timeouts=killed.count("timeout"),
        survivors=tuple(Survivor(name, said, change_of(name, diffs.get(name, ""))) for name, said in survived.items()),
        undecided=len(verdicts) - len(killed) - len(survived),
    )


def shown(project: Path, names: list[str]) -> dict[str, str]:
    """The difference that each mutant makes."""
    words = [sys.executable, "-c", _SHOW]
    done = subprocess.run(words, cwd=project, input=" ".join(names), capture_output=True, text=True, check=False)
    parts = re.split(r"^mutant (\S+)$", done.stdout, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def change_of(name: str, diff: str) -> Change:
    """``name`` is mutmut's: ``module.x_function__mutmut_1`` or ``module.xǁClassǁmethod__mutmut_1``."""
    module, _, mangled = name.rpartition(".")
    function = re.sub(r"__mutmut_\d+$", "", mangled).removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
    lines = [line for line in diff.splitlines() if _CHANGED.match(line)]
    removed, added = (" ".join(line[1:].strip() for line in lines if line[0] == sign) for sign in "-+")
    return Change(module, function, removed, added)


if __name__ == "__main__":
    sys.exit(main())
