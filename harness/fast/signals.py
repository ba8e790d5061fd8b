"""The reference strategy's entry signals on whole columns.

The rule is stated at :class:`harness.fast.strategy.StrategySettings`;
:mod:`harness.fast.event` states the same rule bar by bar.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final

import numpy as np

from harness.fast import jit
from harness.fast.bars import NS_PER_DAY, NS_PER_S, Bars, BoolArray, FloatArray, IntArray, session_bounds
from harness.fast.choices import Direction, Kernel
from harness.fast.indicator_cache import IndicatorCache
from harness.fast.strategy import StrategySettings
from harness.fast.trades import Entries

_PASS_ROWS: Final = 1 << 16


def entry_signals(
    bars: Bars,
    settings: StrategySettings,
    cache: IndicatorCache,
    earlier_closes: Sequence[float] = (),
    kernel: Kernel = Kernel.AUTO,
) -> Entries:
    """Every signal of ``bars``, in order, each with its session's last usable bar as ``limit``.

    ``earlier_closes`` are the closes of the sessions before these bars, oldest first, for the trend filter.
    """
    if len(bars) == 0:
        return Entries.of([])
    bounds = session_bounds(bars.time_ns)
    vwap = cache.get(bars, "vwap")
    means = trend_means(bars.close, bounds, settings.trend_days, earlier_closes) if settings.trend_days else None
    scan = _scan_compiled if jit.choose(kernel) is Kernel.NUMBA else _scan
    signal, direction = scan(bars, vwap, bounds, settings)
    session = np.searchsorted(bounds, signal, side="right") - 1
    keep = np.ones(len(signal), dtype=np.bool_)
    if settings.limits_hours:
        keep &= _in_entry_hours(bars.time_ns[signal], settings)
    if means is not None:
        # A NaN mean (too few sessions before) keeps nothing.
        keep &= (bars.close[signal] - means[session]) * direction > 0.0
    signal, direction, session = signal[keep], direction[keep], session[keep]
    return Entries.of(
        signal,
        direction,
        quantity=settings.quantity,
        stop_loss=settings.stop_loss,
        take_profit=settings.take_profit,
        trailing=settings.trailing,
        max_bars=settings.max_bars,
        limit=session_limits(bars.time_ns, bounds, settings.flat_s)[session],
    )


def session_limits(time_ns: IntArray, bounds: IntArray, flat_s: int) -> IntArray:
    """Last row of each session that starts before ``flat_s`` seconds of its day (before the session: no row)."""
    midnight = time_ns[bounds[:-1]] // NS_PER_DAY * NS_PER_DAY
    return np.asarray(np.searchsorted(time_ns, midnight + flat_s * NS_PER_S, side="left") - 1, dtype=np.int64)


def trend_means(close: FloatArray, bounds: IntArray, days: int, earlier_closes: Sequence[float] = ()) -> FloatArray:
    """Mean of the ``days`` sessions' closes before each session; NaN where there are fewer. Shape ``(sessions,)``."""
    session_close = np.concatenate((np.asarray(earlier_closes, dtype=np.float64), close[bounds[1:] - 1]))
    out = np.full(len(session_close), np.nan)
    count = len(session_close) - days
    if count > 0:
        total = np.zeros(count)
        # Added oldest first, one day at a time, as the event loop adds them.
        for day in range(days):
            total += session_close[day : day + count]
        out[days:] = total / days
    return out[len(earlier_closes) :]


def _in_entry_hours(time_ns: IntArray, settings: StrategySettings) -> BoolArray:
    of_day = time_ns % NS_PER_DAY
    inside = (of_day >= settings.first_entry_s * NS_PER_S) & (of_day <= settings.last_entry_s * NS_PER_S)
    return np.asarray(inside, dtype=np.bool_)


