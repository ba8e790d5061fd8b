"""Reading many steps at once, for what Lean updates at every step.

The account value (equity candles), the prices an open trade has seen, and the bars that the capacity estimate looks at
are all functions of the day's columns. They are computed when somebody needs them: at a sample, before holdings
change, at the end of a day. Source of the rules: Lean's ``BaseResultsHandler.UpdateAlgorithmEquity``,
``TradeBuilder.SetMarketPrice``, ``CapacityEstimate.UpdateMarketCapacity``.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.embedded.clock import from_us
from harness.embedded.clr import ONE, ZERO
from harness.embedded.enums import TickType
from harness.embedded.securities.portfolio import SecurityPortfolioManager
from harness.embedded.statistics.capacity import MarketBars
from harness.embedded.statistics.trade_builder import PriceRange, TradeBuilder

if TYPE_CHECKING:
    from harness.embedded.engine import EngineContext

_HALF_CENT_OF_CENT = Decimal("0.0001")


class ObservedPortfolio(SecurityPortfolioManager):
    """A portfolio that reports the value of past steps before it changes."""

    _observer: EquityObserver | None = None
    may_be_ruined = False
    """Whether a fall or rise of prices could take the whole value: something is short, or cash is borrowed."""

    def process_fills(self, fills: Any) -> None:
        if self._observer is not None:
            self._observer.before_change()
        super().process_fills(fills)
        self.may_be_ruined = self._cash <= 0 or any(s.holdings._quantity < 0 for s in self._held.values())

    def apply_dividend(self, *args: Any) -> None:
        if self._observer is not None:
            self._observer.before_change()
        super().apply_dividend(*args)

    def apply_split(self, *args: Any) -> None:
        if self._observer is not None:
            self._observer.before_change()
        super().apply_split(*args)


class EquityObserver:
    """Reports the account value at the ends of steps to the result handler, in ranges."""

    def __init__(self, engine: EngineContext) -> None:
        self.engine = engine
        self.reported_step = -1

    def new_day(self) -> None:
        self.reported_step = -1

    def before_change(self) -> None:
        """Report the steps before the current one: holdings or cash are about to change."""
        self.report_until(self.engine.cursor.step - 1)

    def report_until(self, last_step: int) -> None:
        """Report the ends of all steps up to ``last_step`` that have not been reported."""
        first = self.reported_step + 1
        if last_step < first:
            return
        self.reported_step = last_step
        portfolio = self.engine.algorithm.portfolio
        held = portfolio._held
        results = self.engine.results
        if not held:
            value = portfolio._total_portfolio_value
            results.update_equity_range(value, value, value, value)
            return
        results.update_equity_range(*self._range(portfolio, list(held.values()), first, last_step))

    def _range(
        self, portfolio: Any, held: list[Any], first: int, last: int
    ) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        cursor = self.engine.cursor
        here = cursor.step
        portfolio._total_cache = None
        fixed = portfolio._total_portfolio_value
        for security in held:
            fixed -= security.holdings._quantity * security.cache._price
        # Prices as they stood at the end of the first step, then every later change.
        cursor.step = first
        known = [(security.holdings._quantity, security.cache._price) for security in held]
        cursor.step = here
        portfolio._total_cache = None
        start = fixed + sum((quantity * price for quantity, price in known), ZERO)
        paths = [security.cache.price_path(first + 1, last) for security in held]
        if all(path is None for path in paths):
            return start, start, start, start
        steps = np.unique(np.concatenate([path.steps for path in paths if path is not None]))
        approximate = np.full(len(steps), float(fixed))
        places = []
        for (quantity, price), path in zip(known, paths, strict=True):
            if path is None:
                approximate += float(quantity * price)
                places.append(None)
                continue
            place = np.searchsorted(path.steps, steps, side="right") - 1
            values = path.halves * float(path.unit) + float(path.addend)
            seen = np.where(place >= 0, values[np.maximum(place, 0)], float(price))
            approximate += float(quantity) * seen
            places.append(place)

        def exact(index: int) -> Decimal:
            total = fixed
            for (quantity, price), path, place in zip(known, paths, places, strict=True):
                at = -1 if place is None else int(place[index])
                total += quantity * (price if at < 0 or path is None else path.exact(at))
            return total

        tolerance = 1e-9 * max(1.0, float(np.abs(approximate).max()))
        lows = _distinct(np.flatnonzero(approximate <= approximate.min() + tolerance), places, paths)
        highs = _distinct(np.flatnonzero(approximate >= approximate.max() - tolerance), places, paths)
        low = min([start, *(exact(i) for i in lows)])
        high = max([start, *(exact(i) for i in highs)])
        return start, low, high, exact(len(steps) - 1)


def _distinct(candidates: Any, places: list[Any], paths: list[Any]) -> list[int]:
    """Candidates without those at which all prices equal those of another one."""
    if len(candidates) == 1:
        return [int(candidates[0])]
    rows = [
        np.where(place[candidates] >= 0, path.halves[np.maximum(place[candidates], 0)], -1)
        for place, path in zip(places, paths, strict=True)
        if place is not None
    ]
    _, first = np.unique(np.stack(rows, axis=1), axis=0, return_index=True)
    return [int(candidates[i]) for i in first]


class ObservedTradeBuilder(TradeBuilder):
    """A trade builder that learns the prices since the last fill when a fill comes."""

    def attach(self, engine: EngineContext) -> None:
        self._engine = engine
        self._given: dict[Any, int] = {}

    def process_fill(self, event: Any, *args: Any, **kwargs: Any) -> Any:
        self.give(event.symbol)
        return super().process_fill(event, *args, **kwargs)

    def give(self, symbol: Any) -> None:
        """Hand over the prices of a symbol up to the current step."""
        step = self._engine.cursor.step
        if self.has_open_position(symbol):
            security = self._engine.algorithm.securities._all.get(symbol)
            first = self._given.get(symbol, -1) + 1
            path = security.cache.price_path(first, step) if security is not None and step >= first else None
            if path is not None:
                self.set_market_range(symbol, _price_range(path))
        self._given[symbol] = step

    def end_of_day(self) -> None:
        for symbol in list(self.open_symbols):
            self.give(symbol)
        self._given.clear()


def _price_range(path: Any) -> PriceRange:
    halves = path.halves
    fall = int((np.maximum.accumulate(halves) - halves).max())
    rise = int((halves - np.minimum.accumulate(halves)).max())
    low, high = int(halves.min()), int(halves.max())
    return PriceRange(low * path.unit + path.addend, high * path.unit + path.addend, fall * path.unit, rise * path.unit)


def bars_between(engine: EngineContext, symbol: Any, after_us: int, until_us: int) -> MarketBars:
    """The real bars of a symbol whose slices lie in ``after_us`` < time <= ``until_us``, for the capacity estimate."""
    subscriptions = [s for s in engine.data.subscriptions if s.symbol == symbol and not s.is_internal]
    trades = sorted((s for s in subscriptions if not s.is_quote), key=lambda s: s.period_us)
    quotes = sorted((s for s in subscriptions if s.is_quote), key=lambda s: s.period_us)
    found: dict[int, tuple[Decimal | int, Decimal | int, int]] = {}
    plain = True
    for subscription in (*quotes, *reversed(trades)):
        zone_offset = engine.zone_offset_us(subscription.config.exchange_time_zone, until_us)
        day = from_us(after_us + zone_offset).date()
        last = from_us(until_us + zone_offset).date()
        while day <= last:
            frame, ends, rows = subscription._real_rows(day)
            keep = (ends > max(after_us, subscription.start_us - 1)) & (ends <= until_us)
            if frame is not None and keep.any():
                scaled = frame.factor is not None or frame.addend is not None or frame.scale != 4 or frame.volume_scale
                is_quote = subscription.config.tick_type == TickType.QUOTE
                plain = plain and not scaled and not is_quote
                for end, row in zip(ends[keep].tolist(), rows[keep].tolist(), strict=True):
                    if is_quote:
                        from harness.embedded.data import QuoteBar

                        quote = QuoteBar.of_row(frame, row)
                        size = (quote._last_bid_size + quote._last_ask_size) / 2
                        found[end] = (quote._close, size, subscription.period_us)
                    else:
                        found[end] = (frame.exact(3, row), frame.exact(4, row), subscription.period_us)
            day += timedelta(days=1)
    ordered = sorted(found)
    closes = [found[end][0] for end in ordered]
    volumes = [found[end][1] for end in ordered]
    period = found[ordered[0]][2] if ordered else 0
    if plain:
        whole = [int(close / _HALF_CENT_OF_CENT) for close in closes]
        return MarketBars(ordered, whole, [int(volume) for volume in volumes], period, _HALF_CENT_OF_CENT)
    return MarketBars(ordered, closes, volumes, period, ONE)
