"""Batch simulation of many trades over whole columns.

:func:`simulate_trades_batch` gives exactly the trades of :mod:`harness.fast.reference`. Two inner loops give the same
bits: compiled (:mod:`harness.fast.kernels`, when numba is installed) and NumPy (here). The NumPy search walks all
trades in lock-step: first through windows of bars from the entry on, each twice as long as the one before; for trades
that live longer, extremes of blocks of bars rule out every block that cannot touch a trade's level, and only the blocks
that can are looked at bar by bar.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from harness.fast import jit
from harness.fast.bars import Bars, BoolArray, FloatArray, IntArray
from harness.fast.blocks import BLOCK, BlockExtremes, block_extremes
from harness.fast.choices import EntryAt, Kernel
from harness.fast.trades import (
    NO_LIMIT,
    Entries,
    ExitReason,
    Overlap,
    Rejection,
    SimulationResult,
    SimulationRules,
    Trades,
    profit_columns,
)

CHUNK_TRADES: Final = 4096
_JUMP_BLOCKS: Final = 32
_FIRST_WINDOW: Final = 64
_LAST_WINDOW: Final = 1024
_WINDOW_CELLS: Final = 32_768
_LOCK_STEP_GROUPS: Final = 32


def simulate_trades_batch(
    entries: Entries,
    bars: Bars,
    rules: SimulationRules | None = None,
    *,
    kernel: Kernel = Kernel.AUTO,
    chunk_trades: int = CHUNK_TRADES,
) -> SimulationResult:
    """Simulate every entry on ``bars`` and return its trade or the reason why there is none.

    Memory beyond the bars and the result is bounded by ``chunk_trades`` (about 2 kB a trade of a chunk) plus half a
    byte a bar. Raises :class:`harness.fast.errors.FastPathError` for entries that cannot be simulated.
    """
    rules = rules or SimulationRules()
    entries.check(len(bars), rules)
    outcome = _Outcome.empty(len(entries))
    if len(entries):
        if jit.choose(kernel) is Kernel.NUMBA:
            _run_compiled(entries, bars, rules, outcome)
        else:
            _run_numpy(entries, bars, rules, outcome, chunk_trades)
    return _result(entries, rules, outcome)


@dataclass(frozen=True, slots=True, eq=False)
class _Outcome:
    """What happened to each entry; arrays of length ``m``, filled in place."""

    exit_index: IntArray
    entry_price: FloatArray
    exit_price: FloatArray
    reason: npt.NDArray[np.int8]
    rejection: npt.NDArray[np.int8]

    @classmethod
    def empty(cls, count: int) -> _Outcome:
        return cls(
            np.zeros(count, np.int64),
            np.zeros(count),
            np.zeros(count),
            np.zeros(count, np.int8),
            np.zeros(count, np.int8),
        )


def _result(entries: Entries, rules: SimulationRules, outcome: _Outcome) -> SimulationResult:
    rows = np.flatnonzero(outcome.rejection == Rejection.NONE)
    signal = entries.signal[rows]
    direction = entries.direction[rows]
    quantity = entries.quantity[rows]
    entry_price = outcome.entry_price[rows]
    exit_price = outcome.exit_price[rows]
    profit, cents = profit_columns(direction, quantity, entry_price, exit_price, rules)
    trades = Trades(
        rows,
        signal,
        signal + 1 if rules.entry_at is EntryAt.NEXT_OPEN else signal,
        outcome.exit_index[rows],
        direction,
        quantity,
        entry_price,
        exit_price,
        outcome.reason[rows],
        profit,
        cents,
    )
    return SimulationResult(trades, outcome.rejection)


def _run_compiled(entries: Entries, bars: Bars, rules: SimulationRules, outcome: _Outcome) -> None:
    prices = [np.ascontiguousarray(column) for column in (bars.open, bars.high, bars.low, bars.close)]
    jit.kernels().simulate(
        *prices,
        entries.signal,
        entries.direction,
        entries.stop_loss,
        entries.take_profit,
        entries.trailing,
        entries.max_bars,
        entries.limit,
        rules.entry_at is EntryAt.NEXT_OPEN,
        rules.ticks_per_dollar,
        rules.overlap is Overlap.SKIP,
        NO_LIMIT if rules.max_trades_per_group is None else rules.max_trades_per_group,
        outcome.exit_index,
        outcome.entry_price,
        outcome.exit_price,
        outcome.reason,
        outcome.rejection,
    )


# NumPy: which entries are simulated, and in what rounds ------------------------------------------------------------


def _run_numpy(entries: Entries, bars: Bars, rules: SimulationRules, outcome: _Outcome, chunk_trades: int) -> None:
    search = _Search(bars, rules)
    every = np.arange(len(entries), dtype=np.int64)
    if rules.overlap is Overlap.ALLOW:
        _simulate_rows(search, entries, every, outcome, chunk_trades)
        return
    starts = np.flatnonzero(np.concatenate(([True], entries.limit[1:] != entries.limit[:-1])))
    if len(starts) >= _LOCK_STEP_GROUPS:
        _one_position_in_lock_step(search, entries, starts, rules=rules, outcome=outcome, chunk_trades=chunk_trades)
    else:
        _simulate_rows(search, entries, every, outcome, chunk_trades)
        _keep_one_position(entries, rules, outcome)


def _one_position_in_lock_step(
    search: _Search,
    entries: Entries,
    starts: IntArray,
    *,
    rules: SimulationRules,
    outcome: _Outcome,
    chunk_trades: int,
) -> None:
    """Groups do not touch each other: round ``k`` simulates the ``k``-th trade of all groups at once."""
    outcome.rejection[:] = Rejection.OVERLAP
    ends = np.append(starts[1:], len(entries))
    cap = rules.max_trades_per_group or NO_LIMIT
    row = starts
    taken = np.zeros(len(starts), np.int64)
    while len(row):
        _simulate_rows(search, entries, row, outcome, chunk_trades)
        done = outcome.rejection[row] == Rejection.NONE
        taken += done
        # Signals ascend over all groups, so one search finds each group's first signal after its exit.
        after = np.searchsorted(entries.signal, outcome.exit_index[row], side="left")
        following = np.where(done, np.maximum(after, row + 1), row + 1)
        capped = taken >= cap
        _reject_capped(following[capped], ends[capped], outcome)
        going = (following < ends) & ~capped
        row, ends, taken = following[going], ends[going], taken[going]


def _reject_capped(firsts: IntArray, ends: IntArray, outcome: _Outcome) -> None:
    lengths = np.maximum(ends - firsts, 0)
    if lengths.sum():
        offsets = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        outcome.rejection[np.repeat(firsts, lengths) + offsets] = Rejection.CAP


def _keep_one_position(entries: Entries, rules: SimulationRules, outcome: _Outcome) -> None:
    """All entries have been simulated; keep those that start when their group holds no position."""
    cap = rules.max_trades_per_group or NO_LIMIT
    group, free_from, taken = -1, -1, 0
    rejection = outcome.rejection.tolist()
    rows = zip(entries.signal.tolist(), entries.limit.tolist(), outcome.exit_index.tolist(), strict=True)
    for row, (signal, limit, exit_index) in enumerate(rows):
        if limit != group:
            group, free_from, taken = limit, -1, 0
        if signal < free_from:
            rejection[row] = int(Rejection.OVERLAP)
        elif taken >= cap:
            rejection[row] = int(Rejection.CAP)
        elif rejection[row] == Rejection.NONE:
            free_from = exit_index
            taken += 1
    outcome.rejection[:] = rejection


# NumPy: the search for the exits -----------------------------------------------------------------------------------


class _Search:
    """The bars as the search reads them."""

    def __init__(self, bars: Bars, rules: SimulationRules) -> None:
        self.bars = bars
        self.at_open = rules.entry_at is EntryAt.NEXT_OPEN
        self.ticks = rules.ticks_per_dollar
        self._windows: dict[tuple[str, int], FloatArray] = {}

    def window(self, name: str, first: IntArray, width: int) -> FloatArray:
        """Rows of ``width`` values of a column from ``first`` on; behind its end the last value again."""
        column: FloatArray = getattr(self.bars, name)
        if int(first.max()) + width > len(column):
            return np.take(column, first[:, None] + np.arange(width), mode="clip")
        view = self._windows.get((name, width))
        if view is None:
            view = self._windows[name, width] = sliding_window_view(column, width)
        rows: FloatArray = view[first]
        return rows

    @cached_property
    def blocks(self) -> BlockExtremes:
        """Over all bars: made when the first trade outlives its windows."""
        return block_extremes(self.bars.open, self.bars.high, self.bars.low)

    def round_level(self, level: FloatArray) -> FloatArray:
        return np.rint(level * self.ticks) / self.ticks if self.ticks > 0.0 else level


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """Trades of one direction, seen in that direction: a short is a long on negated prices (negation is exact).

    Columns of the same length: row in the outcome, next bar to look at, deadline, fixed stop, target (NaN: none),
    running extreme, factor of the trailing stop (NaN: none).
    """

    row: IntArray
    bar: IntArray
    deadline: IntArray
    stop: FloatArray
    target: FloatArray
    extreme: FloatArray
    trail: FloatArray

    def __len__(self) -> int:
        return len(self.row)

    def take(self, keep: BoolArray | IntArray | slice) -> _Side:
        return _Side(
            self.row[keep],
            self.bar[keep],
            self.deadline[keep],
            self.stop[keep],
            self.target[keep],
            self.extreme[keep],
            self.trail[keep],
        )

    def moved(self, bar: IntArray, extreme: FloatArray) -> _Side:
        return _Side(self.row, bar, self.deadline, self.stop, self.target, extreme, self.trail)


def _simulate_rows(search: _Search, entries: Entries, rows: IntArray, outcome: _Outcome, chunk_trades: int) -> None:
    for start in range(0, len(rows), chunk_trades):
        _simulate_chunk(search, entries, rows[start : start + chunk_trades], outcome)


def _simulate_chunk(search: _Search, entries: Entries, rows: IntArray, outcome: _Outcome) -> None:
    bars = search.bars
    outcome.rejection[rows] = Rejection.NONE
    last = np.minimum(entries.limit[rows], len(bars) - 1)
    left = entries.signal[rows] < last
    outcome.rejection[rows[~left]] = Rejection.NO_BAR_LEFT
    rows, last = rows[left], last[left]
    signal = entries.signal[rows]
    price = bars.open[signal + 1] if search.at_open else bars.close[signal]
    known = ~np.isnan(price)
    outcome.rejection[rows[~known]] = Rejection.NO_PRICE
    rows, last, signal, price = rows[known], last[known], signal[known], price[known]

    max_bars = entries.max_bars[rows]
    # Compared before adding: signal + NO_LIMIT would overflow.
    deadline = np.where(max_bars >= last - signal, last, signal + np.minimum(max_bars, len(bars)))
    outcome.entry_price[rows] = price
    outcome.exit_index[rows] = deadline
    outcome.reason[rows] = np.where(deadline < last, ExitReason.TIME, ExitReason.LAST_BAR)
    outcome.exit_price[rows] = _close_at(bars.close, signal + 1, deadline, price)
    trailing = ~np.isnan(entries.trailing[rows])
    for sign in (1, -1):
        for has_trail in (False, True):
            mine = (entries.direction[rows] == sign) & (trailing == has_trail)
            if mine.any():
                side = _side_of(
                    search,
                    entries,
                    rows[mine],
                    first=signal[mine] + 1,
                    deadline=deadline[mine],
                    price=price[mine],
                    sign=sign,
                )
                _find_exits(search, side, float(sign), has_trail, outcome)


def _close_at(close: FloatArray, first: IntArray, deadline: IntArray, price: FloatArray) -> FloatArray:
    """Last known close from the first bar to the deadline; the entry price where there is none."""
    out = close[deadline]
    back = deadline.copy()
    unknown = np.flatnonzero(np.isnan(out))
    while len(unknown):
        back[unknown] -= 1
        before = back[unknown] < first[unknown]
        out[unknown] = np.where(before, price[unknown], close[back[unknown]])
        unknown = unknown[np.isnan(out[unknown])]
    return out


def _side_of(
    search: _Search,
    entries: Entries,
    rows: IntArray,
    *,
    first: IntArray,
    deadline: IntArray,
    price: FloatArray,
    sign: int,
) -> _Side:
    entry = float(sign) * price
    stop = search.round_level(entry * (1.0 - sign * entries.stop_loss[rows]))
    target = search.round_level(entry * (1.0 + sign * entries.take_profit[rows]))
    return _Side(rows, first, deadline, stop, target, entry, 1.0 - sign * entries.trailing[rows])


def _find_exits(search: _Search, side: _Side, sign: float, has_trail: bool, outcome: _Outcome) -> None:
    """Overwrite the outcome of every trade that touches a level up to its deadline."""
    width = _FIRST_WINDOW
    while len(side) and width <= _LAST_WINDOW:
        at_once = max(1, _WINDOW_CELLS // width)
        side = _joined(
            [
                _scan_window(search, side.take(slice(first, first + at_once)), sign, has_trail, outcome, width)
                for first in range(0, len(side), at_once)
            ]
        )
        width *= 2
    while len(side):
        side = _scan_to_block_end(search, side, sign, has_trail, outcome)
        side = _skip_blocks(search, side, sign, has_trail)


def _scan_window(search: _Search, side: _Side, sign: float, has_trail: bool, outcome: _Outcome, width: int) -> _Side:
    """Look at the next ``width`` bars of every trade; return the trades that go on, behind them.

    Prices are left as they are: for a short the comparisons are turned, not the numbers.
    """
    long = sign > 0
    adverse, favourable = ("low", "high") if long else ("high", "low")
    beyond_stop, beyond_target = (np.less_equal, np.greater_equal) if long else (np.greater_equal, np.less_equal)
    tighter = np.fmax if long else np.fmin
    worst = search.window(adverse, side.bar, width)
    opening = search.window("open", side.bar, width)
    target = (sign * side.target)[:, None]
    stop: FloatArray = (sign * side.stop)[:, None]
    reached = side.extreme
    if has_trail:
        # What was reached before each bar: the bar before the first gives its place to what was reached until then.
        running = search.window(favourable, side.bar - 1, width + 1)
        touched = beyond_target(running[:, 1:], target)
        running[:, 0] = sign * side.extreme
        tighter.accumulate(running, axis=1, out=running)
        reached = sign * running[:, -1]
        level = running[:, :-1] * side.trail[:, None]
        if search.ticks > 0.0:
            level *= search.ticks
            np.rint(level, out=level)
            level /= search.ticks
        stop = tighter(level, stop, out=level)
    else:
        touched = beyond_target(search.window(favourable, side.bar, width), target)
    touched |= beyond_stop(worst, stop)
    touched |= beyond_stop(opening, stop)
    touched |= beyond_target(opening, target)
    column = touched.argmax(axis=1)
    every = np.arange(len(side))
    hit = touched[every, column] & (side.bar + column <= side.deadline)
    hits = every[hit]
    at = column[hit]
    fixed = side.stop[hits]
    hit_stop = sign * stop[hits, at] if has_trail else fixed
    trailed = (hit_stop > fixed) | np.isnan(fixed)
    stop_reason = np.where(trailed, ExitReason.TRAIL, ExitReason.STOP) if has_trail else ExitReason.STOP
    prices = sign * opening[hits, at], sign * worst[hits, at]
    _record(outcome, side.row[hits], side.bar[hits] + at, *prices, hit_stop, side.target[hits], stop_reason, sign)
    return side.moved(side.bar + width, reached).take(~hit & (side.bar + width <= side.deadline))


def _record(
    outcome: _Outcome,
    rows: IntArray,
    bar: IntArray,
    opening: FloatArray,
    worst: FloatArray,
    stop: FloatArray,
    target: FloatArray,
    stop_reason: Any,
    sign: float,
) -> None:
    """The exits of trades that touch a level in these bars; prices are seen in the trades' direction."""
    gap_stop = opening <= stop
    gap_target = ~gap_stop & (opening >= target)
    at_stop = gap_stop | (~gap_target & (worst <= stop))
    price = np.where(gap_stop | gap_target, opening, np.where(at_stop, stop, target))
    outcome.exit_index[rows] = bar
    outcome.exit_price[rows] = sign * price
    outcome.reason[rows] = np.where(at_stop, stop_reason, ExitReason.TARGET)


