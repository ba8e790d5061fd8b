"""``python -m harness.profiling.attach --output FILE --format FORM --rate N -- COMMAND ...``: py-spy beside a program.

For a program that has Python inside but is not Python (real Lean: .NET with CPython in it): it is started first, and
py-spy joins it as soon as there is a Python to look at. The program's exit code is passed on; whether FILE is there
tells whether there was anything to see.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

PR_SET_PTRACER = 0x59616D61
PR_SET_PTRACER_ANY = ctypes.c_ulong(-1)
RETRY_S = 0.05


def main(words: Sequence[str]) -> int:
    at = words.index("--")
    parser = argparse.ArgumentParser()
    for name in ("--py-spy", "--output", "--format", "--rate"):
        parser.add_argument(name, required=True)
    given = parser.parse_args(words[:at])
    program = start_traceable(words[at + 1 :])
    record = [given.py_spy, "record", "--output", given.output, "--format", given.format, "--rate", given.rate]
    said = ""
    while program.poll() is None and not has_samples(Path(given.output)):
        for pid in _family(program.pid):
            done = subprocess.run(
                [*record, "--full-filenames", "--pid", str(pid)],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False,
            )  # fmt: skip
            said = done.stderr
            if has_samples(Path(given.output)):
                break
        time.sleep(RETRY_S)
    code = program.wait()
    if not has_samples(Path(given.output)) and said:
        print(f"py-spy: saw no Python in it; its last words: {' '.join(said.split())[-300:]}", file=sys.stderr)
    return code if code >= 0 else 128 - code


def has_samples(output: Path) -> bool:
    """Whether py-spy left a recording with something in it; an empty one is removed.

    Joined just when a program replaces itself by another (``exec``), py-spy ends at once and leaves a file that says
    nothing.
    """
    try:
        content = output.read_bytes()
    except FileNotFoundError:
        return False
    if content.lstrip().startswith(b"{"):
        empty = not any(profile.get("samples") for profile in json.loads(content).get("profiles", ()))
    else:
        empty = b"No valid input provided to flamegraph" in content
    if empty:
        output.unlink()
    return not empty


def start_traceable(command: Sequence[str], stdout: int | None = None) -> subprocess.Popen[bytes]:
    """Starts a program that any process of this user may look into, also where only parents may (Linux's Yama)."""
    return subprocess.Popen(command, stdout=stdout, preexec_fn=_allow_tracing)  # noqa: PLW1509 (one thread here)


def _allow_tracing() -> None:
    if sys.platform.startswith("linux"):
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0)


def tracing_problem(py_spy: str) -> str:
    """Why py-spy may not look into another process here, found by trying; empty when it may."""
    probe = start_traceable(
        [sys.executable, "-S", "-E", "-c", "import time; print(1, flush=True); time.sleep(60)"], stdout=subprocess.PIPE
    )
    try:
        assert probe.stdout is not None
        probe.stdout.readline()  # Python is up
        done = subprocess.run(
            [py_spy, "dump", "--pid", str(probe.pid)], capture_output=True, text=True, timeout=60, check=False
        )
    except subprocess.TimeoutExpired:
        return "it does not answer"
    finally:
        probe.kill()
        probe.communicate()
    return "" if done.returncode == 0 else " ".join((done.stderr or done.stdout).split())


def _family(pid: int) -> list[int]:
    """The program and what it started: ``dotnet`` may be a script that starts the real one."""
    found = [pid]
    with suppress(psutil.Error):
        found += [child.pid for child in psutil.Process(pid).children(recursive=True) if child.pid != os.getpid()]
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
