"""One run of the embedded engine in its own process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import InputError

TIME_LIMIT_S = 900.0
EMBEDDED = (sys.executable, "-m", "harness.embedded")
"""The command that starts the embedded engine; any other that takes the options of Lean's launcher can stand in."""


@dataclass(frozen=True, slots=True)
class EngineExit:
    """How the process ended: exit code (``None`` when it was stopped at the time limit), its output, its wall time."""

    exit_code: int | None
    output: str
    errors: str
    wall_s: float

    @property
    def statistics(self) -> dict[str, str]:
        """The ``STATISTICS:: name value`` lines; names may contain spaces, values may not."""
        return dict(self.statistics_lines())

    def statistics_lines(self) -> list[tuple[str, str]]:
        found = []
        for line in self.output.splitlines():
            if line.startswith("STATISTICS:: "):
                found.append((line, line.removeprefix("STATISTICS:: ")))
        return found

    @property
    def refused(self) -> str:
        """The line that names what is not covered, or nothing."""
        for line in (self.errors + "\n" + self.output).splitlines():
            if "is not covered by the embedded engine" in line:
                return line.strip()
        return ""


def run_engine(
    algorithm: Path,
    class_name: str,
    data_folder: Path,
    results_folder: Path,
    cache_folder: Path | None,
    *,
    backtest_name: str = "local",
    parameters: Mapping[str, str] | None = None,
    engine: Sequence[str] = EMBEDDED,
) -> EngineExit:
    """Run one backtest with the ``engine`` command and wait for it. Raises :class:`InputError` if it cannot start."""
    command = [
        *engine,
        *("--data-folder", str(data_folder)),
        *("--algorithm-language", "Python"),
        *("--algorithm-type-name", class_name),
        *("--algorithm-id", class_name),
        *("--algorithm-location", str(algorithm)),
        *("--backtest-name", backtest_name),
        *("--results-destination-folder", str(results_folder)),
        *("--close-automatically", "true"),
    ]
    if cache_folder is not None:
        command += ["--cache-folder", str(cache_folder)]
    if parameters:
        command += ["--parameters", ",".join(f"{key}:{value}" for key, value in parameters.items())]
    started = time.perf_counter()
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIME_LIMIT_S,
            # Compiled modules are kept: without them every process would compile the engine anew.
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""},
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except OSError as error:
        raise InputError(f"engine command {engine[0]!r}: cannot be started ({error.strerror or error})") from None
    except subprocess.TimeoutExpired:
        return EngineExit(None, "", f"stopped after {TIME_LIMIT_S:.0f} s", time.perf_counter() - started)
    return EngineExit(done.returncode, done.stdout, done.stderr, time.perf_counter() - started)
