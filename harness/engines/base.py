"""The contract of every engine: one request in, one finished run out.

All engines leave Lean's own files under Lean's own names in the results folder (``<id>.json``,
``<id>-summary.json``, ``<id>-order-events.json``, ``<id>-log.txt``); readers never ask which engine wrote them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol, runtime_checkable


class Outcome(StrEnum):
    """How a backtest ended. Only ``COMPLETED`` may be timed or compared."""

    COMPLETED = "completed"
    RUNTIME_ERROR = "runtime_error"
    INITIALIZE_ERROR = "initialize_error"
    MISSING_DATA = "missing_data"
    ENGINE_CRASH = "engine_crash"
    ABORTED_AFTER_RESULTS = "aborted_after_results"
    TIMED_OUT = "timed_out"
    INTERRUPTED = "interrupted"
    INCONSISTENT = "inconsistent"


@dataclass(frozen=True, slots=True)
class BacktestRequest:
    """One backtest to run. Paths are absolute; ``run_folder`` exists and is empty.

    ``results_folder`` is ``run_folder / "lean"``; standard output and error go to ``run_folder``.
    """

    algorithm_file: Path
    algorithm_class: str
    data_folder: Path
    run_folder: Path
    parameters: Mapping[str, str] = field(default_factory=dict)
    algorithm_id: str = ""
    backtest_name: str = ""
    time_limit_s: float = 3600.0
    environment: Mapping[str, str] = field(default_factory=dict)
    cpu_affinity: tuple[int, ...] = ()
    cache_folder: Path | None = None

    @property
    def results_folder(self) -> Path:
        return self.run_folder / "lean"

    @property
    def result_id(self) -> str:
        """The ``<id>`` in Lean's file names: the algorithm id, by default the class name."""
        return self.algorithm_id or self.algorithm_class


@dataclass(frozen=True, slots=True)
class Measurement:
    """What the operating system counted for one engine process tree.

    ``phases_s`` splits the wall time (engine start, import, set-up, algorithm, results, shutdown) as far as the
    engine tells; the parts sum to no more than ``wall_s``. ``client_cpu_s``: CPU of a client apart from the engine
    (``lean`` apart from its container). ``engine_timers_s``: the engine's own stage timers, parts of the algorithm
    phase.
    """

    wall_s: float
    user_s: float
    system_s: float
    peak_rss_bytes: int
    exit_code: int
    started_at_utc: str
    phases_s: Mapping[str, float] = field(default_factory=dict)
    client_cpu_s: float = 0.0
    load_before: float = 0.0
    engine_timers_s: Mapping[str, float] = field(default_factory=dict)

    @property
    def cpu_s(self) -> float:
        return self.user_s + self.system_s


@dataclass(frozen=True, slots=True)
class BacktestRun:
    """A finished backtest: how it ended, where its files are, what it cost.

    ``detail`` is one line for the user when ``outcome`` is not ``COMPLETED``. ``notes`` are warnings that do not
    change the outcome (failed data requests, for instance). ``engine`` describes what ran (name, version, mode,
    image digest). ``data_points`` is what the engine says it processed, 0 when it does not say.
    """

    request: BacktestRequest
    outcome: Outcome
    measurement: Measurement | None
    detail: str = ""
    notes: tuple[str, ...] = ()
    engine: Mapping[str, str] = field(default_factory=dict)
    data_points: int = 0

    @property
    def ok(self) -> bool:
        return self.outcome is Outcome.COMPLETED


@runtime_checkable
class Recovers(Protocol):
    """An engine whose backtests can outlive the harness process that started them.

    ``recover`` ends those of processes that were killed and returns what it ended, each one line. Raises
    ``EngineError`` where it cannot look.
    """

    def recover(self) -> Sequence[object]: ...


@runtime_checkable
class Engine(Protocol):
    """Starts one backtest in its own process and waits for it.

    ``describe`` names the engine and its version for the fingerprint. ``check`` returns the problems that would
    make every run fail, each one line with its remedy, before the first run. ``run`` never raises for what the
    algorithm did: that is in ``BacktestRun.outcome``; it raises ``EngineError`` when nothing could be started.
    ``on_progress`` (optional) receives a fraction 0..1 and a short text.
    """

    name: str

    def describe(self) -> Mapping[str, str]: ...

    def check(self, request: BacktestRequest) -> list[str]: ...

    def run(self, request: BacktestRequest, on_progress: Callable[[float, str], None] | None = None) -> BacktestRun: ...