def _scan(bars: Bars, vwap: FloatArray, bounds: IntArray, settings: StrategySettings) -> tuple[IntArray, IntArray]:
    """Rows and sides (+1, -1) of the band crosses, range filter applied.

    In runs of whole sessions, so that the temporary arrays stay in the processor's cache whatever the length.
    """
    found: list[IntArray] = []
    sides: list[IntArray] = []
    first = 0
    while first < len(bounds) - 1:
        last = max(first + 1, int(np.searchsorted(bounds, bounds[first] + _PASS_ROWS, side="right")) - 1)
        rows, side = _scan_sessions(bars, vwap, bounds[first : last + 1], settings)
        found.append(rows)
        sides.append(side)
        first = last
    return np.concatenate(found), np.concatenate(sides)


def _scan_sessions(
    bars: Bars, vwap: FloatArray, bounds: IntArray, settings: StrategySettings
) -> tuple[IntArray, IntArray]:
    """The same for some sessions."""
    start = int(bounds[0])
    rows = slice(start, int(bounds[-1]))
    close, mean = bars.close[rows], vwap[rows]
    starts = bounds[:-1] - start
    none = np.zeros(0, dtype=np.int64)
    above = below = none
    if settings.direction is not Direction.SHORT:
        upper = mean * (1.0 + settings.band)
        crossed = np.zeros(len(close), dtype=np.bool_)
        np.logical_and(close[1:] > upper[1:], close[:-1] <= upper[:-1], out=crossed[1:])
        crossed[starts] = False
        above = np.flatnonzero(crossed)
    if settings.direction is not Direction.LONG:
        lower = mean * (1.0 - settings.band)
        crossed = np.zeros(len(close), dtype=np.bool_)
        np.logical_and(close[1:] < lower[1:], close[:-1] >= lower[:-1], out=crossed[1:])
        crossed[starts] = False
        below = np.flatnonzero(crossed)
    found = np.concatenate((above, below))
    order = np.argsort(found, kind="stable")
    side = np.repeat(np.array([1, -1], dtype=np.int64), [len(above), len(below)])[order]
    found = found[order]
    return _wide_enough(bars, bounds, settings, found + start, side)


def _scan_compiled(
    bars: Bars, vwap: FloatArray, bounds: IntArray, settings: StrategySettings
) -> tuple[IntArray, IntArray]:
    """The same by the compiled kernel."""
    # Room for a cross in each row; pages of it that no cross touches cost nothing.
    most = len(bars)
    rows, sides = np.empty(most, np.int64), np.empty(most, np.int64)
    count = jit.kernels().crosses(
        bounds,
        np.ascontiguousarray(bars.close),
        vwap,
        1.0 + settings.band,
        1.0 - settings.band,
        settings.direction is not Direction.SHORT,
        settings.direction is not Direction.LONG,
        rows,
        sides,
    )
    return _wide_enough(bars, bounds, settings, rows[:count].copy(), sides[:count].copy())


def _wide_enough(
    bars: Bars, bounds: IntArray, settings: StrategySettings, rows: IntArray, sides: IntArray
) -> tuple[IntArray, IntArray]:
    """The crosses at which the session's range has reached ``min_range``."""
    if settings.min_range <= 0.0 or not len(rows):
        return rows, sides
    wide = _session_range(bars, bounds)[rows - bounds[0]] >= settings.min_range
    return rows[wide], sides[wide]


def _session_range(bars: Bars, bounds: IntArray) -> FloatArray:
    """Highest high over lowest low of the session up to each row, less one; NaN prices are skipped."""
    start = int(bounds[0])
    highest = bars.high[start : int(bounds[-1])].copy()
    lowest = bars.low[start : int(bounds[-1])].copy()
    edges = (bounds - start).tolist()
    for begin, end in itertools.pairwise(edges):
        np.fmax.accumulate(highest[begin:end], out=highest[begin:end])
        np.fmin.accumulate(lowest[begin:end], out=lowest[begin:end])
    return np.asarray(highest / lowest - 1.0)
