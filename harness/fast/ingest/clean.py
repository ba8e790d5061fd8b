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
_CADENCE_SAMPLE: Final = 1 << 16


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

    ``blank`` and ``malformed`` lines are counted only; ``source_rows`` counts the whole source.
    """

    bars: Bars
    source_rows: int
    blank: int = 0
    malformed: int = 0


def clean(raw: RawBars, options: CleanOptions) -> tuple[Bars, IngestReport]:
    """Bars in order, without duplicates, unreadable or invalid rows, and the account of what was done."""
    bars = raw.bars
    rows_in = len(bars) + raw.blank + raw.malformed
    unreadable, invalid = _bad_rows(bars)
    bad = unreadable | invalid
    outside = 0
    if options.hours_s is not None:
        off = _outside_hours(bars.time_ns, options.hours_s) & ~bad
        outside = int(np.count_nonzero(off))
        bad |= off
    unreadable_count = int(np.count_nonzero(unreadable))
    invalid_count = int(np.count_nonzero(bad)) - unreadable_count - outside
    if bad.any():
        bars = _take(bars, ~bad)
    bars, out_of_order = _in_order(bars)
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
        dropped=Dropped(raw.blank, raw.malformed, unreadable_count, invalid_count, outside, duplicates),
        filled=filled,
        out_of_order=out_of_order,
        conflicting=conflicting,
        sessions=len(session_bounds(bars.time_ns)) - 1,
        cadence_s=cadence_ns / NS_PER_S,
        off_cadence=gaps.off_cadence,
        gaps=len(gaps.rows),
        missing_bars=int(gaps.missing.sum()),
        listed_gaps=gaps.listed,
    )
    return bars, report


def _bad_rows(bars: Bars) -> tuple[BoolArray, BoolArray]:
    """Masks of unreadable and of (readable but) invalid rows; worked through in runs that fit the cache."""
    unreadable = np.zeros(len(bars), dtype=np.bool_)
    invalid = np.zeros(len(bars), dtype=np.bool_)
    for start in range(0, len(bars), _PASS_ROWS):
        rows = slice(start, start + _PASS_ROWS)
        open_, high, low, close, volume = (
            column[rows] for column in (bars.open, bars.high, bars.low, bars.close, bars.volume)
        )
        # A sum is NaN when a part is; a valid row has a finite one. Only rows that fail are looked at closer.
        highest = np.maximum(open_, close)
        lowest = np.minimum(open_, close)
        sound = (low > 0.0) & (lowest >= low) & (highest <= high) & (high < np.inf) & (volume >= 0.0)
        sound &= (volume < np.inf) & (bars.time_ns[rows] != UNKNOWN_TIME)
        if sound.all():
            continue
        unknown = bars.time_ns[rows] == UNKNOWN_TIME
        for column in (open_, high, low, close, volume):
            unknown |= np.isnan(column)
        unreadable[rows] = unknown
        invalid[rows] = ~sound & ~unknown
    return unreadable, invalid


def _outside_hours(time_ns: IntArray, hours_s: tuple[int, int]) -> BoolArray:
    of_day = time_ns % NS_PER_DAY
    outside = (of_day < hours_s[0] * NS_PER_S) | (of_day >= hours_s[1] * NS_PER_S)
    return np.asarray(outside, dtype=np.bool_)


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
    none = np.zeros(0, dtype=np.int64)
    if cadence_ns <= 0 or len(time_ns) < 2:
        return _Gaps(none, none, 0, ())
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
