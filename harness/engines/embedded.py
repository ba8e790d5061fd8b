"""The embedded engine as a process of its own: ``python -m harness.embedded`` with the launcher's option names."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import __version__
from harness.engines.base import BacktestRequest, BacktestRun, Measurement
from harness.engines.checks import check_request
from harness.engines.data_requests import judge_data
from harness.engines.lean_rules import lean_class_problems
from harness.engines.outcome import read_ending
from harness.measure.child import ChildCommand, ChildResult, run_child
from harness.measure.fingerprint import folder_digest, load_1min

PHASES_FILE = "measurement-phases.json"


@dataclass(frozen=True, slots=True)
class EmbeddedEngine:
    """Runs the embedded engine. ``command`` starts it (tests put a stand-in there); ``niceness`` is its priority.

    ``allow_missing_data``: a run whose subscribed symbols lack data files counts all the same.
    """

    command: tuple[str, ...] = (sys.executable, "-m", "harness.embedded")
    allow_missing_data: bool = False
    niceness: int = 0
    name: str = "embedded"

    def describe(self) -> Mapping[str, str]:
        """Name, version and a digest of the engine's own source: two commits of one version are two engines."""
        return {
            "name": self.name,
            "version": __version__,
            "source": engine_source_digest(),
            "python": sys.version.split()[0],
        }

    def check(self, request: BacktestRequest) -> list[str]:
        # The engine runs what Lean runs, so another class of the file cannot be asked for.
        return [*check_request(request), *lean_class_problems(request)]

    def command_line(self, request: BacktestRequest) -> tuple[str, ...]:
        """The whole command of one backtest; the same option names as Lean's launcher, and two of our own."""
        options = {
            "data-folder": str(request.data_folder),
            "algorithm-location": str(request.algorithm_file),
            "algorithm-type-name": request.algorithm_class,
            "algorithm-language": "Python",
            "parameters": ",".join(f"{key}:{value}" for key, value in request.parameters.items()),
            "results-destination-folder": str(request.results_folder),
            "algorithm-id": request.result_id,
            "backtest-name": request.backtest_name or request.result_id,
            "close-automatically": "true",
            "cache-folder": "" if request.cache_folder is None else str(request.cache_folder),
            "phases-file": str(request.run_folder / PHASES_FILE),
        }
        words = list(self.command)
        for key, value in options.items():
            if value:
                words += [f"--{key}", value]
        return tuple(words)

    def run(self, request: BacktestRequest, on_progress: Callable[[float, str], None] | None = None) -> BacktestRun:
        request.results_folder.mkdir(parents=True, exist_ok=True)
        load_before = load_1min()
        child = ChildCommand(
            command=self.command_line(request),
            folder=request.run_folder,
            stdout=request.run_folder / "stdout.log",
            stderr=request.run_folder / "stderr.log",
            environment={**os.environ, **request.environment},
            time_limit_s=request.time_limit_s,
            cpu_affinity=request.cpu_affinity,
            niceness=self.niceness,
        )
        on_tick = None if on_progress is None else _ticker(on_progress)
        cost = run_child(child, on_tick)
        told = _read_phases(request.run_folder / PHASES_FILE)
        ending = read_ending(request, cost.exit_code, cost.timed_out)
        ending = judge_data(request.results_folder, ending, allow_missing=self.allow_missing_data)
        return BacktestRun(
            request=request,
            outcome=ending.outcome,
            measurement=as_measurement(cost, told.get("phases_s", {}), load_before),
            detail=ending.detail,
            notes=(*ending.notes, *child_notes(cost)),
            engine=self.describe(),
            data_points=int(told.get("data_points", 0)),
        )


def engine_source_digest() -> str:
    """First 12 hex digits of the digest over the Python files of the embedded engine."""
    return folder_digest(Path(__file__).resolve().parents[1] / "embedded", (".py",))[:12]


def as_measurement(cost: ChildResult, phases_s: Mapping[str, float], load_before: float) -> Measurement:
    """The engine contract's measurement from what was measured of the child."""
    return Measurement(
        wall_s=cost.wall_s,
        user_s=cost.user_s,
        system_s=cost.system_s,
        peak_rss_bytes=cost.peak_rss_bytes,
        exit_code=cost.exit_code,
        started_at_utc=cost.started_at_utc,
        phases_s=dict(phases_s),
        load_before=load_before,
    )


def child_notes(cost: ChildResult) -> tuple[str, ...]:
    """What a user should know about how the process behaved."""
    notes = []
    if cost.left_running:
        notes.append(f"processes were left running and were ended: {', '.join(cost.left_running)}")
    if cost.output_dropped:
        notes.append(f"{' and '.join(cost.output_dropped)} went over the size limit; only the head was kept")
    return tuple(notes)


def _ticker(on_progress: Callable[[float, str], None]) -> Callable[[float], None]:
    # How far a backtest is cannot be seen from outside; the elapsed time can.
    return lambda elapsed_s: on_progress(0.0, f"{elapsed_s:.0f} s")


def _read_phases(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}  # a crashed engine leaves none; the outcome says so
    return told if isinstance(told, dict) else {}
