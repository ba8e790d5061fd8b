"""Fuzzes every reader: ``make fuzz``. Seeded mutations for all, coverage-guided by atheris where it is installed.

    python scripts/fuzz.py                       1,000,000 inputs at least, spread over the readers
    python scripts/fuzz.py --inputs 50000 zip    so many, for these readers

Prints inputs and violations for each reader; a violation's input is kept below ``build/fuzz``. An input that takes
longer than 10 s or more than 2 GiB counts as a violation.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from importlib.util import find_spec
from pathlib import Path
from random import Random
from types import FrameType

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "build" / "fuzz"
INPUT_LIMIT_S = 10
MEMORY_LIMIT_BYTES = 2 << 30
GUIDED_SHARE = 0.2
SEED = 20251001


class _TooSlowError(Exception):
    pass


def _too_slow(_number: int, _frame: FrameType | None) -> None:
    raise _TooSlowError(f"more than {INPUT_LIMIT_S} s")


def mutations(name: str, inputs: int, seed: int) -> int:
    """``inputs`` seeded mutations of one target in this process; returns the violations, each kept as a file."""
    from tests.fuzz.mutate import mutated
    from tests.fuzz.targets import TARGETS, call

    resource.setrlimit(resource.RLIMIT_AS, (4 * MEMORY_LIMIT_BYTES, resource.RLIM_INFINITY))
    signal.signal(signal.SIGALRM, _too_slow)
    target, random, found = TARGETS[name], Random(seed), set[str]()
    violations = 0
    with scratch() as place:
        folder = Path(place)
        seeds = target.seeds(folder)
        for _ in range(inputs):
            data = mutated(random, seeds)
            signal.setitimer(signal.ITIMER_REAL, INPUT_LIMIT_S)
            try:
                call(target, data, folder)
            except Exception:
                violations += 1
                trace = traceback.format_exc()
                where = trace.splitlines()[-1][:200]
                if where not in found and len(found) < 20:
                    found.add(where)
                    keep(name, data, trace)
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if peak > MEMORY_LIMIT_BYTES:
        print(f"  violation: {name}: peak memory {peak / 2**20:.0f} MiB")
        violations += 1
    return violations


def guided(name: str, runs: int, seed: int, folder: Path) -> None:
    """libFuzzer over one target in ``folder``, its own process. Does not return."""
    import atheris

    with atheris.instrument_imports(include=["harness"]):
        from tests.fuzz.targets import TARGETS, call
    target = TARGETS[name]
    corpus = folder / "corpus"
    corpus.mkdir()
    for number, data in enumerate(target.seeds(folder / "work" if make(folder / "work") else folder)):
        (corpus / str(number)).write_bytes(data)
    KEPT.mkdir(parents=True, exist_ok=True)

    def one(data: bytes) -> None:
        call(target, data, folder / "work")

    options = [f"-runs={runs}", f"-seed={seed}", "-max_len=4096", f"-timeout={INPUT_LIMIT_S}", "-rss_limit_mb=2048"]
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={KEPT}/{name}-", str(corpus)], one)
    atheris.Fuzz()


def make(folder: Path) -> bool:
    folder.mkdir()
    return True


def keep(name: str, data: bytes, trace: str) -> None:
    KEPT.mkdir(parents=True, exist_ok=True)
    number = len(list(KEPT.glob(f"{name}-*.input")))
    (KEPT / f"{name}-{number}.input").write_bytes(data)
    print(f"  violation: {name}: {trace.splitlines()[-1][:300]} ({KEPT.name}/{name}-{number}.input)")
    (KEPT / f"{name}-{number}.txt").write_text(trace)


def memory_folder() -> str | None:
    """A folder in memory, if there is one: the inputs are files."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # nosec B108


def scratch() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="fuzz-", dir=memory_folder())


def run_guided(name: str, runs: int, seed: int) -> tuple[int, int]:
    """(inputs, violations) of one atheris process."""
    words = [
        sys.executable,
        str(Path(__file__).resolve()),
        "--guided",
        name,
        "--inputs",
        str(runs),
        "--seed",
        str(seed),
    ]
    with scratch() as folder:  # its own: another fuzzing may be running
        words += ["--folder", folder]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False)
    counts = re.findall(r"^(?:#|Done |stat::number_of_executed_units:\s*)(\d+)", done.stderr, re.MULTILINE)
    if done.returncode:
        print(f"  violation: {name}: {' '.join((done.stdout + done.stderr).split())[-600:]}")
    return max((int(count) for count in counts), default=0), int(done.returncode != 0)


def main() -> int:
    sys.path.insert(0, str(ROOT))
    parser = argparse.ArgumentParser(description="Fuzz every reader of the harness.")
    parser.add_argument("targets", nargs="*", help="default: all")
    parser.add_argument("--inputs", type=int, default=1_010_000, help="altogether, at least")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--guided", metavar="TARGET", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.guided:
        guided(given.guided, given.inputs, given.seed, given.folder)
    from tests.fuzz.targets import TARGETS

    names = given.targets or list(TARGETS)
    unknown = sorted(set(names) - set(TARGETS))
    if unknown:
        parser.error(f"{unknown[0]}: no such reader; there are {', '.join(TARGETS)}")
    with_atheris = find_spec("atheris") is not None
    weights = sum(TARGETS[name].weight for name in names)
    total = broken = 0
    for name in names:
        share = -(-given.inputs * TARGETS[name].weight // weights)
        started = time.monotonic()
        guided_runs = int(share * GUIDED_SHARE) if with_atheris else 0
        seen, violations = run_guided(name, guided_runs, given.seed) if guided_runs else (0, 0)
        violations += mutations(name, share - seen, given.seed)
        inputs = seen + max(0, share - seen)
        total, broken = total + inputs, broken + violations
        print(
            f"{name}: {inputs} inputs ({seen} coverage-guided), violations: {violations}, "
            f"{time.monotonic() - started:.0f} s",
            flush=True,
        )
    print(f"fuzz: {total} inputs, violations: {broken}" + ("" if with_atheris else " (without atheris)"))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
