"""Checks and repairs of raw columns: no loop over rows, and no copy when nothing is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.fast.bars import (
    NS_PER_DAY,
    NS_PER_S,
    Bars,
    BoolArray,
    FloatArray,
    IntArray,
    resample,
    session_bounds,
)
from harness.fast.errors import IngestError
from harness.fast.ingest.report import LISTED_GAPS, Dropped, Gap, IngestReport

UNKNOWN_TIME: Final = np.iinfo(np.int64).min
_PASS_ROWS: Final = 1 << 16
_CADENCE_SAMPLE: Final = 1 << 12
_NO_ROWS: Final = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class CleanOptions:
    """``hours_s``: first and last second of the day that are kept (the last excluded), ``None`` for all.

    ``fill``: put a flat bar without volume where one is missing inside a session. ``bar_seconds``: consolidate to
    bars of that length, ``None`` to leave them. ``cadence_s``: the distance of bars to expect; found when ``None``.
    """

    hours_s: tuple[int, int] | None = None
    fill: bool = False
    bar_seconds: int | None = None
    cadence_s: float | None = None

    def __post_init__(self) -> None:
        if self.hours_s is not None and not 0 <= self.hours_s[0] < self.hours_s[1] <= 86_400:
            raise IngestError("the trading hours must start before they end")
        if self.bar_seconds is not None and self.bar_seconds < 1:
            raise IngestError(f"--bar-seconds is {self.bar_seconds}: give at least 1")
        if self.cadence_s is not None and not 0.0 < self.cadence_s <= 86_400.0:
            raise IngestError(f"--cadence is {self.cadence_s}: give seconds above 0, at most a day")


@dataclass(frozen=True, slots=True, eq=False)
class RawBars:
    """Rows as read, before any check: NaN or ``UNKNOWN_TIME`` where a field could not be read.

    ``blank`` and ``malformed`` lines are counted only; ``source_rows`` counts the whole source
    (``None``: not counted).
    """

    bars: Bars
    source_rows: int | None
    blank: int = 0
    malformed: int = 0


def clean(raw: RawBars, options: CleanOptions) -> tuple[Bars, IngestReport]:
    """Bars in order, without duplicates, unreadable or invalid rows, and the account of what was done."""
    bars = raw.bars
    rows_in = len(bars) + raw.blank + raw.malformed
    unreadable, invalid = _bad_rows(bars)
    bars = _without(bars, np.concatenate((unreadable, invalid)))
    outside = _outside_hours(bars.time_ns, options.hours_s) if options.hours_s is not None else _NO_ROWS
    bars = _without(bars, outside)
    late = duplicates = conflicting = 0
    if _any_step_back_or_none(bars.time_ns):
        bars, late = _in_order(bars)
        bars, duplicates, conflicting = _without_duplicates(bars)
    cadence_ns = _cadence_ns(bars.time_ns) if options.cadence_s is None else round(options.cadence_s * NS_PER_S)
    gaps = _find_gaps(bars.time_ns, cadence_ns)
    filled = 0
    if options.fill and len(gaps.rows):
        filled = int(gaps.missing.sum())
        bars = _filled(bars, gaps.rows, gaps.missing, cadence_ns)
    rows_out = len(bars)
    if options.bar_seconds is not None:
        bars = resample(bars, options.bar_seconds)
    report = IngestReport(
        symbol=bars.symbol,
        source_rows=raw.source_rows,
        rows_in=rows_in,
        rows_out=rows_out,
        bars=len(bars),
        dropped=Dropped(raw.blank, raw.malformed, len(unreadable), len(invalid), len(outside), duplicates),
        filled=filled,
        out_of_order=late,
        conflicting=conflicting,
        sessions=len(session_bounds(bars.time_ns)) - 1,
        cadence_s=cadence_ns / NS_PER_S,
        off_cadence=gaps.off_cadence,
        gaps=len(gaps.rows),
        missing_bars=int(gaps.missing.sum()),
        listed_gaps=gaps.listed,
    )
    return bars, report


def _bad_rows(bars: Bars) -> tuple[IntArray, IntArray]:
    """Unreadable and (readable but) invalid rows; looked for in runs that fit the cache."""
    unreadable: list[IntArray] = [_NO_ROWS]
    invalid: list[IntArray] = [_NO_ROWS]
    for start in range(0, len(bars), _PASS_ROWS):
        rows = slice(start, start + _PASS_ROWS)
        time_ns, volume = bars.time_ns[rows], bars.volume[rows]
        open_, high, low, close = bars.open[rows], bars.high[rows], bars.low[rows], bars.close[rows]
        # NaN fails every comparison, so one test finds both kinds; only rows that fail are looked at closer.
        sound = (low > 0.0) & (np.minimum(open_, close) >= low) & (np.maximum(open_, close) <= high) & (high < np.inf)
        sound &= (volume >= 0.0) & (volume < np.inf) & (time_ns != UNKNOWN_TIME)
        if sound.all():
            continue
        bad = np.flatnonzero(~sound)
        unknown = time_ns[bad] == UNKNOWN_TIME
        for column in (open_, high, low, close, volume):
            unknown |= np.isnan(column[bad])
        unreadable.append(bad[unknown] + start)
        invalid.append(bad[~unknown] + start)
    return np.concatenate(unreadable), np.concatenate(invalid)


def _outside_hours(time_ns: IntArray, hours_s: tuple[int, int]) -> IntArray:
    found: list[IntArray] = [_NO_ROWS]
    for start in range(0, len(time_ns), _PASS_ROWS):
        of_day = time_ns[start : start + _PASS_ROWS] % NS_PER_DAY
        outside = (of_day < hours_s[0] * NS_PER_S) | (of_day >= hours_s[1] * NS_PER_S)
        found.append(np.flatnonzero(outside) + start)
    return np.concatenate(found)


def _any_step_back_or_none(time_ns: IntArray) -> bool:
    """Whether any row's time is not after the one before it."""
    return any(
        bool(np.any(part[1:] <= part[:-1]))
        for part in (time_ns[start : start + _PASS_ROWS + 1] for start in range(0, len(time_ns), _PASS_ROWS))
    )


