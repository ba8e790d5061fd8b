"""A run cut into tasks: whole sessions of one symbol, alike for both modes and any number of workers."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from harness.fast import memory
from harness.fast.bars import COLUMNS, Bars, ColumnBuffers, mapped_root, session_bounds
from harness.fast.choices import Kernel
from harness.fast.event import run_event_loop
from harness.fast.indicator_cache import IndicatorCache
from harness.fast.reference import PlainTrade
from harness.fast.signals import entry_signals
from harness.fast.simulate import simulate_trades_batch
from harness.fast.strategy import StrategySettings
from harness.fast.trades import SimulationResult

CHUNK_ROWS: Final = 1 << 18
_thread: Final = threading.local()


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """Rows ``first_row`` on of one symbol, whole sessions; ``earlier_closes``: the session closes before them."""

    bars: Bars
    first_row: int
    earlier_closes: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class BatchOutcome:
    """A task's trades (bars counted within the task) and its busy seconds per phase."""

    result: SimulationResult
    ingest_s: float
    indicators_s: float
    scan_s: float
    simulate_s: float


@dataclass(frozen=True, slots=True, eq=False)
class EventOutcome:
    """A task's trades in event mode, its busy seconds, and the worker's peak memory."""

    trades: list[PlainTrade]
    busy_s: float
    peak_bytes: int


def cut(bars: Sequence[Bars], trend_days: int, chunk_rows: int = CHUNK_ROWS) -> list[Task]:
    """Tasks of about ``chunk_rows`` rows (always whole sessions), in order of symbol and time.

    Sessions are independent of each other but for the trend filter, whose closes each task carries along; and a task
    of this size stays in the processor's cache from the indicator to the last trade.
    """
    tasks = []
    for symbol in bars:
        bounds = session_bounds(symbol.time_ns)
        first = 0
        while first < len(bounds) - 1:
            last = max(first + 1, int(np.searchsorted(bounds, bounds[first] + chunk_rows, side="right")) - 1)
            start, stop = int(bounds[first]), int(bounds[last])
            before = bounds[max(0, first - trend_days) + 1 : first + 1] - 1 if trend_days else bounds[:0]
            tasks.append(Task(symbol.slice(start, stop), start, tuple(symbol.close[before].tolist())))
            first = last
    return tasks


def run_batch(task: Task, settings: StrategySettings, cache: IndicatorCache, kernel: Kernel) -> BatchOutcome:
    """Indicators, signals and trades of one task on whole columns."""
    start = time.perf_counter()
    # Of the times a run touches a few rows a session, unless each signal's time of day is asked for.
    names = COLUMNS if settings.limits_hours else COLUMNS[1:]
    bars = _thread_buffers().resident(task.bars, names)
    read = time.perf_counter()
    cache.get(bars, "vwap")
    indicated = time.perf_counter()
    entries = entry_signals(bars, settings, cache, task.earlier_closes, kernel)
    scanned = time.perf_counter()
    result = simulate_trades_batch(entries, bars, settings.rules(), kernel=kernel)
    done = time.perf_counter()
    return BatchOutcome(result, read - start, indicated - read, scanned - indicated, done - scanned)


def _thread_buffers() -> ColumnBuffers:
    buffers: ColumnBuffers | None = getattr(_thread, "buffers", None)
    if buffers is None:
        buffers = _thread.buffers = ColumnBuffers()
    return buffers


def run_event(task: Task, settings: StrategySettings) -> EventOutcome:
    """Trades of one task by the event loop."""
    start = time.perf_counter()
    trades = run_event_loop(task.bars, settings, task.earlier_closes)
    return EventOutcome(trades, time.perf_counter() - start, memory.peak_bytes())


# Bars for other processes ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _MappedColumn:
    """Where a column lies in a file: what travels to another process instead of the data."""

    path: str
    offset_bytes: int
    rows: int
    dtype: str

    def open(self) -> npt.NDArray[np.generic]:
        if not self.rows:
            return np.zeros(0, dtype=self.dtype)
        return np.memmap(self.path, dtype=self.dtype, mode="r", offset=self.offset_bytes, shape=(self.rows,))


@dataclass(frozen=True, slots=True)
class SharedTask:
    """A :class:`Task` whose columns are named, not carried."""

    symbol: str
    columns: tuple[_MappedColumn, ...]
    first_row: int
    earlier_closes: tuple[float, ...]

    def open(self) -> Task:
        """The task over the mapped files."""
        bars = Bars.of(self.symbol, (column.open() for column in self.columns))
        return Task(bars, self.first_row, self.earlier_closes)


def share(tasks: Sequence[Task], folder: Path) -> list[SharedTask]:
    """Tasks that another process can open; columns that are not mapped from files are written to ``folder``."""
    shared = []
    for number, task in enumerate(tasks):
        columns = []
        for name, column in zip(COLUMNS, task.bars.columns(), strict=True):
            mapped = _where(column)
            if mapped is None:
                path = folder / f"{number}-{name}.bin"
                np.ascontiguousarray(column).tofile(path)
                mapped = _MappedColumn(str(path), 0, len(column), column.dtype.str)
            columns.append(mapped)
        shared.append(SharedTask(task.bars.symbol, tuple(columns), task.first_row, task.earlier_closes))
    return shared


def _where(column: npt.NDArray[np.generic]) -> _MappedColumn | None:
    """The file range behind a contiguous view of a mapped file; ``None`` for other arrays."""
    found = mapped_root(column)
    if found is None or found[0].filename is None or not column.flags.c_contiguous:
        return None
    root, distance = found
    return _MappedColumn(str(root.filename), int(root.offset) + distance, len(column), column.dtype.str)


def run_shared_event(task: SharedTask, settings: StrategySettings) -> EventOutcome:
    """:func:`run_event` in a worker process."""
    return run_event(task.open(), settings)
