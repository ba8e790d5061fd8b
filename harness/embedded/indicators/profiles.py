"""Volume by price and by time of day.

Source of the rules: ``MarketProfile.cs``, ``VolumeProfile.cs``, ``TimeProfile.cs``, ``RelativeDailyVolume.cs`` of Lean.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import deque
from decimal import ROUND_CEILING, Decimal
from typing import Any

from harness.embedded.clock import from_us
from harness.embedded.clr import ONE, ZERO, add, div, mul, sub, to_float
from harness.embedded.indicators.averages import SimpleMovingAverage, Sum
from harness.embedded.indicators.base import TradeBarIndicator, decimal, whole
from harness.embedded.not_supported import NotSupportedError

_DAY_US = 86_400_000_000


class MarketProfile(TradeBarIndicator):
    """How much was traded at which price over the last bars; its value is the price at which most was."""

    __slots__ = (
        *("_amounts", "_area_volume", "_inverse", "_last", "_poc", "_poc_volume", "_prices", "_share", "_total"),
        *("_value_area_high", "_value_area_low"),
    )
    PARAMETERS = (
        whole("period", 2),
        decimal("value_area_volume_percentage", "0.70"),
        decimal("price_range_round_off", "0.05"),
    )

    def _create(self, period: int, value_area_volume_percentage: Decimal, price_range_round_off: Decimal) -> None:
        if price_range_round_off <= 0:
            raise ValueError("Must be strictly bigger than zero. (Parameter 'priceRangeRoundOff')")
        self._share = value_area_volume_percentage
        self._inverse = div(ONE, price_range_round_off)
        self._last: deque[tuple[Decimal, Decimal]] = deque(maxlen=period)
        self._prices: list[Decimal] = []
        self._amounts: dict[Decimal, Decimal] = {}
        self._total = Sum(self.name + "_Sum", period)
        self._poc = self._poc_volume = self._area_volume = self._value_area_high = self._value_area_low = ZERO
        self._warm_up = period

    @property
    def is_ready(self) -> bool:
        return self._total.is_ready

    @property
    def volume_per_price(self) -> Any:
        raise NotSupportedError("MarketProfile.VolumePerPrice")

    @property
    def poc_price(self) -> float:
        """The price at which most was traded."""
        return to_float(self._poc)

    @property
    def poc_volume(self) -> float:
        return to_float(self._poc_volume)

    @property
    def profile_high(self) -> float:
        return to_float(self._prices[-1]) if self._prices else 0.0

    @property
    def profile_low(self) -> float:
        return to_float(self._prices[0]) if self._prices else 0.0

    @property
    def value_area_volume(self) -> float:
        return to_float(self._area_volume)

    @property
    def value_area_high(self) -> float:
        return to_float(self._value_area_high)

    @property
    def value_area_low(self) -> float:
        return to_float(self._value_area_low)

    POCPrice, POCVolume = poc_price, poc_volume

    def _amount(self, bar: Any) -> Decimal:
        raise NotImplementedError

    def _round(self, price: Decimal) -> Decimal:
        return div(mul(price, self._inverse).to_integral_value(ROUND_CEILING), self._inverse)

    def _next_bar(self, bar: Any) -> Decimal:
        amount = self._amount(bar)
        removed = self._last[0] if len(self._last) == self._last.maxlen else None
        self._last.append((bar._close, amount))
        price = self._round(bar._close)
        if price not in self._amounts:
            insort(self._prices, price)
        self._amounts[price] = add(self._amounts.get(price, ZERO), amount)
        self._total._push(bar._start_us, amount)
        if removed is not None:
            self._drop(self._round(removed[0]), removed[1])
        self._measure()
        return self._poc

    def _drop(self, price: Decimal, amount: Decimal) -> None:
        if price in self._amounts:
            left = self._amounts[price] = sub(self._amounts[price], amount)
            if left == 0:
                del self._amounts[price]
                self._prices.remove(price)

    def _measure(self) -> None:
        amounts = [self._amounts[price] for price in self._prices]
        most, middle = 0, int((len(amounts) - 1) / 2)
        for index, amount in enumerate(amounts):
            if amount > amounts[most] or (amount == amounts[most] and abs(middle - index) < abs(middle - most)):
                most = index
        self._poc = self._prices[most] if amounts else ZERO
        self._poc_volume = amounts[most] if amounts else ZERO
        self._area_volume = mul(self._total._value, self._share)
        low = high = most
        taken = self._poc_volume
        while taken <= self._area_volume and self._area_volume != 0:
            next_low, next_high = max(low - 1, 0), min(high + 1, len(amounts) - 1)
            below = amounts[next_low] if next_low != low else ZERO
            above = amounts[next_high] if next_high != high else ZERO
            if above == 0 or (below != 0 and below > above):
                taken = add(taken, below)
                low = next_low
            else:
                taken = add(taken, above)
                high = next_high
        self._value_area_high = self._prices[high] if amounts else ZERO
        self._value_area_low = self._prices[low] if amounts else ZERO

    def reset(self) -> None:
        self._last.clear()
        self._prices.clear()
        self._amounts.clear()
        self._total.reset()
        super().reset()


class VolumeProfile(MarketProfile):
    """Volume by price."""

    __slots__ = ()
    NAME = "VP({period},{value_area_volume_percentage},{price_range_round_off})"

    def _amount(self, bar: Any) -> Decimal:
        return bar._volume  # type: ignore[no-any-return]


class TimeProfile(MarketProfile):
    """Number of bars by price."""

    __slots__ = ()
    NAME = "TP({period},{value_area_volume_percentage},{price_range_round_off})"

    def _amount(self, bar: Any) -> Decimal:
        return ONE


class RelativeDailyVolume(TradeBarIndicator):
    """Volume of the day so far over its mean at this time of the days before."""

    __slots__ = ("_averages", "_day", "_days", "_period", "_times", "_today")
    PARAMETERS = (whole("period", 2),)
    NAME = "RDV({period})"

    def _create(self, period: int) -> None:
        self._period = period
        self._clear()

    def _clear(self) -> None:
        self._averages: dict[int, SimpleMovingAverage] = {}
        self._times: list[int] = []
        self._today: dict[int, Decimal] = {}
        self._day = self._days = -1

    @property
    def is_ready(self) -> bool:
        return self._days >= self._period

    def _end_day(self) -> None:
        total = ZERO
        for start_us, volume in self._today.items():
            total = add(total, volume)
            time_us = start_us % _DAY_US
            if time_us not in self._averages:
                self._averages[time_us] = SimpleMovingAverage(self._period)
                insort(self._times, time_us)
            self._averages[time_us]._push(start_us, total)
        self._today.clear()

    def _next_bar(self, bar: Any) -> Decimal:
        day = from_us(bar._start_us).day
        if day != self._day:
            self._end_day()
            self._day = day
            self._days += 1
        self._today[bar._start_us] = bar._volume
        if not self.is_ready:
            return ZERO
        usual = self._usual(bar._start_us % _DAY_US)
        if usual == 0:
            return ZERO
        total = ZERO
        for volume in self._today.values():
            total = add(total, volume)
        return div(total, usual)

    def _usual(self, time_us: int) -> Decimal:
        if time_us in self._averages:
            return self._averages[time_us]._value
        # The first time later than this one is looked for from the second on; the one before it counts.
        later = max(1, bisect_right(self._times, time_us))
        return self._averages[self._times[later - 1]]._value if later < len(self._times) else ZERO

    def reset(self) -> None:
        self._clear()
        super().reset()
