"""Candles from the market data: any resolution, a window of it, merged to as many as are wanted.

Merging keeps the first open, the highest high, the lowest low, the last close and the sum of volumes, so no extreme
is lost. Times are seconds since 1970 UTC of a candle's start.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from harness.errors import InputError
from harness.marketdata.lean_format import DAY_US, RESOLUTIONS, BarTable, is_daily_file, read_bars, zip_path
from harness.server.cache import ByteCache

EXCHANGE_ZONE = ZoneInfo("America/New_York")
PERIOD_S = {"second": 1, "minute": 60, "hour": 3600, "daily": 86400}
MOST_DAYS = 400
PAUSE_S = 7200
_TICKER = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,15}\Z")
_SPAN = re.compile(r"(\d{1,6})\s*(s|m|h|d)\Z")
_SPAN_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Candles:
    """Columns of equal length; ``time_s`` int64 UTC, prices in dollars, ``volume`` in shares."""

    time_s: Int64
    open: Float64
    high: Float64
    low: Float64
    close: Float64
    volume: Float64

    def __len__(self) -> int:
        return int(self.time_s.size)

    @property
    def size_bytes(self) -> int:
        return 48 * len(self)

    def window(self, start_s: float, end_s: float) -> Candles:
        """Those that start in ``[start_s, end_s]``."""
        first, last = np.searchsorted(self.time_s, [start_s, np.nextafter(end_s, np.inf)])
        return Candles(*(column[first:last] for column in self._columns()))

    def to_columns(self) -> dict[str, Any]:
        return dict(zip(("time", "open", "high", "low", "close", "volume"), self._columns(), strict=True))

    def merged(self, starts: Int64) -> Candles:
        """One candle for each run of candles that begins at an index of ``starts`` (sorted, the first is 0)."""
        if not len(self):
            return self
        last = np.append(starts[1:], len(self)) - 1
        return Candles(
            self.time_s[starts],
            self.open[starts],
            np.maximum.reduceat(self.high, starts),
            np.minimum.reduceat(self.low, starts),
            self.close[last],
            np.add.reduceat(self.volume, starts),
        )

    def _columns(self) -> tuple[Any, ...]:
        return self.time_s, self.open, self.high, self.low, self.close, self.volume


def parse_span(text: str) -> int:
    """``15s``, ``5m``, ``1h`` as seconds. Raises ``InputError``."""
    match = _SPAN.match(text)
    if match is None or not int(match[1]):
        raise InputError(f"resample {text!r}: write a count and s, m, h or d, for example 15s")
    return int(match[1]) * _SPAN_S[match[2]]


def resample(candles: Candles, span_s: int) -> Candles:
    """Merged to spans of ``span_s`` seconds, counted from midnight UTC."""
    if not len(candles):
        return candles
    group = candles.time_s // span_s
    starts = np.flatnonzero(np.diff(group, prepend=group[0] - 1))
    merged = candles.merged(starts)
    return Candles(group[starts] * span_s, *merged._columns()[1:])


def fewer(candles: Candles, points: int) -> Candles:
    """About ``points`` candles, each of an equal number of the given ones; none reaches over a pause of two hours."""
    size = len(candles)
    each = -(-size // points)
    if each <= 1:
        return candles
    pauses = np.flatnonzero(np.diff(candles.time_s) > PAUSE_S) + 1
    firsts = np.concatenate(([0], pauses)).astype(np.int64)
    if firsts.size >= points:  # daily bars: every one is its own session
        return candles.merged(np.arange(0, size, each, dtype=np.int64))
    lasts = np.append(firsts[1:], size)
    starts = [np.arange(first, last, each, dtype=np.int64) for first, last in zip(firsts, lasts, strict=True)]
    return candles.merged(np.concatenate(starts))


class CandleReader:
    """Reads one data folder. Decoded files are kept in ``cache`` by path, size and time. Thread-safe."""

    def __init__(self, data_folder: Path, cache: ByteCache[Candles]) -> None:
        self.data_folder, self.cache = data_folder, cache

    def resolutions(self, symbol: str) -> list[str]:
        """Those that the folder has trade bars of for ``symbol``, the finest first."""
        day = dt.date(2000, 1, 1)
        paths = {name: zip_path(self.data_folder, _checked(symbol), name, day) for name in RESOLUTIONS}
        return [name for name, path in paths.items() if (path if is_daily_file(name) else path.parent).exists()]

    def read(self, symbol: str, resolution: str, start_s: float, end_s: float) -> Candles:
        """The symbol's trade bars that start in the window. Raises ``InputError`` for an unknown symbol or resolution
        and for a window of more than ``MOST_DAYS`` days of second or minute files."""
        there = self.resolutions(symbol)
        if resolution not in there:
            raise InputError(
                f"candles of {symbol} by {resolution}: not in the data; there is {', '.join(there) or 'none'}"
            )
        first = dt.datetime.fromtimestamp(start_s, EXCHANGE_ZONE).date()
        last = dt.datetime.fromtimestamp(end_s, EXCHANGE_ZONE).date()
        if is_daily_file(resolution):
            days = [first]
        else:
            if (last - first).days > MOST_DAYS:
                raise InputError(f"candles by {resolution}: more than {MOST_DAYS} days asked for; give from and to")
            days = [first + dt.timedelta(days=offset) for offset in range((last - first).days + 1)]
        tables = [table for day in days if (table := self._file(symbol, resolution, day)) is not None]
        return _joined(tables).window(start_s, end_s)

    def _file(self, symbol: str, resolution: str, day: dt.date) -> Candles | None:
        path = zip_path(self.data_folder, symbol, resolution, day)
        try:
            stat = path.stat()
        except FileNotFoundError:
            return None
        identity = (stat.st_size, stat.st_mtime_ns, stat.st_ino)
        found = self.cache.get(path, identity)
        if found is None:
            found = _as_candles(read_bars(path, resolution, "trade", day))
            self.cache.put(path, identity, found, found.size_bytes)
        return found


def _checked(symbol: str) -> str:
    if not _TICKER.match(symbol) or ".." in symbol:
        raise InputError(f"symbol {symbol[:40]!r}: is not a ticker")
    return symbol


def _as_candles(table: BarTable) -> Candles:
    days = table.start_us // DAY_US
    unique, where = np.unique(days, return_inverse=True)
    offsets = np.array([_offset_s(int(day)) for day in unique], dtype=np.int64)
    time_s = table.start_us // 1_000_000 - (offsets[where] if unique.size else 0)
    prices = [column / 10.0**table.price_scale for column in table.columns[:4]]
    volume = table.columns[4] / 10.0**table.volume_scale
    return Candles(time_s, prices[0], prices[1], prices[2], prices[3], volume)


def _offset_s(day: int) -> int:
    """UTC offset of the exchange at noon; clocks change at night, when nothing trades."""
    noon = dt.datetime(1970, 1, 1, 12) + dt.timedelta(days=day)
    offset = EXCHANGE_ZONE.utcoffset(noon)
    return 0 if offset is None else int(offset.total_seconds())


def _joined(tables: list[Candles]) -> Candles:
    if not tables:
        empty = np.empty(0, dtype=np.float64)
        return Candles(np.empty(0, dtype=np.int64), empty, empty, empty, empty, empty)
    if len(tables) == 1:
        return tables[0]
    columns = zip(*(table._columns() for table in tables), strict=True)
    return Candles(*(np.concatenate(column) for column in columns))
