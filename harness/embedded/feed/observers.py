"""Reading many steps at once, for what Lean updates at every step.

The account value (equity candles), the prices an open trade has seen, and the bars that the capacity estimate looks at
are all functions of the day's columns. They are computed when somebody needs them: at a sample, before holdings
change, at the end of a day. Source of the rules: Lean's ``BaseResultsHandler.UpdateAlgorithmEquity``,
``TradeBuilder.SetMarketPrice``, ``CapacityEstimate.UpdateMarketCapacity``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.embedded.clock import from_us
from harness.embedded.clr import ONE, ZERO
from harness.embedded.data import QuoteBar
from harness.embedded.feed.subscription import CARRIED, NO_BAR, to_us_of
from harness.embedded.securities.portfolio import SecurityPortfolioManager
from harness.embedded.statistics.capacity import MarketBars
from harness.embedded.statistics.trade_builder import PriceRange, TradeBuilder, price_range

if TYPE_CHECKING:
    from harness.embedded.engine import EngineContext
    from harness.embedded.feed.timeline import DayPlan

_PRICE_UNIT = Decimal("0.0001")
_EPSILON = 2.0**-52


class ObservedPortfolio(SecurityPortfolioManager):
    """A portfolio that reports the value of past steps before it changes."""

    _observer: EquityObserver | None = None
    may_be_ruined = False
    """Whether a fall or rise of prices could take the whole value: something is short, or cash is borrowed."""

    def _forget_scanned(self) -> None:
        super()._forget_scanned()
        self._tell_handler()

    def invalidate_total_portfolio_value(self) -> None:
        super().invalidate_total_portfolio_value()
        self._tell_handler()

    def _tell_handler(self) -> None:
        """Cash, holdings or models changed: what was said of the open orders no longer holds."""
        observer = self._observer
        if observer is not None:
            observer.engine.transaction_handler.version += 1
            if self._asks_fee_models:
                observer.engine.results.ask_at_every_step()

    def process_fills(self, fills: Any) -> None:
        if self._observer is not None:
            self._observer.before_change()
        super().process_fills(fills)
        self.assess()

    def assess(self) -> None:
        """Find out whether the value has to be watched at every step of what is left of the day.

        It has not while even the worst prices still to come, all at once, leave something. Cash only falls through
        fills, dividends and interest; the margin of a tenth of the value covers what is not a fill.
        """
        held = self._held.values()
        if self._cash > 0 and all(s.holdings._quantity >= 0 for s in held):
            self.may_be_ruined = False
            return
        value = float(self._total_portfolio_value)
        # First by the whole day's prices, which say enough nearly always.
        for whole_day in (True, False):
            worst = value
            for security in held:
                quantity, cache = float(security.holdings._quantity), security.cache
                lowest, highest = cache.price_bounds_of_day() if whole_day else cache.price_bounds_ahead()
                worst += quantity * ((lowest if quantity > 0 else highest) - cache.price)
            self.may_be_ruined = worst <= 0.1 * value
            if not self.may_be_ruined:
                return


class EquityObserver:
    """Reports the account value at the ends of steps to the result handler, in ranges."""

    def __init__(self, engine: EngineContext) -> None:
        self.engine = engine
        self.reported_step = -1
        self._real_rows: dict[tuple[int, date], tuple[Any, Any, Any]] = {}

    def new_day(self, plan: DayPlan) -> None:
        """A plan begins: the first of a day, or one for the rest of it."""
        self.reported_step = -1
        # What the plan has read of whole days need not be read again.
        whole = plan.after_us + plan.exchange_offset_us < to_us_of(plan.day)
        self._real_rows = {
            (id(sub.subscription), plan.day): (sub.frame, sub.rows.real_end_us, sub.rows.real_rows)
            for sub in plan.subscriptions
            if whole and sub.subscription.start_us <= plan.after_us and sub.subscription.last_end_us is None
        }

    def real_rows(self, subscription: Any, day: date) -> tuple[Any, Any, Any]:
        """Frame, UTC end times and rows of a subscription's real bars of a day; kept while a day is worked on."""
        key = (id(subscription), day)
        found = self._real_rows.get(key)
        if found is None:
            found = self._real_rows[key] = subscription._real_rows(day)
        return found

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
        """First, lowest, highest and last account value at the ends of some steps, as the equity bar rounds them."""
        fixed = float(portfolio._cash + portfolio._unsettled_cash)
        values = np.full(last + 1 - first, fixed)
        gross = abs(fixed)
        for security in held:
            prices = security.cache.step_prices()
            if prices is None:
                return self._exact_range(portfolio, held, first, last)
            quantity = float(security.holdings._quantity)
            values += quantity * prices.floats[first : last + 1]
            gross += abs(quantity) * prices.largest
        # Each term is off by three roundings, each sum by one of the whole.
        error = (len(held) + 4) * _EPSILON * gross
        ends = (float(values[0]), float(values.min()), float(values.max()), float(values[-1]))
        rounded = [_surely_rounded(value, error) for value in ends]
        if any(value is None for value in rounded):
            return self._exact_range(portfolio, held, first, last)
        return tuple(rounded)  # type: ignore[return-value]

    def _exact_range(
        self, portfolio: Any, held: list[Any], first: int, last: int
    ) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        """:meth:`_range` in exact numbers, whatever has set the prices."""
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
        steps = np.sort(np.concatenate([path.steps for path in paths if path is not None]))
        steps = steps[np.concatenate(([True], steps[1:] != steps[:-1]))]
        approximate = np.full(len(steps), float(fixed))
        places: list[Any] = []
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
            total: Decimal = fixed
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


