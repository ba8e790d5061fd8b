"""The event mode: the reference strategy as a plain loop over bars, one after the other, with running sums.

It is slow and shares nothing with the column code; what :mod:`harness.fast.signals` and
:mod:`harness.fast.simulate` do on whole columns is right when it gives these trades.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.fast.bars import NS_PER_DAY, NS_PER_S, Bars, session_bounds
from harness.fast.choices import Direction, EntryAt
from harness.fast.reference import PlainTrade, exit_in_bar, profit_of, round_level
from harness.fast.strategy import StrategySettings
from harness.fast.trades import ExitReason


@dataclass(slots=True)
class _Position:
    signal: int
    direction: int
    entry_index: int
    entry_price: float
    stop: float
    target: float
    extreme: float
    known_close: float
    deadline: int


class _EventLoop:
    """State of the strategy for one symbol."""

    def __init__(self, settings: StrategySettings) -> None:
        self.settings = settings
        self.trades: list[PlainTrade] = []
        self.session_closes: list[float] = []

    def run_session(
        self,
        first_row: int,
        *,
        times: list[int],
        opens: list[float],
        highs: list[float],
        lows: list[float],
        closes: list[float],
        volumes: list[float],
    ) -> None:
        """All bars of one session, in order."""
        s = self.settings
        flat_ns = s.flat_s * NS_PER_S
        limit = -1
        for row, time in enumerate(times):
            if time % NS_PER_DAY < flat_ns:
                limit = row
        trend = self._trend_mean()
        position: _Position | None = None
        pending: int | None = None
        taken = 0
        money = shares = 0.0
        highest, lowest = -math.inf, math.inf
        before_close = before_vwap = math.nan
        for row, close in enumerate(closes):
            open_, high, low = opens[row], highs[row], lows[row]
            if pending is not None:
                # The signal of the bar before is filled at this bar's open.
                position = self._opened(
                    entry_index=first_row + row, signal=row - 1, side=pending, price=open_, limit=limit
                )
                pending = None
                taken += position is not None
            if position is not None and row > position.signal:
                ended = self._step(position, first_row, row, open_=open_, high=high, low=low, close=close, limit=limit)
                if ended:
                    position = None

            money += (high + low + close) / 3.0 * volumes[row]
            shares += volumes[row]
            vwap = money / shares if shares != 0.0 else math.nan
            # A NaN price moves neither extreme.
            highest = max(highest, high)
            lowest = min(lowest, low)
            side = self._crossed(row, close, vwap, before_close, before_vwap)
            before_close, before_vwap = close, vwap
            if side == 0 or position is not None or row >= limit:
                continue
            if s.max_trades_per_session is not None and taken >= s.max_trades_per_session:
                continue
            if s.min_range > 0.0 and not highest / lowest - 1.0 >= s.min_range:
                continue
            of_day = times[row] % NS_PER_DAY
            if not s.first_entry_s * NS_PER_S <= of_day <= s.last_entry_s * NS_PER_S:
                continue
            if trend is not None and not (close - trend) * side > 0.0:
                continue
            if s.entry_at is EntryAt.NEXT_OPEN:
                pending = side
            else:
                position = self._opened(entry_index=first_row + row, signal=row, side=side, price=close, limit=limit)
                taken += position is not None
        self.session_closes.append(closes[-1])

    def _trend_mean(self) -> float | None:
        days = self.settings.trend_days
        if not days:
            return None
        if len(self.session_closes) < days:
            return math.nan
        total = 0.0
        for close in self.session_closes[-days:]:
            total += close
        return total / days

    def _crossed(self, row: int, close: float, vwap: float, before_close: float, before_vwap: float) -> int:
        """+1 or -1 when the close of this bar crosses the band outwards, else 0."""
        if row == 0:
            return 0
        s = self.settings
        up, down = 1.0 + s.band, 1.0 - s.band
        if s.direction is not Direction.SHORT and close > vwap * up and before_close <= before_vwap * up:
            return 1
        if s.direction is not Direction.LONG and close < vwap * down and before_close >= before_vwap * down:
            return -1
        return 0

    def _opened(self, *, entry_index: int, signal: int, side: int, price: float, limit: int) -> _Position | None:
        if math.isnan(price):
            return None
        s = self.settings
        return _Position(
            signal=signal,
            direction=side,
            entry_index=entry_index,
            entry_price=price,
            stop=round_level(price * (1.0 - side * s.stop_loss), s.price_decimals),
            target=round_level(price * (1.0 + side * s.take_profit), s.price_decimals),
            extreme=price,
            known_close=price,
            deadline=min(limit, signal + s.max_bars),
        )

    def _step(
        self,
        position: _Position,
        first_row: int,
        row: int,
        *,
        open_: float,
        high: float,
        low: float,
        close: float,
        limit: int,
    ) -> bool:
        """Show the position one bar; record the trade and return True when it ends there."""
        s = self.settings
        side = position.direction
        stop, stop_reason = position.stop, ExitReason.STOP
        if not math.isnan(s.trailing):
            trail = round_level(position.extreme * (1.0 - side * s.trailing), s.price_decimals)
            if math.isnan(stop) or (trail > stop if side > 0 else trail < stop):
                stop, stop_reason = trail, ExitReason.TRAIL
        if not math.isnan(close):
            position.known_close = close
        hit = exit_in_bar(side, stop, position.target, open_, high, low)
        if hit is not None:
            price, reason = hit[0], ExitReason.TARGET if hit[1] else stop_reason
        elif row == position.deadline:
            price = position.known_close
            reason = ExitReason.TIME if row < limit else ExitReason.LAST_BAR
        else:
            best = high if side > 0 else low
            if (side > 0 and best > position.extreme) or (side < 0 and best < position.extreme):
                position.extreme = best
            return False
        profit, cents = profit_of(side, s.quantity, position.entry_price, price, s.rules())
        self.trades.append(
            PlainTrade(
                entry_row=len(self.trades),
                signal=first_row + position.signal,
                entry_index=position.entry_index,
                exit_index=first_row + row,
                direction=side,
                quantity=s.quantity,
                entry_price=position.entry_price,
                exit_price=price,
                reason=reason,
                profit=profit,
                profit_cents=cents,
            )
        )
        return True


def run_event_loop(bars: Bars, settings: StrategySettings, earlier_closes: Sequence[float] = ()) -> list[PlainTrade]:
    """Trades of the strategy on one symbol, in order; bar numbers are rows of ``bars``.

    ``earlier_closes`` are the closes of the sessions before these bars, oldest first, for the trend filter.
    """
    loop = _EventLoop(settings)
    loop.session_closes.extend(earlier_closes)
    bounds = session_bounds(bars.time_ns).tolist() if len(bars) else []
    for start, stop in itertools.pairwise(bounds):
        loop.run_session(
            start,
            times=bars.time_ns[start:stop].tolist(),
            opens=bars.open[start:stop].tolist(),
            highs=bars.high[start:stop].tolist(),
            lows=bars.low[start:stop].tolist(),
            closes=bars.close[start:stop].tolist(),
            volumes=bars.volume[start:stop].tolist(),
        )
    return loop.trades