def _without(bars: Bars, rows: IntArray) -> Bars:
    if not len(rows):
        return bars
    keep = np.ones(len(bars), dtype=np.bool_)
    keep[rows] = False
    return _take(bars, keep)


def _take(bars: Bars, rows: BoolArray | IntArray) -> Bars:
    return Bars.of(bars.symbol, (column[rows] for column in bars.columns()), bars.data_key)


def _in_order(bars: Bars) -> tuple[Bars, int]:
    """Rows sorted by time, equal times in their order; and how many came after a later one."""
    time_ns = bars.time_ns
    if not bool(np.any(time_ns[1:] < time_ns[:-1])):
        return bars, 0
    late = int(np.count_nonzero(time_ns < np.maximum.accumulate(time_ns)))
    return _take(bars, np.argsort(time_ns, kind="stable")), late


def _without_duplicates(bars: Bars) -> tuple[Bars, int, int]:
    """The first row of each time; how many were dropped, and how many of those differed from the one kept."""
    again = np.concatenate((np.zeros(min(1, len(bars)), np.bool_), bars.time_ns[1:] == bars.time_ns[:-1]))
    dropped = np.flatnonzero(again)
    if not len(dropped):
        return bars, 0, 0
    firsts = np.flatnonzero(~again)
    kept = firsts[np.searchsorted(firsts, dropped, side="right") - 1]
    differs = np.zeros(len(dropped), dtype=np.bool_)
    for column in (bars.open, bars.high, bars.low, bars.close, bars.volume):
        differs |= column[dropped] != column[kept]
    return _take(bars, ~again), len(dropped), int(np.count_nonzero(differs))


def _cadence_ns(time_ns: IntArray) -> int:
    """The most frequent distance of neighbouring bars, from a sample spread over the column; 0 for under two bars."""
    if len(time_ns) < 2:
        return 0
    rows = np.unique(np.linspace(0, len(time_ns) - 2, min(_CADENCE_SAMPLE, len(time_ns) - 1)).astype(np.int64))
    distances, counts = np.unique(time_ns[rows + 1] - time_ns[rows], return_counts=True)
    return int(distances[np.argmax(counts)])


@dataclass(frozen=True, slots=True, eq=False)
class _Gaps:
    rows: IntArray
    missing: IntArray
    off_cadence: int
    listed: tuple[Gap, ...]


def _find_gaps(time_ns: IntArray, cadence_ns: int) -> _Gaps:
    """Rows after which bars are missing inside a session, and how many each time."""
    if cadence_ns <= 0 or len(time_ns) < 2:
        return _Gaps(_NO_ROWS, _NO_ROWS, 0, ())
    found: list[IntArray] = []
    for start in range(0, len(time_ns) - 1, _PASS_ROWS):
        part = time_ns[start : start + _PASS_ROWS + 1]
        found.append(np.flatnonzero(part[1:] - part[:-1] != cadence_ns) + start)
    rows = np.concatenate(found)
    # A step to another day is the end of a session, not a gap.
    rows = rows[time_ns[rows] // NS_PER_DAY == time_ns[rows + 1] // NS_PER_DAY]
    distance = time_ns[rows + 1] - time_ns[rows]
    off_cadence = int(np.count_nonzero(distance % cadence_ns))
    missing = (distance - 1) // cadence_ns
    holes = missing > 0
    rows, missing = rows[holes], missing[holes]
    listed = tuple(
        Gap(_iso(time_ns[row]), _iso(time_ns[row + 1]), int(count))
        for row, count in zip(rows[:LISTED_GAPS].tolist(), missing[:LISTED_GAPS].tolist(), strict=True)
    )
    return _Gaps(rows, missing, off_cadence, listed)


def _iso(time_ns: np.int64) -> str:
    text = str(np.datetime64(int(time_ns), "ns"))
    return text.rstrip("0").rstrip(".")


def _filled(bars: Bars, rows: IntArray, missing: IntArray, cadence_ns: int) -> Bars:
    """Flat bars at the last close, without volume, in every hole."""
    copies = np.ones(len(bars), dtype=np.int64)
    copies[rows] += missing
    source = np.repeat(np.arange(len(bars)), copies)
    step = np.arange(len(source)) - np.repeat(np.cumsum(copies) - copies, copies)
    made = step > 0

    def price(column: FloatArray) -> FloatArray:
        return np.where(made, bars.close[source], column[source])

    return Bars(
        bars.symbol,
        bars.time_ns[source] + step * cadence_ns,
        price(bars.open),
        price(bars.high),
        price(bars.low),
        bars.close[source],
        np.where(made, 0.0, bars.volume[source]),
        data_key=bars.data_key,
    )