def _scan_to_block_end(search: _Search, side: _Side, sign: float, has_trail: bool, outcome: _Outcome) -> _Side:
    """Look at each bar from ``side.bar`` to the end of its block; return the trades that go on, at the next block."""
    bars = search.bars
    adverse, favourable = (bars.low, bars.high) if sign > 0 else (bars.high, bars.low)
    block_end = side.bar | (BLOCK - 1)
    end = np.minimum(block_end, side.deadline)
    index = side.bar[:, None] + np.arange(int((end - side.bar).max()) + 1)
    inside = index <= end[:, None]
    worst = np.take(adverse, index, mode="clip")
    best = np.take(favourable, index, mode="clip")
    if sign < 0:
        np.negative(worst, out=worst)
        np.negative(best, out=best)
    stop = side.stop[:, None]
    trailed: BoolArray | None = None
    if has_trail:
        running = np.empty((len(side), index.shape[1] + 1))
        running[:, 0] = side.extreme
        np.copyto(running[:, 1:], best)
        np.fmax.accumulate(running, axis=1, out=running)
        level = search.round_level(running[:, :-1] * side.trail[:, None])
        trailed = (level > stop) | np.isnan(stop)
        stop = np.where(trailed, level, stop)
    target = side.target[:, None]
    opening = np.take(bars.open, index, mode="clip")
    if sign < 0:
        np.negative(opening, out=opening)
    touched = (worst <= stop) | (best >= target) | (opening <= stop) | (opening >= target)
    touched &= inside
    column = touched.argmax(axis=1)
    every = np.arange(len(side))
    hit = touched[every, column]
    hits = every[hit]
    at = column[hit]
    hit_stop = stop[hits, at] if has_trail else side.stop[hits]
    stop_reason = (
        np.where(trailed[hits, at], ExitReason.TRAIL, ExitReason.STOP) if trailed is not None else ExitReason.STOP
    )
    prices = opening[hits, at], worst[hits, at]
    _record(outcome, side.row[hits], side.bar[hits] + at, *prices, hit_stop, side.target[hits], stop_reason, sign)

    going = ~hit & (block_end < side.deadline)
    if not going.any():
        return side.take(going)
    if has_trail:
        # Bars behind the end of the block belong to no going trade: its end is the block's own.
        reached = running[every, end - side.bar + 1]
        return side.moved(block_end + 1, reached).take(going)
    return side.moved(block_end + 1, side.extreme).take(going)


