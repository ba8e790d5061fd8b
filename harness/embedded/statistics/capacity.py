"""How much capital a strategy could carry: Lean's capacity estimate.

Source: ``CapacityEstimate.cs`` and ``SymbolCapacity.cs`` of Lean. Lean looks at the bar of every recently traded symbol
at every time step. Here the bars since the last look are read in one go, from a provider, when something asks for them:
at the symbol's next order event, at a snapshot and at the end.

A symbol is watched from an order event until the first bar that lies too late after it: minutes at second and minute
resolution (1 or 5 at least, up to 120 the thinner the trading), the enclosing hour or day above. Every watched bar adds
its dollar volume, discounted for trades in quick succession, to the symbol's market volume. Once a week (or once, for
runs shorter than that), and at every forced update, the symbol with the least market volume gives the estimate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, cast

import numpy as np

from harness.embedded import clr
from harness.embedded.clock import from_us, to_us
from harness.embedded.enums import OrderStatus, Resolution
from harness.embedded.models.parameters import ReservedBuyingPowerForPositionParameters
from harness.embedded.statistics import numerics
from harness.embedded.statistics.trade_statistics import ticks

_ZERO = clr.ZERO
_SECOND_US, _MINUTE_US, _HOUR_US, _DAY_US = 1_000_000, 60_000_000, 3_600_000_000, 86_400_000_000
_TICKS_PER_MINUTE = 600_000_000
_THOUSAND = Decimal("1000.00")  # its two decimals show in the statistic
_MINUTES_OF_A_SESSION = Decimal(390)
_LEAST_DISCOUNT = Decimal("0.20")
_DOLLARS_A_MINUTE = Decimal(6_000_000)
_DOLLARS_A_SECOND = Decimal(100_000)
_LONGEST_TIMEOUT_MINUTES = 120
_EFFECT = timedelta(days=30)
_FIRST_PIECE = 512
_SCALE_FACTORS = {
    Resolution.DAILY: Decimal("0.02"),
    Resolution.HOUR: Decimal("0.05"),
    Resolution.MINUTE: Decimal("0.20"),
    Resolution.SECOND: Decimal("0.50"),
    Resolution.TICK: Decimal("0.50"),
}


@dataclass(frozen=True, slots=True)
class MarketBars:
    """The bars of one symbol that appeared in the algorithm's time slices, in time order, equally long columns.

    ``utc_us`` is the time of the slice, ``close`` in units of ``close_unit`` dollars (whole numbers or exact
    decimals), ``volume`` in shares, ``period_us`` the length of the bars. A slice without a trade bar but with a quote
    bar counts with the quote bar's close and the mean of its last bid and ask sizes. Fill-forward bars (volume zero)
    may be left out. A symbol with several resolutions gives one bar a slice: the one that ``slice.bars[symbol]`` shows.
    """

    utc_us: Sequence[int]
    close: Sequence[int] | Sequence[Decimal]
    volume: Sequence[int] | Sequence[Decimal]
    period_us: int | Sequence[int]
    close_unit: Decimal = clr.ONE

    def __len__(self) -> int:
        return len(self.utc_us)


# (symbol, after_us exclusive, until_us inclusive) -> the bars of the slices between.
BarsBetween = Callable[[Any, int, int], MarketBars]


def resolution_of(period_us: int) -> Resolution:
    """The largest resolution that is not longer than the period (``ToHigherResolutionEquivalent``)."""
    if period_us < _SECOND_US:
        return Resolution.TICK
    if period_us < _MINUTE_US:
        return Resolution.SECOND
    if period_us < _HOUR_US:
        return Resolution.MINUTE
    if period_us < _DAY_US:
        return Resolution.HOUR
    return Resolution.DAILY


def _round_up(us: int, interval_us: int) -> int:
    return -(-us // interval_us) * interval_us


def _rows(*columns: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """Rows of columns as Python numbers, made in pieces: the reader usually stops after a part of them."""
    start, size = 0, _FIRST_PIECE
    while start < len(columns[0]):
        end = start + size
        yield from zip(*(np.asarray(column[start:end]).tolist() for column in columns), strict=True)
        start, size = end, size * 2


class SymbolCapacity:
    """Sale volume and market volume of one traded symbol; see the module's text."""

    def __init__(self, security: Any, bars_between: BarsBetween) -> None:
        self.security = security
        self.trades = 0
        self.sale_volume = _ZERO
        self.watched = False
        self.last_order_utc = datetime.min
        self._bars_between = bars_between
        self._seen_us = 0
        self._last_order_us = 0
        self._has_order = False
        self._discount = _ZERO
        self._market_volume = _ZERO
        self._scale_factor = _ZERO
        self._average_dollar_volume = _ZERO
        self._previous_volume = _ZERO
        self._previous_us: int | None = None
        self._start_over = False

    @property
    def market_capacity_dollar_volume(self) -> Decimal:
        """The market volume scaled by how much of a bar of its resolution can be traded."""
        return clr.mul(self._market_volume, self._scale_factor)

    def on_order_event(self, event: Any) -> None:
        """A fill. Bars of steps before the event's are taken with the discount that held until now."""
        event_us = to_us(event._utc_time)
        if self.watched:
            self.advance(event_us - 1)
        if not self.watched:
            self.watched = True
            self._seen_us = event_us - 1
        rate = self.security.quote_currency._conversion_rate
        multiplier = self.security.symbol_properties._contract_multiplier
        self.sale_volume += rate * event._fill_price * abs(event._fill_quantity) * multiplier
        since = event._utc_time - self.last_order_utc if self._has_order else timedelta(days=1)
        minutes = clr.decimal_from_double(ticks(since) / _TICKS_PER_MINUTE)
        discount = clr.mul(Decimal(2), clr.div(minutes, _MINUTES_OF_A_SESSION))
        self._discount = clr.ONE if discount > 1 else max(_LEAST_DISCOUNT, discount)
        if self._start_over:
            self._market_volume = _ZERO
            self.trades = 0
            self._start_over = False
        self.trades += 1
        self.last_order_utc = event._utc_time
        self._last_order_us = event_us
        self._has_order = True

    def advance(self, until_us: int) -> None:
        """Take the bars of all steps up to ``until_us`` that were not looked at yet."""
        if not self.watched or until_us <= self._seen_us:
            return
        bars = self._bars_between(self.security.symbol, self._seen_us, until_us)
        self._seen_us = until_us
        self._take(bars)

    def look_again(self, step_us: int) -> None:
        """Count the bar of the current step once more, as a forced update after the step does in Lean."""
        if self.watched:
            self._take(self._bars_between(self.security.symbol, step_us - 1, step_us))

    def reset(self) -> None:
        """After a snapshot: sale volume from zero, market volume from zero at the next order."""
        self._start_over = True
        self.sale_volume = _ZERO

    def _take(self, bars: MarketBars) -> None:
        if not len(bars):
            return
        rate = self.security.quote_currency._conversion_rate
        periods = bars.period_us
        longest_us = periods if isinstance(periods, int) else max(periods)
        if longest_us < _HOUR_US and not isinstance(bars.close[0], Decimal) and rate == 1:
            self._take_whole(bars)
            return
        for index, (utc_us, whole_close, whole_volume) in enumerate(_rows(bars.utc_us, bars.close, bars.volume)):
            volume = Decimal(whole_volume)
            if not volume:
                continue
            period_us = periods if isinstance(periods, int) else periods[index]
            close = Decimal(whole_close) * bars.close_unit
            if not self._look(utc_us, close, volume, resolution_of(period_us), rate):
                self.watched = False
                return

    def _take_whole(self, bars: MarketBars) -> None:
        """As :meth:`_look` bar by bar, in integers: shorter than an hour, whole numbers, account currency.

        A bar is included while its minutes after the order do not exceed the timeout, which is ``int(k)`` within its
        bounds; ``k`` is the reference dollars by the dollars a minute. Both sides are compared as products.
        """
        periods = bars.period_us
        columns = cast(tuple[Sequence[int], Sequence[int]], (bars.close, bars.volume))
        dollars_a_minute = int(_DOLLARS_A_MINUTE / bars.close_unit)
        previous_us = self._previous_us
        previous_volume = int(self._previous_volume)
        order_us = self._last_order_us
        total = 0
        resolution = Resolution.SECOND
        least, dollars = 0, 0
        last_period_us = -1
        for index, (utc_us, close, volume) in enumerate(_rows(bars.utc_us, *columns)):
            if not volume:
                continue
            period_us = periods if isinstance(periods, int) else periods[index]
            if period_us != last_period_us:
                last_period_us = period_us
                resolution = resolution_of(period_us)
                least = 1 if resolution == Resolution.MINUTE else 5
                dollars = dollars_a_minute if resolution == Resolution.MINUTE else dollars_a_minute // 60
            between_us = 0 if previous_us is None else utc_us - previous_us
            minutes = -((order_us - utc_us) // _MINUTE_US)
            if minutes <= least:
                included = True
            elif minutes > _LONGEST_TIMEOUT_MINUTES:
                included = False
            elif between_us == 0:
                included = dollars >= minutes * close * volume
            else:
                included = dollars * between_us >= minutes * close * (volume + previous_volume) * _MINUTE_US
            previous_us, previous_volume = utc_us, volume
            if not included:
                self.watched = False
                break
            total += close * volume
            self._scale_factor = _SCALE_FACTORS[resolution]
        self._previous_us = previous_us
        self._previous_volume = Decimal(previous_volume)
        multiplier = self.security.symbol_properties._contract_multiplier
        amount = clr.mul(Decimal(total) * bars.close_unit * multiplier, self._discount)
        self._market_volume = clr.add(self._market_volume, amount)

    def _look(self, utc_us: int, close: Decimal, volume: Decimal, resolution: Resolution, rate: Decimal) -> bool:
        """One bar with volume at a step; False when it is too late after the last order."""
        between_us = 0 if self._previous_us is None else utc_us - self._previous_us
        if between_us == 0:
            self._average_dollar_volume = clr.mul(rate * close, volume)
        else:
            minutes = clr.decimal_from_double(between_us * 10 / _TICKS_PER_MINUTE)
            traded = clr.mul(close * rate, volume + self._previous_volume)
            self._average_dollar_volume = clr.div(traded, minutes)
        self._previous_us = utc_us
        self._previous_volume = volume
        if not self._includes(utc_us, resolution):
            return False
        self._scale_factor = _SCALE_FACTORS[resolution]
        multiplier = self.security.symbol_properties._contract_multiplier
        amount = clr.mul(clr.mul(close, self._discount), volume * rate * multiplier)
        self._market_volume = clr.add(self._market_volume, amount)
        return True

    def _includes(self, utc_us: int, resolution: Resolution) -> bool:
        order_us = self._last_order_us
        if resolution == Resolution.HOUR:
            return utc_us == _round_up(order_us, _HOUR_US)
        if resolution == Resolution.DAILY:
            return utc_us == order_us or utc_us // _DAY_US * _DAY_US == _round_up(order_us, _DAY_US)
        dollars, least = (_DOLLARS_A_MINUTE, 1) if resolution == Resolution.MINUTE else (_DOLLARS_A_SECOND, 5)
        k = clr.div(dollars, self._average_dollar_volume) if self._average_dollar_volume else Decimal(10)
        timeout = _LONGEST_TIMEOUT_MINUTES if k > _LONGEST_TIMEOUT_MINUTES else int(max(float(least), clr.to_float(k)))
        return utc_us <= order_us + timeout * _MINUTE_US


class CapacityEstimate:
    """The strategy's capacity in account currency, and the symbol that limits it.

    ``algorithm`` gives ``start_date``, ``end_date`` (local datetimes), ``securities`` and ``portfolio``.
    """

    def __init__(self, algorithm: Any, bars_between: BarsBetween) -> None:
        self._algorithm = algorithm
        self._bars_between = bars_between
        # As .NET's dictionary enumerates: slots in order, a removed slot taken by the next addition.
        self._slots: list[SymbolCapacity | None] = []
        self._free: list[int] = []
        self._index: dict[Any, int] = {}
        days = (algorithm.end_date - algorithm.start_date) / timedelta(days=1)
        self._snapshot_period = timedelta(days=max(min(days - 1, 7), 1))
        self._next_snapshot = algorithm.start_date + self._snapshot_period
        self._value = _ZERO
        self._lowest: Any = None

    @property
    def capacity(self) -> Decimal:
        """The estimate, to the nearest thousand."""
        return numerics.round_to_multiple(self._value, _THOUSAND)

    @property
    def lowest_capacity_asset(self) -> Any:
        """The symbol with the least market volume at the last snapshot, or ``None``."""
        return self._lowest

    @property
    def next_due_us(self) -> int | None:
        """UTC microseconds from which the next step must call :meth:`update`; ``None`` while nothing was traded."""
        if not self._index:
            return None
        return _round_up(to_us(self._next_snapshot), _DAY_US)

    def on_order_event(self, event: Any) -> None:
        """An order event; only fills matter."""
        if event.status not in (OrderStatus.FILLED, OrderStatus.PARTIALLY_FILLED):
            return
        index = self._index.get(event.symbol)
        if index is None:
            index = self._add(event.symbol)
        symbol_capacity = self._slots[index]
        assert symbol_capacity is not None
        symbol_capacity.on_order_event(event)

    def advance(self, utc_us: int) -> None:
        """Take the bars up to ``utc_us`` while they are at hand; changes no result."""
        for item in self._active():
            item.advance(utc_us)

    def update(self, utc_us: int, force: bool, step_done: bool) -> None:
        """The end of a time step at ``utc_us``, or a forced update.

        ``step_done`` tells a forced update that the step's own update came before it: the step's bar then counts again.
        """
        utc_date_us = utc_us // _DAY_US * _DAY_US
        if not self._index or not (force or utc_date_us >= to_us(self._next_snapshot)):
            return
        active = self._active()
        for item in active:
            item.advance(utc_us)
            if force and step_done:
                item.look_again(utc_us)
        portfolio_value = self._algorithm.portfolio._total_portfolio_value
        if portfolio_value == 0:
            return
        self._snapshot(active, portfolio_value)
        self._remove_stale(active, utc_us)
        self._next_snapshot = from_us(utc_date_us) + self._snapshot_period

    def _snapshot(self, active: list[SymbolCapacity], portfolio_value: Decimal) -> None:
        sales = sum((item.sale_volume for item in active), _ZERO)
        smallest = min(active, key=lambda item: item.market_capacity_dollar_volume)
        security = smallest.security
        self._lowest = security.symbol
        share_of_sales = clr.div(smallest.sale_volume, sales) if sales else _ZERO
        used = clr.mul(reserved_buying_power(security), security._leverage)
        scaling = max(share_of_sales, clr.div(used, portfolio_value))
        daily = clr.div(smallest.market_capacity_dollar_volume, Decimal(smallest.trades))
        value = clr.div(daily, scaling) if scaling else self._value
        if self._value:
            value = clr.add(clr.mul(Decimal("0.33"), value), clr.mul(self._value, Decimal("0.66")))
        self._value = value

    def _remove_stale(self, active: list[SymbolCapacity], utc_us: int) -> None:
        now = from_us(utc_us)
        for item in active:
            if item.security.holdings._quantity != 0 or now < item.last_order_utc + _EFFECT:
                item.reset()
            else:
                index = self._index.pop(item.security.symbol)
                self._slots[index] = None
                self._free.append(index)

    def _active(self) -> list[SymbolCapacity]:
        return [item for item in self._slots if item is not None]

    def _add(self, symbol: Any) -> int:
        item = SymbolCapacity(self._algorithm.securities[symbol], self._bars_between)
        if self._free:
            index = self._free.pop()
            self._slots[index] = item
        else:
            index = len(self._slots)
            self._slots.append(item)
        self._index[symbol] = index
        return index


def reserved_buying_power(security: Any) -> Decimal:
    """The buying power that a security's position ties up, exact, by its own model."""
    value = security._buying_power_model._get_reserved_buying_power_for_position(
        ReservedBuyingPowerForPositionParameters(security)
    )
    return value if isinstance(value, Decimal) else clr.from_python(value)
