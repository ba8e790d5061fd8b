"""The slow, plain statement of what a trade is: one trade at a time, one bar at a time.

Nothing here is shared with the vectorised code. It is what :func:`harness.fast.simulate.simulate_trades_batch` is
held against, and it reads as the rules in ``docs/fast-path.md`` do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.fast.choices import EntryAt
from harness.fast.trades import ExitReason, Overlap, Rejection, SimulationRules, Trades


@dataclass(frozen=True, slots=True)
class PlainBars:
    """Prices as plain sequences of floats (lists are fastest here)."""

    open: Sequence[float]
    high: Sequence[float]
    low: Sequence[float]
    close: Sequence[float]


@dataclass(frozen=True, slots=True)
class PlainEntry:
    """One entry; fields as in :class:`harness.fast.trades.Entries`."""

    signal: int
    direction: int
    quantity: float
    stop_loss: float
    take_profit: float
    trailing: float
    max_bars: int
    limit: int


@dataclass(frozen=True, slots=True)
class PlainTrade:
    """One trade; fields as in :class:`harness.fast.trades.Trades`."""

    entry_row: int
    signal: int
    entry_index: int
    exit_index: int
    direction: int
    quantity: float
    entry_price: float
    exit_price: float
    reason: ExitReason
    profit: float
    profit_cents: int


def as_trades(trades: Sequence[PlainTrade]) -> Trades:
    """The same trades as columns."""

    def column(name: str) -> list[float]:
        return [getattr(trade, name) for trade in trades]

    return Trades(
        entry_row=np.array(column("entry_row"), dtype=np.int64),
        signal=np.array(column("signal"), dtype=np.int64),
        entry_index=np.array(column("entry_index"), dtype=np.int64),
        exit_index=np.array(column("exit_index"), dtype=np.int64),
        direction=np.array(column("direction"), dtype=np.int8),
        quantity=np.array(column("quantity"), dtype=np.float64),
        entry_price=np.array(column("entry_price"), dtype=np.float64),
        exit_price=np.array(column("exit_price"), dtype=np.float64),
        reason=np.array(column("reason"), dtype=np.int8),
        profit=np.array(column("profit"), dtype=np.float64),
        profit_cents=np.array(column("profit_cents"), dtype=np.int64),
    )


def round_level(price: float, decimals: int | None) -> float:
    """Stop, trailing or target level rounded half-even to ``decimals`` (``None``: as it is)."""
    if decimals is None or math.isnan(price):
        return price
    ticks = float(10**decimals)
    return round(price * ticks) / ticks


def profit_of(
    direction: int, quantity: float, entry_price: float, exit_price: float, rules: SimulationRules
) -> tuple[float, int]:
    """Dollars after fees, and whole cents rounded half-even."""
    fee = 2.0 * max(rules.fee_minimum, rules.fee_per_share * quantity)
    profit = (exit_price - entry_price) * (direction * quantity) - fee
    return profit, round(profit * 100.0)


def exit_in_bar(
    direction: int, stop: float, target: float, open_: float, high: float, low: float
) -> tuple[float, bool] | None:
    """Exit price and whether it was the target, or ``None`` when the bar touches neither level (NaN: no level).

    The open comes first in a bar, so it decides first; of two levels inside the bar the stop is taken.
    """
    if direction > 0:
        if open_ <= stop:
            return open_, False
        if open_ >= target:
            return open_, True
        if low <= stop:
            return stop, False
        if high >= target:
            return target, True
    else:
        if open_ >= stop:
            return open_, False
        if open_ <= target:
            return open_, True
        if high >= stop:
            return stop, False
        if low <= target:
            return target, True
    return None


def simulate_one(
    bars: PlainBars, entry: PlainEntry, rules: SimulationRules
) -> tuple[int, int, float, float, ExitReason] | Rejection:
    """Entry bar, exit bar, entry price, exit price and reason of one trade; or why there is none."""
    last = min(entry.limit, len(bars.close) - 1)
    if entry.signal >= last:
        return Rejection.NO_BAR_LEFT
    first = entry.signal + 1
    if rules.entry_at is EntryAt.NEXT_OPEN:
        entry_index, entry_price = first, bars.open[first]
    else:
        entry_index, entry_price = entry.signal, bars.close[entry.signal]
    if math.isnan(entry_price):
        return Rejection.NO_PRICE

    deadline = min(last, entry.signal + entry.max_bars)
    decimals = rules.price_decimals
    fixed_stop = round_level(entry_price * (1.0 - entry.direction * entry.stop_loss), decimals)
    target = round_level(entry_price * (1.0 + entry.direction * entry.take_profit), decimals)
    extreme = entry_price
    known_close = entry_price
    for bar in range(first, deadline + 1):
        stop, stop_reason = fixed_stop, ExitReason.STOP
        if not math.isnan(entry.trailing):
            trail = round_level(extreme * (1.0 - entry.direction * entry.trailing), decimals)
            tighter = trail > fixed_stop if entry.direction > 0 else trail < fixed_stop
            if tighter or math.isnan(fixed_stop):
                stop, stop_reason = trail, ExitReason.TRAIL
        hit = exit_in_bar(entry.direction, stop, target, bars.open[bar], bars.high[bar], bars.low[bar])
        if hit is not None:
            price, at_target = hit
            return entry_index, bar, entry_price, price, ExitReason.TARGET if at_target else stop_reason
        # The bar's own extreme moves the trailing stop from the next bar on: inside a bar the order is not known.
        best = bars.high[bar] if entry.direction > 0 else bars.low[bar]
        if (entry.direction > 0 and best > extreme) or (entry.direction < 0 and best < extreme):
            extreme = best
        if not math.isnan(bars.close[bar]):
            known_close = bars.close[bar]
    reason = ExitReason.TIME if deadline < last else ExitReason.LAST_BAR
    return entry_index, deadline, entry_price, known_close, reason


def simulate_trade_by_trade(
    bars: PlainBars, entries: Sequence[PlainEntry], rules: SimulationRules
) -> tuple[list[PlainTrade], list[Rejection]]:
    """Trades in the order of their entries, and one :class:`Rejection` an entry."""
    trades: list[PlainTrade] = []
    rejections: list[Rejection] = []
    group: int | None = None
    free_from = -1
    taken = 0
    for row, entry in enumerate(entries):
        if entry.limit != group:
            group, free_from, taken = entry.limit, -1, 0
        if rules.overlap is Overlap.SKIP:
            if entry.signal < free_from:
                rejections.append(Rejection.OVERLAP)
                continue
            if rules.max_trades_per_group is not None and taken >= rules.max_trades_per_group:
                rejections.append(Rejection.CAP)
                continue
        outcome = simulate_one(bars, entry, rules)
        if isinstance(outcome, Rejection):
            rejections.append(outcome)
            continue
        entry_index, exit_index, entry_price, exit_price, reason = outcome
        free_from = exit_index
        taken += 1
        profit, cents = profit_of(entry.direction, entry.quantity, entry_price, exit_price, rules)
        trades.append(
            PlainTrade(
                row,
                entry.signal,
                entry_index,
                exit_index,
                entry.direction,
                entry.quantity,
                entry_price,
                exit_price,
                reason,
                profit,
                cents,
            )
        )
        rejections.append(Rejection.NONE)
    return trades, rejections
