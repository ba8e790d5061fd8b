"""Bars of one symbol as columns, and what is cut from them: sessions, portions, coarser bars."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from harness.fast.errors import FastPathError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

NS_PER_S: Final = 1_000_000_000
NS_PER_DAY: Final = 86_400 * NS_PER_S
COLUMNS: Final = ("time_ns", "open", "high", "low", "close", "volume")
BYTES_PER_ROW: Final = 8 * len(COLUMNS)


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """Bars of one symbol, oldest first, one array a column, all of length ``n``.

    ``time_ns`` is the bar's start in nanoseconds since 1970-01-01 of the exchange's wall clock (no time zone, as in
    Lean's files); prices are dollars, ``volume`` is shares; NaN is a missing price. ``data_key`` names the data for
    caches: equal keys mean equal columns.
    """

    symbol: str
    time_ns: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    data_key: str = field(default="")

    def __post_init__(self) -> None:
        lengths = {name: len(getattr(self, name)) for name in COLUMNS}
        if len(set(lengths.values())) != 1:
            raise FastPathError(f"bars of {self.symbol!r} have columns of different lengths: {lengths}")
        if not self.data_key:
            object.__setattr__(self, "data_key", f"memory-{id(self.time_ns):x}-{len(self.time_ns)}")

    def __len__(self) -> int:
        return len(self.time_ns)

    @classmethod
    def of(cls, symbol: str, columns: Iterable[npt.NDArray[Any]], data_key: str = "") -> Bars:
        """Bars from six arrays in the order of ``COLUMNS``."""
        time_ns, open_, high, low, close, volume = columns
        return cls(symbol, time_ns, open_, high, low, close, volume, data_key)

    @property
    def nbytes(self) -> int:
        """Bytes of the six columns: the raw data that memory figures are held against."""
        return BYTES_PER_ROW * len(self)

    def columns(self) -> Iterator[npt.NDArray[np.generic]]:
        """The six arrays in the order of ``COLUMNS``."""
        for name in COLUMNS:
            yield getattr(self, name)

    def slice(self, start: int, stop: int) -> Bars:
        """Rows ``start`` to ``stop`` (exclusive) as views, without copying."""
        if start == 0 and stop == len(self):
            return self
        return Bars(
            self.symbol,
            self.time_ns[start:stop],
            self.open[start:stop],
            self.high[start:stop],
            self.low[start:stop],
            self.close[start:stop],
            self.volume[start:stop],
            data_key=f"{self.data_key}[{start}:{stop}]",
        )


def mapped_root(column: npt.NDArray[Any]) -> tuple[np.memmap[Any, Any], int] | None:
    """The file mapping that ``column`` is a view of, and the bytes from its first element to the column's.

    ``None`` for other arrays.
    """
    root = column
    while isinstance(root.base, np.ndarray):
        root = root.base
    if not isinstance(root, np.memmap):
        return None
    return root, int(column.__array_interface__["data"][0] - root.__array_interface__["data"][0])


class ColumnBuffers:
    """Arrays that mapped columns are read into, used again for the next bars. Not for several threads at once.

    Reading a stretch of a file into memory that is there already is faster than faulting its pages in one by one,
    does not make threads wait for each other's page tables, and keeps the resident memory at one stretch.
    """

    def __init__(self) -> None:
        self._arrays: dict[str, npt.NDArray[Any]] = {}

    def resident(self, bars: Bars, names: Collection[str] = COLUMNS) -> Bars:
        """The same bars, mapped columns among ``names`` read into the buffers: valid until the next call."""
        columns = [self._read(name, getattr(bars, name)) if name in names else getattr(bars, name) for name in COLUMNS]
        return Bars.of(bars.symbol, columns, bars.data_key)

    def _read(self, name: str, column: npt.NDArray[Any]) -> npt.NDArray[Any]:
        found = mapped_root(column)
        if found is None or not len(column) or not column.flags.c_contiguous:
            return column
        root, distance = found
        path = root.filename
        if path is None:
            return column
        buffer = self._arrays.get(name)
        if buffer is None or len(buffer) < len(column) or buffer.dtype != column.dtype:
            buffer = self._arrays[name] = np.empty(len(column), dtype=column.dtype)
        target = buffer[: len(column)]
        view = target.data.cast("B")
        try:
            with io.FileIO(path) as file:
                file.seek(root.offset + distance)
                filled = 0
                while filled < len(view):
                    count = file.readinto(view[filled:])
                    if not count:
                        return column
                    filled += count
        except OSError:
            # The file was dropped from the cache meanwhile; the mapping still holds it.
            return column
        return target


def session_bounds(time_ns: IntArray) -> IntArray:
    """First row of each calendar day, and ``n`` at the end: shape ``(sessions + 1,)``.

    ``time_ns`` must be ascending. Searches the day edges instead of dividing every time stamp, so the cost depends
    on the number of days, not of rows.
    """
    if len(time_ns) == 0:
        return np.zeros(1, dtype=np.int64)
    first_day = int(time_ns[0]) // NS_PER_DAY
    last_day = int(time_ns[-1]) // NS_PER_DAY
    edges = np.arange(first_day, last_day + 2, dtype=np.int64) * NS_PER_DAY
    return np.unique(np.searchsorted(time_ns, edges, side="left"))


def session_last_rows(bounds: IntArray, rows: IntArray) -> IntArray:
    """Last row of the session that each of ``rows`` lies in."""
    ends = bounds[1:]
    return np.asarray(ends[np.searchsorted(ends, rows, side="right")] - 1, dtype=np.int64)


def check_fraction(fraction: float, portion: int) -> None:
    """Raise :class:`FastPathError` unless ``0 < fraction <= 1`` and the portion lies in the data."""
    if not 0.0 < fraction <= 1.0:
        raise FastPathError(f"--data-frac is {fraction}: give a fraction above 0 and at most 1, such as 0.25")
    last = int(np.ceil(1.0 / fraction - 1e-9))
    if not 1 <= portion <= last:
        raise FastPathError(f"--portion is {portion}: with --data-frac {fraction} it can be 1 to {last}")


def portion_rows(rows: int, fraction: float, portion: int) -> tuple[int, int]:
    """Row range ``(start, stop)`` of the ``portion``-th (from 1) slice of ``fraction`` of ``rows``.

    The portions of a fraction follow each other without a gap or an overlap and together hold every row.
    """
    check_fraction(fraction, portion)
    start = min(rows, round(rows * fraction * (portion - 1)))
    stop = min(rows, round(rows * fraction * portion))
    return start, stop


def resample(bars: Bars, seconds: int) -> Bars:
    """Consolidate to bars of ``seconds``, each starting at a multiple of ``seconds`` of the wall clock.

    Open is the first, close the last, high and low the extremes, volume the sum; spans without data give no bar.
    (The bar's start is the time rounded down, as Lean's ``PeriodCountConsolidatorBase`` does for a period.)
    """
    if seconds < 1:
        raise FastPathError(f"bar length is {seconds} s: give at least 1")
    if len(bars) == 0:
        return bars
    width = seconds * NS_PER_S
    slots = bars.time_ns // width
    firsts = np.concatenate(([0], np.flatnonzero(slots[1:] != slots[:-1]) + 1))
    lasts = np.concatenate((firsts[1:], [len(bars)])) - 1
    if len(firsts) == len(bars) and not np.any(bars.time_ns % width):
        return bars
    return Bars(
        bars.symbol,
        slots[firsts] * width,
        bars.open[firsts],
        np.maximum.reduceat(bars.high, firsts),
        np.minimum.reduceat(bars.low, firsts),
        bars.close[lasts],
        np.add.reduceat(bars.volume, firsts),
        data_key=f"{bars.data_key}@{seconds}s",
    )