def _surely_rounded(value: float, error: float) -> Decimal | None:
    """A number that ``value`` is at most ``error`` away from, to four decimals; ``None`` where that leaves a choice."""
    scaled = value * 10_000.0
    nearest = round(scaled)
    if abs(scaled - nearest) + error * 10_000.0 + abs(scaled) * _EPSILON >= 0.5:
        return None
    return Decimal(nearest).scaleb(-4)


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
    """A trade builder that learns the prices since the last fill when a fill comes.

    Lean shows it the price after every bar of the symbol, fill-forward bars and those of the benchmark's own feed
    included. A trade opened at a step has not seen that step's price; a fill-forward bar shows it before the next real
    bar does.
    """

    def attach(self, engine: EngineContext) -> None:
        self._engine = engine
        self._given: dict[Any, int] = {}
        self._unseen: dict[Any, Decimal] = {}

    def process_fill(self, event: Any, *args: Any, **kwargs: Any) -> Any:
        symbol = event.symbol
        self.give(symbol)
        super().process_fill(event, *args, **kwargs)
        security = self._engine.algorithm.securities._all.get(symbol)
        if security is not None and self.has_open_position(symbol):
            self._unseen[symbol] = security.cache._price
        else:
            self._unseen.pop(symbol, None)

    def give(self, symbol: Any) -> None:
        """Hand over the prices of a symbol up to the current step."""
        step = self._engine.cursor.step
        first = self._given.get(symbol, -1) + 1
        if step >= first and self.has_open_position(symbol):
            self._show(symbol, first, step)
        self._given[symbol] = step

    def _show(self, symbol: Any, first: int, last: int) -> None:
        engine = self._engine
        security = engine.algorithm.securities._all.get(symbol)
        path = security.cache.price_path(first, last) if security is not None else None
        shown_again = self._shown_again(symbol, security, first, last)
        benchmark = engine.benchmark_security
        other = None
        if benchmark is not None and benchmark is not security and benchmark.symbol == symbol:
            other = benchmark.cache.price_path(first, last)
        if other is None:
            if shown_again is not None:
                self.set_market_price(symbol, shown_again[1])
            if path is not None:
                self.set_market_range(symbol, _price_range(path))
            return
        prices = [] if shown_again is None else [shown_again]
        for one in (other, path):
            if one is not None:
                prices += [(int(at), one.exact(index)) for index, at in enumerate(one.steps)]
        prices.sort(key=lambda item: item[0])
        together = price_range(price for _, price in prices)
        assert together is not None
        self.set_market_range(symbol, together)

    def _shown_again(self, symbol: Any, security: Any, first: int, last: int) -> tuple[int, Decimal] | None:
        """Step and price of the fill-forward bar that shows a new trade the price at which it was opened."""
        unseen = self._unseen.get(symbol)
        plan = getattr(self._engine.algorithm.current_slice, "_source", None)
        if unseen is None or plan is None:
            return None
        real = filled = (last + 1, 0)
        for order, sub in enumerate(plan.subscriptions):
            if sub.subscription.security is not security:
                continue
            at = int(np.searchsorted(sub.real_steps, first))
            if at < len(sub.real_steps):
                real = min(real, (int(sub.real_steps[at]), order))
            codes = sub.codes[first : min(last, real[0]) + 1]
            again = np.flatnonzero((codes == CARRIED) | ((codes != NO_BAR) & (codes & 1 == 1)))
            if len(again):
                filled = min(filled, (first + int(again[0]), order))
        if min(real, filled)[0] > last:
            return None
        del self._unseen[symbol]
        return (filled[0], unseen) if filled < real else None

    def end_of_day(self) -> None:
        """Take what is needed from the day's columns before they go."""
        for symbol in list(self.open_symbols):
            self.give(symbol)
        self._given.clear()
        self._engine.results.advance_capacity()


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
    found: dict[int, tuple[Any, Any, int]] = {}
    days = [
        (subscription.is_quote, subscription.period_us, *day)
        for subscription in (*reversed(quotes), *reversed(trades))
        for day in _days_between(engine, subscription, after_us, until_us)
    ]
    quotes_until_us = _quotes_until(trades, days)
    days = [
        (is_quote, period, frame, ends[ends < quotes_until_us], rows[ends < quotes_until_us])
        if is_quote
        else (is_quote, period, frame, ends, rows)
        for is_quote, period, frame, ends, rows in days
    ]
    days = [day for day in days if len(day[-1])]
    plain = all(not is_quote and _is_plain(frame) for is_quote, _, frame, _, _ in days)
    if plain and len({period for _, period, *_ in days}) <= 1:
        # One series of trades: its days follow each other, nothing has to be merged.
        columns = _whole_columns([day[2:] for day in days])
        if columns is not None:
            return columns
    for is_quote, _, frame, ends, rows in days:
        periods = (frame.end_us[rows] - frame.start_us[rows]).tolist()
        if plain:
            closes, volumes = frame.columns[3][rows].tolist(), frame.columns[4][rows].tolist()
            found.update(zip(ends.tolist(), zip(closes, volumes, periods, strict=True), strict=True))
            continue
        for end, row, period in zip(ends.tolist(), rows.tolist(), periods, strict=True):
            if is_quote:
                quote = QuoteBar.of_row(frame, row)
                size = (quote._last_bid_size + quote._last_ask_size) / 2
                found[end] = (quote._close, size, period)
            else:
                found[end] = (frame.exact(3, row), frame.exact(4, row), period)
    ordered = sorted(found)
    table = [found[end] for end in ordered]
    return MarketBars(
        ordered,
        [row[0] for row in table],
        [row[1] for row in table],
        [row[2] for row in table],
        _PRICE_UNIT if plain else ONE,
    )


