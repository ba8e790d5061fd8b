"""One run of the fast path: load, simulate in batch or event mode, verify, and say where time and memory went."""

from __future__ import annotations

import hashlib
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Final, TypeVar

import numpy as np

from harness.fast import jit, memory
from harness.fast.bars import Bars
from harness.fast.choices import Kernel, SimMode
from harness.fast.errors import FastPathError
from harness.fast.fidelity import FidelityReport, compare_trades
from harness.fast.indicator_cache import IndicatorCache
from harness.fast.ingest.load import Dataset, LoadOptions, load_dataset
from harness.fast.phases import PhaseClock
from harness.fast.reference import as_trades
from harness.fast.strategy import StrategySettings
from harness.fast.tasks import (
    CHUNK_ROWS,
    BatchOutcome,
    EventOutcome,
    Task,
    cut,
    run_batch,
    run_event,
    run_shared_event,
    share,
)
from harness.fast.trades import Rejection, Trades

MAX_WORKERS: Final = 256

Progress = Callable[[str, int, int], None]
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What to run. ``measure_efficiency`` repeats the computation with one worker to compare."""

    strategy: StrategySettings = field(default_factory=StrategySettings)
    load: LoadOptions = field(default_factory=LoadOptions)
    mode: SimMode = SimMode.BATCH
    kernel: Kernel = Kernel.AUTO
    workers: int = 1
    verify: bool = False
    measure_efficiency: bool = False
    chunk_rows: int = CHUNK_ROWS

    def __post_init__(self) -> None:
        if not 1 <= self.workers <= MAX_WORKERS:
            raise FastPathError(f"--workers is {self.workers}: give 1 to {MAX_WORKERS}")
        if self.chunk_rows < 1:
            raise FastPathError(f"chunk_rows is {self.chunk_rows}: give at least 1")


@dataclass(frozen=True, slots=True)
class ParallelUse:
    """How the computation was spread. ``efficiency`` is serial time over workers times parallel time, measured in
    this run (``None``: not measured, or one worker); ``wall_s`` is the time of the computation alone."""

    workers: int
    kind: str
    tasks: int
    wall_s: float
    serial_s: float | None = None
    worker_peak_bytes: int = 0

    @property
    def efficiency(self) -> float | None:
        """Serial time / (workers * parallel time)."""
        return None if self.serial_s is None else self.serial_s / (self.workers * self.wall_s)


@dataclass(frozen=True, slots=True, eq=False)
class RunResult:
    """Everything a run found. ``trades`` and ``rejected`` are by symbol (event mode rejects nothing by name)."""

    dataset: Dataset
    mode: SimMode
    kernel: Kernel
    trades: Mapping[str, Trades]
    rejected: Mapping[str, int]
    phases: Mapping[str, float]
    wall_s: float
    parallel: ParallelUse
    memory: memory.MemoryUse
    fidelity: FidelityReport | None

    @property
    def trade_count(self) -> int:
        """Trades of all symbols."""
        return sum(len(trades) for trades in self.trades.values())

    @property
    def profit_cents(self) -> int:
        """Profit of all trades in cents."""
        return sum(trades.total_cents for trades in self.trades.values())

    @property
    def trades_digest(self) -> str:
        """SHA-256 over all trades, symbol by symbol: equal digests are equal trades to the last bit."""
        digest = hashlib.sha256()
        for symbol in sorted(self.trades):
            digest.update(symbol.encode())
            for name in _DIGEST_FIELDS:
                column = getattr(self.trades[symbol], name)
                digest.update(np.ascontiguousarray(column.astype(column.dtype.newbyteorder("<"))).tobytes())
        return digest.hexdigest()


# Not the row of the entry signal: the event loop does not number its signals.
_DIGEST_FIELDS: Final = tuple(field.name for field in fields(Trades) if field.name != "entry_row")


def run(path: Path, settings: RunSettings, progress: Progress | None = None) -> RunResult:
    """Load ``path`` and simulate it. Raises subclasses of :class:`harness.errors.HarnessError`."""
    start = time.perf_counter()
    clock = PhaseClock()
    _load_libraries(settings, clock)
    # The libraries are loaded: what grows from here on is data.
    before = memory.resident_bytes()
    memory.mark_peak()
    with clock.phase("ingest"):
        dataset = load_dataset(path, settings.load, progress)
    kernel = jit.choose(settings.kernel, dataset.rows, settings.workers)
    tasks = cut(dataset.bars, settings.strategy.trend_days, settings.chunk_rows)
    if settings.mode is SimMode.BATCH:
        trades, rejected, parallel = _batch(dataset, tasks, settings, kernel=kernel, clock=clock, progress=progress)
    else:
        trades, parallel = _event(dataset, tasks, settings, clock, progress)
        rejected = {}
    wall_s = time.perf_counter() - start
    peak = memory.peak_bytes()
    fidelity = _verify(tasks, settings, trades, dataset.bars, progress) if settings.verify else None
    return RunResult(
        dataset,
        settings.mode,
        kernel,
        trades,
        rejected,
        dict(clock.seconds),
        wall_s,
        parallel,
        memory.MemoryUse(before, peak, dataset.nbytes),
        fidelity,
    )


def _load_libraries(settings: RunSettings, clock: PhaseClock) -> None:
    with clock.phase("ingest"), suppress(ImportError):
        import pyarrow.csv  # noqa: F401
    if settings.mode is SimMode.BATCH and jit.choose(settings.kernel, workers=settings.workers) is Kernel.NUMBA:
        with clock.phase("simulate"):
            jit.kernels()


# Batch mode: threads over one copy of the columns ------------------------------------------------------------------


def _batch(
    dataset: Dataset,
    tasks: Sequence[Task],
    settings: RunSettings,
    *,
    kernel: Kernel,
    clock: PhaseClock,
    progress: Progress | None,
) -> tuple[dict[str, Trades], dict[str, int], ParallelUse]:
    start = time.perf_counter()
    outcomes = _batch_outcomes(tasks, settings, kernel, settings.workers, progress)
    wall_s = time.perf_counter() - start
    serial_s = None
    if settings.measure_efficiency and settings.workers > 1:
        start = time.perf_counter()
        _batch_outcomes(tasks, settings, kernel, 1, None)
        serial_s = time.perf_counter() - start
    for outcome in outcomes:
        clock.add("ingest", outcome.ingest_s)
        clock.add("indicators", outcome.indicators_s)
        clock.add("scan", outcome.scan_s)
        clock.add("simulate", outcome.simulate_s)
    with clock.phase("report"):
        trades = _joined(dataset.bars, tasks, [outcome.result.trades for outcome in outcomes])
        rejected = {kind.name.lower(): 0 for kind in Rejection if kind is not Rejection.NONE}
        for outcome in outcomes:
            for name, count in outcome.result.rejected().items():
                rejected[name] += count
    return trades, rejected, ParallelUse(settings.workers, "threads", len(tasks), wall_s, serial_s)


def _batch_outcomes(
    tasks: Sequence[Task], settings: RunSettings, kernel: Kernel, workers: int, progress: Progress | None
) -> list[BatchOutcome]:
    # A cache of its own per pass: a pass that found the indicators of another would be no measurement.
    # Within a run a task reads its indicators once more, right after they are made: two columns a worker are enough.
    column_bytes = max((8 * len(task.bars) for task in tasks), default=0)
    cache = IndicatorCache(2 * workers * column_bytes, kernel=kernel)

    def work(task: Task) -> BatchOutcome:
        return run_batch(task, settings.strategy, cache, kernel)

    if workers == 1:
        return [work(task) for task in _counted(tasks, "simulate", progress, len(tasks))]
    with ThreadPoolExecutor(workers) as pool:
        return list(_counted(pool.map(work, tasks), "simulate", progress, len(tasks)))


def _joined(bars: Sequence[Bars], tasks: Sequence[Task], parts: Sequence[Trades]) -> dict[str, Trades]:
    """Trades of each symbol, bars counted from the symbol's first; ``entry_row`` counts within its task."""
    joined = {}
    for symbol in bars:
        mine = [
            (task.first_row, part) for task, part in zip(tasks, parts, strict=True) if task.bars.symbol == symbol.symbol
        ]
        columns = {
            name: np.concatenate(
                [
                    getattr(part, name) + (first_row if name in ("signal", "entry_index", "exit_index") else 0)
                    for first_row, part in mine
                ]
            )
            for name in (item.name for item in fields(Trades))
            if mine
        }
        joined[symbol.symbol] = Trades(**columns) if mine else as_trades([])
    return joined


