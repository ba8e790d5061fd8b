"""Steps through every file operation of a scenario and disturbs it there, one process a case.

Runs itself again with the preload library, imports everything once and forks for each case, so that a case costs
milliseconds and not the start of an interpreter. Faults: killed before the call, killed after half a write, no space
once, no space from there on, input/output error, short write, short write and then no space. Then stored files are
damaged at every place (``damage.py``).
"""

from __future__ import annotations

import argparse
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.scenarios import Scenario

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]

# name -> (number in preload.c, letters of the operations it applies to)
KINDS: dict[str, tuple[int, str]] = {
    "killed": (1, "ocwrftnumd"),
    "no space once": (2, "cwftnm"),
    "input/output error": (3, "ocwrftnumd"),
    "short write": (4, "w"),
    "killed in a write": (5, "w"),
    "no space from here on": (6, "cwfm"),
    "short write, then no space": (7, "w"),
}
CASE_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Tally:
    """Cases run for one scenario and every violation, as text."""

    operations: int
    cases: int
    violations: tuple[str, ...]


def build_library(folder: Path) -> Path:
    """Compiles ``preload.c`` into ``folder``. Raises ``OSError`` when there is no C compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        raise OSError("fault injection needs Linux and a C compiler")
    library = folder / "preload.so"
    words = [compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(FOLDER / "preload.c"), "-ldl"]
    subprocess.run(words, check=True, capture_output=True)
    return library


class Faults:
    """The preload library of this process."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(os.environ["LD_PRELOAD"])
        self._library.fault_trace.restype = ctypes.c_char_p

    def arm(self, folder: Path, at: int, kind: int) -> None:
        self._library.fault_arm(str(folder).encode(), ctypes.c_long(at), ctypes.c_int(kind))

    def trace(self) -> str:
        return str(self._library.fault_trace().decode())


def forked(work: Callable[[], int], log: Path) -> int | None:
    """Runs ``work`` in a forked process with its output in ``log``; its exit code, None when it was killed."""
    pid = os.fork()
    if pid == 0:
        try:
            fd = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            os.dup2(fd, 1)
            os.dup2(fd, 2)
            sys.stdout = os.fdopen(1, "w", buffering=1, closefd=False)
            sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
            code = work()
        except BaseException:
            traceback.print_exc()
            code = 99
        sys.stdout.flush()
        os._exit(code)
    deadline = time.monotonic() + CASE_LIMIT_S
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            break
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            log.open("a").write(f"\nTraceback: still running after {CASE_LIMIT_S:g} s\n")
            return 99
        time.sleep(0.001)
    return None if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def warm_up(scenario: Scenario, scratch: Path) -> None:
    """The whole scenario once in this process, undisturbed: every case inherits what it imports."""
    folder = scratch / "warm"
    folder.mkdir()
    os.environ["FAULT_ACKNOWLEDGED"] = str(folder / "acknowledged.txt")
    with (scratch / "warm.log").open("w") as log, redirect_stdout(log), redirect_stderr(log):
        scenario.prepare(folder)
        problems = scenario.verify(folder, scenario.act(folder))
    os.chdir(ROOT)
    shutil.rmtree(folder)
    if problems:
        raise SystemExit(f"{scenario.name}: the promise is broken without any fault: {problems}")


def run_scenario(named: Scenario, faults: Faults, scratch: Path, stride: int, first: int) -> Tally:
    """Every ``stride``-th operation of a scenario (from ``first``), under every kind of fault that applies to it."""
    template = scratch / "template"
    template.mkdir()
    os.environ["FAULT_ACKNOWLEDGED"] = str(scratch / "acknowledged-before.txt")
    if forked(lambda: (named.prepare(template), 0)[1], scratch / "prepare.log") != 0:
        raise SystemExit(f"{named.name}: cannot be prepared: {(scratch / 'prepare.log').read_text()}")
    trace_file = scratch / "trace"

    def count(folder: Path) -> int:
        faults.arm(folder / "project", 0, 0)
        code = named.act(folder)
        trace_file.write_text(faults.trace())
        return code

    case = fresh(scratch, template)
    code = forked(lambda: count(case), scratch / "act.log")
    if code not in (0, 1, 3):
        raise SystemExit(f"{named.name}: exits with {code} undisturbed: {(scratch / 'act.log').read_text()}")
    trace = trace_file.read_text()
    violations: list[str] = []
    cases = 0
    for kind, (number, letters) in KINDS.items():
        for at in range(first, len(trace) + 1, stride):
            if trace[at - 1] not in letters:
                continue
            cases += 1
            problems = run_case(named, faults, fresh(scratch, template), at, number)
            violations += [f"{named.name}, {kind} at call {at} ({trace[at - 1]}): {text}" for text in problems]
    shutil.rmtree(template)
    return Tally(len(trace), cases, tuple(violations))