def _quotes_until(trades: list[Any], days: list[tuple[Any, ...]]) -> int:
    """Until when quotes stand in for trades: from its first trade on a symbol that fills forward has a trade bar."""
    filling = [s for s in trades if s.config.fill_data_forward]
    if not filling:
        return 1 << 62
    if any(s.carry_frame is not None for s in filling):
        return 0
    return min((int(ends[0]) for is_quote, _, _, ends, _ in days if not is_quote and len(ends)), default=1 << 62)


def _is_plain(frame: Any) -> bool:
    """Whether prices are whole ten-thousandths of a dollar and volumes whole shares, unadjusted."""
    return frame.factor is None and frame.addend is None and frame.scale == 4 and not frame.volume_scale


def _days_between(
    engine: EngineContext, subscription: Any, after_us: int, until_us: int
) -> Iterator[tuple[Any, Any, Any]]:
    """Frame, UTC end times and rows of the real bars in ``after_us`` < time <= ``until_us``, day by day."""
    zone_offset = engine.zone_offset_us(subscription.config.exchange_time_zone, until_us)
    day = from_us(after_us + zone_offset).date()
    last = from_us(until_us + zone_offset).date()
    begin_us = max(after_us, subscription.known_from_us - 1)
    while day <= last:
        frame, ends, rows = engine.equity.real_rows(subscription, day)
        if frame is not None:
            low, high = np.searchsorted(ends, (begin_us, until_us), side="right")
            if high > low:
                yield frame, ends[low:high], rows[low:high]
        day += timedelta(days=1)


def _whole_columns(days: list[tuple[Any, Any, Any]]) -> MarketBars | None:
    """The bars of days of one subscription as arrays of whole numbers; ``None`` where they differ in length."""
    columns: list[tuple[Any, Any, Any]] = []
    period = 0
    for frame, ends, rows in days:
        # The rows of a session follow each other: a slice copies nothing.
        first, last = int(rows[0]), int(rows[-1])
        picked = slice(first, last + 1) if last - first == len(rows) - 1 else rows
        lengths = frame.end_us[picked] - frame.start_us[picked]
        period = period or int(lengths[0])
        if (lengths != period).any():
            return None
        columns.append((ends, frame.columns[3][picked], frame.columns[4][picked]))
    if len(columns) == 1:
        return MarketBars(*columns[0], period, _PRICE_UNIT)
    if not columns:
        return MarketBars((), (), (), period, _PRICE_UNIT)
    together: list[Any] = [np.concatenate(column) for column in zip(*columns, strict=True)]
    return MarketBars(together[0], together[1], together[2], period, _PRICE_UNIT)