def _counted(items: Iterable[_Item], phase: str, progress: Progress | None, total: int) -> Iterator[_Item]:
    """The items as they come, each told to ``progress``."""
    for number, item in enumerate(items, start=1):
        yield item
        if progress is not None:
            progress(phase, number, total)


# Event mode: processes over mapped columns -------------------------------------------------------------------------


def _event(
    dataset: Dataset,
    tasks: Sequence[Task],
    settings: RunSettings,
    clock: PhaseClock,
    progress: Progress | None,
) -> tuple[dict[str, Trades], ParallelUse]:
    start = time.perf_counter()
    outcomes = _event_outcomes(tasks, settings, settings.workers, progress)
    wall_s = time.perf_counter() - start
    serial_s = None
    if settings.measure_efficiency and settings.workers > 1:
        start = time.perf_counter()
        _event_outcomes(tasks, settings, 1, None)
        serial_s = time.perf_counter() - start
    clock.add("simulate", sum(outcome.busy_s for outcome in outcomes))
    with clock.phase("report"):
        trades = _joined(dataset.bars, tasks, [as_trades(outcome.trades) for outcome in outcomes])
    peak = max((outcome.peak_bytes for outcome in outcomes), default=0) if settings.workers > 1 else 0
    kind = "processes" if settings.workers > 1 else "none"
    return trades, ParallelUse(settings.workers, kind, len(tasks), wall_s, serial_s, peak)


def _event_outcomes(
    tasks: Sequence[Task], settings: RunSettings, workers: int, progress: Progress | None
) -> list[EventOutcome]:
    if workers == 1:
        return [run_event(task, settings.strategy) for task in _counted(tasks, "event loop", progress, len(tasks))]
    with (
        tempfile.TemporaryDirectory(prefix="harness-fast-") as folder,
        ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool,
    ):
        shared = share(tasks, Path(folder))
        results = pool.map(run_shared_event, shared, [settings.strategy] * len(shared))
        return list(_counted(results, "event loop", progress, len(shared)))


def _verify(
    tasks: Sequence[Task],
    settings: RunSettings,
    trades: Mapping[str, Trades],
    bars: Sequence[Bars],
    progress: Progress | None,
) -> FidelityReport:
    """Run the other mode on the same bars and compare."""
    if settings.mode is SimMode.BATCH:
        events = _event_outcomes(tasks, settings, settings.workers, progress)
        return compare_trades(trades, _joined(bars, tasks, [as_trades(outcome.trades) for outcome in events]))
    rows = sum(len(task.bars) for task in tasks)
    kernel = jit.choose(settings.kernel, rows, settings.workers)
    batches = _batch_outcomes(tasks, settings, kernel, settings.workers, progress)
    return compare_trades(_joined(bars, tasks, [outcome.result.trades for outcome in batches]), trades)