def fresh(scratch: Path, template: Path) -> Path:
    folder = scratch / "case"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template, folder)
    os.environ["FAULT_ACKNOWLEDGED"] = str(folder / "acknowledged.txt")
    return folder


def run_case(named: Scenario, faults: Faults, folder: Path, at: int, kind: int) -> list[str]:
    """One disturbed run and what is wrong after it."""
    from tests.faults.scenarios import SAID_CODES

    log, report = folder.parent / "act.log", folder.parent / "verify.log"

    def act() -> int:
        faults.arm(folder / "project", at, kind)
        return named.act(folder)

    code = forked(act, log)
    output = log.read_text(errors="replace")
    problems = []
    if "Traceback" in output or "internal error" in output or code == 99:
        problems.append(f"no clear error: {' '.join(output.split())[-600:]}")
    if code in SAID_CODES and "harness: " not in output:
        problems.append(f"exit code {code} without a word")

    def verify() -> int:
        from tests.faults.scenarios import describe

        try:
            found = named.verify(folder, code)
        except BaseException as error:
            found = [describe(error)]
        (folder.parent / "problems").write_text("\n".join(found))
        return 0

    (folder.parent / "problems").unlink(missing_ok=True)
    if forked(verify, report) != 0:
        return [*problems, f"verifying ended badly: {report.read_text(errors='replace')[-600:]}"]
    found = (folder.parent / "problems").read_text()
    if found:
        said = [line for line in report.read_text(errors="replace").splitlines() if line.startswith("harness: ")]
        problems += [f"{line} {' '.join(said[-1:])}" for line in found.splitlines()]
    return problems


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Disturb every file operation of the harness and hold its promise.")
    parser.add_argument("--only", action="append", help="part of a scenario's name; can be repeated")
    parser.add_argument("--stride", type=int, default=1, help="every so many operations (tests take a sample)")
    parser.add_argument("--first", type=int, default=1, help="begin with this operation")
    given = parser.parse_args(words)
    sys.path.insert(0, str(ROOT))
    base = Path("/dev/shm") if Path("/dev/shm").is_dir() and os.access("/dev/shm", os.W_OK) else None  # nosec B108
    with tempfile.TemporaryDirectory(prefix="faults-", dir=base) as folder:
        if "FAULT_DRIVER" not in os.environ:
            library = build_library(Path(folder))
            environment = {**os.environ, "LD_PRELOAD": str(library), "FAULT_DRIVER": "1", "COLUMNS": "140"}
            arguments = sys.argv[1:] if words is None else words
            return subprocess.run(
                [sys.executable, "-m", "tests.faults.driver", *arguments], cwd=ROOT, env=environment, check=False
            ).returncode
        return disturb(Path(folder), given.only or [""], given.stride, given.first)


def disturb(scratch: Path, names: list[str], stride: int, first: int) -> int:
    from tests.faults.scenarios import SCENARIOS

    faults = Faults()
    total = broken = 0
    for scenario in SCENARIOS:
        if not any(name in scenario.name for name in names):
            continue
        started = time.monotonic()
        warm_up(scenario, scratch)
        tally = run_scenario(scenario, faults, scratch, stride, first)
        total += tally.cases
        broken += len(tally.violations)
        for violation in tally.violations:
            print(f"  violation: {violation}")
        print(
            f"{scenario.name}: {tally.operations} file operations, {tally.cases} cases, "
            f"violations: {len(tally.violations)}, {time.monotonic() - started:.0f} s",
            flush=True,
        )
    from tests.faults.damage import damage

    for name, cases, problems in damage(scratch, stride, lambda name: any(part in name for part in names)):
        total += cases
        broken += len(problems)
        for violation in problems[:20]:
            print(f"  violation: {violation}")
        print(f"{name}: {cases} cases, violations: {len(problems)}", flush=True)
    print(f"faults: {total} cases, violations: {broken}")
    return 0 if total and not broken else 1


if __name__ == "__main__":
    sys.exit(main())