def _skip_blocks(search: _Search, side: _Side, sign: float, has_trail: bool) -> _Side:
    """Move every trade to the next block that may touch a level; drop those that reach their deadline before."""
    if not len(side):
        return side
    lowest, highest = search.blocks.lowest, search.blocks.highest
    adverse, favourable = (lowest, highest) if sign > 0 else (highest, lowest)
    found: list[_Side] = []
    current = side
    while len(current):
        block = current.bar // BLOCK
        last_block = current.deadline // BLOCK
        index = block[:, None] + np.arange(_JUMP_BLOCKS)
        worst = sign * np.take(adverse, index, mode="clip")
        best = sign * np.take(favourable, index, mode="clip")
        stop = current.stop[:, None]
        if has_trail:
            running = np.empty((len(current), _JUMP_BLOCKS + 1))
            running[:, 0] = current.extreme
            np.copyto(running[:, 1:], best)
            np.fmax.accumulate(running, axis=1, out=running)
            # The block's own high may come before its low, so the stop may be as tight as its end allows.
            stop = np.fmax(stop, search.round_level(running[:, 1:] * current.trail[:, None]))
        may = (worst <= stop) | (best >= current.target[:, None])
        may &= index <= last_block[:, None]
        column = may.argmax(axis=1)
        every = np.arange(len(current))
        hit = may[every, column]
        jump = np.where(hit, column, _JUMP_BLOCKS)
        extreme = running[every, jump] if has_trail else current.extreme
        moved = current.moved((block + jump) * BLOCK, extreme)
        found.append(moved.take(hit))
        current = moved.take(~hit & (block + _JUMP_BLOCKS <= last_block))
    return _joined(found)


def _joined(sides: list[_Side]) -> _Side:
    if len(sides) == 1:
        return sides[0]
    return _Side(
        *(
            np.concatenate([getattr(side, name) for side in sides])
            for name in ("row", "bar", "deadline", "stop", "target", "extreme", "trail")
        )
    )
