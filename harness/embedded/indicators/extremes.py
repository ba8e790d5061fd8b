"""Highest and lowest values of a window, and what is made of them.

Source of the rules: the class of the same name in Lean's ``Indicators`` folder.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from harness.embedded.clr import ZERO, add, div, mul, sub
from harness.embedded.consolidators.price_bars import YEAR_ONE_US
from harness.embedded.indicators.base import (
    HUNDRED,
    BarIndicator,
    Derived,
    Indicator,
    WindowIndicator,
    whole,
)

_TWO = Decimal(2)
_MINUS_HUNDRED = Decimal(-100)


class Maximum(WindowIndicator):
    """Highest of the last ``period`` values."""

    __slots__ = ("periods_since_maximum",)
    NAME = "MAX({period})"

    def _create(self, period: int) -> None:
        super()._create(period)
        self.periods_since_maximum = 0

    def _compute(self, value: Decimal, us: int) -> Decimal:
        current = self._value
        if self._samples == 1 or value >= current:
            self.periods_since_maximum = 0
            return value
        if self.periods_since_maximum >= self._period - 1:
            newest_first = list(reversed(self._values))
            highest = max(newest_first)
            # The newest one of equals, as a stable sort finds it.
            self.periods_since_maximum = newest_first.index(highest)
            return newest_first[self.periods_since_maximum]
        self.periods_since_maximum += 1
        return current

    def reset(self) -> None:
        self.periods_since_maximum = 0
        super().reset()


class Minimum(WindowIndicator):
    """Lowest of the last ``period`` values."""

    __slots__ = ("periods_since_minimum",)
    NAME = "MIN({period})"

    def _create(self, period: int) -> None:
        super()._create(period)
        self.periods_since_minimum = 0

    def _compute(self, value: Decimal, us: int) -> Decimal:
        current = self._value
        if self._samples == 1 or value <= current:
            self.periods_since_minimum = 0
            return value
        if self.periods_since_minimum >= self._period - 1:
            newest_first = list(reversed(self._values))
            lowest = min(newest_first)
            self.periods_since_minimum = newest_first.index(lowest)
            return newest_first[self.periods_since_minimum]
        self.periods_since_minimum += 1
        return current

    def reset(self) -> None:
        self.periods_since_minimum = 0
        super().reset()


class MidPoint(Indicator):
    """Middle between highest and lowest value."""

    __slots__ = ("_maximum", "_minimum", "_period")
    PARAMETERS = (whole("period"),)
    NAME = "MIDPOINT({period})"

    def _create(self, period: int) -> None:
        self._period = period
        self._maximum = Maximum(period)
        self._minimum = Minimum(period)
        self._warm_up = period

    @property
    def is_ready(self) -> bool:
        return self._samples >= self._period

    def _next(self, value: Decimal, us: int) -> Decimal:
        self._maximum._push(us, value)
        self._minimum._push(us, value)
        return div(add(self._maximum._value, self._minimum._value), _TWO)

    def reset(self) -> None:
        self._maximum.reset()
        self._minimum.reset()
        super().reset()


class MidPrice(BarIndicator):
    """Middle between highest high and lowest low."""

    __slots__ = ("_maximum", "_minimum", "_period")
    PARAMETERS = (whole("period"),)
    NAME = "MIDPRICE({period})"

    def _create(self, period: int) -> None:
        self._period = period
        self._maximum = Maximum(period)
        self._minimum = Minimum(period)
        self._warm_up = period

    @property
    def is_ready(self) -> bool:
        return self._samples >= self._period

    def _next_bar(self, bar: Any) -> Decimal:
        self._maximum._push(YEAR_ONE_US, bar._high)
        self._minimum._push(YEAR_ONE_US, bar._low)
        return div(add(self._maximum._value, self._minimum._value), _TWO)

    def reset(self) -> None:
        self._maximum.reset()
        self._minimum.reset()
        super().reset()


class DonchianChannel(BarIndicator):
    """Highest high and lowest low; its value is the middle."""

    __slots__ = ("lower_band", "upper_band")
    PARAMETERS = (whole("upper_period"), whole("lower_period", None))
    NAME = "DCH({lower_period},{lower_period})"

    def __init__(self, *arguments: Any, **named: Any) -> None:
        if "period" in named:
            named["upper_period"] = named.pop("period")
        super().__init__(*arguments, **named)

    def _create(self, upper_period: int, lower_period: int | None) -> None:
        lower = upper_period if lower_period is None else lower_period
        if self.name == "DCH(,)":
            self.name = f"DCH({lower},{lower})"
        self.upper_band = Maximum(self.name + "_UpperBand", upper_period)
        self.lower_band = Minimum(self.name + "_LowerBand", lower)
        self._warm_up = max(upper_period, lower)

    @property
    def is_ready(self) -> bool:
        return self.upper_band.is_ready and self.lower_band.is_ready

    def _next_bar(self, bar: Any) -> Decimal:
        us = bar._end_us
        self.upper_band._push(us, bar._high)
        self.lower_band._push(us, bar._low)
        return div(add(self.upper_band._value, self.lower_band._value), _TWO)

    def reset(self) -> None:
        super().reset()
        self.upper_band.reset()
        self.lower_band.reset()


class WilliamsPercentR(BarIndicator):
    """How far the close is below the highest high, in per cent of the range, negative."""

    __slots__ = ("maximum", "minimum")
    PARAMETERS = (whole("period"),)
    NAME = "WILR({period})"

    def _create(self, period: int) -> None:
        self.maximum = Maximum(self.name + "_Max", period)
        self.minimum = Minimum(self.name + "_Min", period)
        self._warm_up = period

    @property
    def is_ready(self) -> bool:
        return self.maximum.is_ready and self.minimum.is_ready

    def _next_bar(self, bar: Any) -> Decimal:
        us = bar._end_us
        self.minimum._push(us, bar._low)
        self.maximum._push(us, bar._high)
        if not self.is_ready:
            return ZERO
        spread = sub(self.maximum._value, self.minimum._value)
        if spread == 0:
            return ZERO
        return div(mul(_MINUS_HUNDRED, sub(self.maximum._value, bar._close)), spread)

    def reset(self) -> None:
        self.maximum.reset()
        self.minimum.reset()
        super().reset()


class AroonOscillator(BarIndicator):
    """How long ago the highest high was against the lowest low."""

    __slots__ = ("_down_period", "_maximum", "_minimum", "_up_period", "aroon_down", "aroon_up")
    PARAMETERS = (whole("up_period"), whole("down_period"))
    NAME = "AROON({up_period},{down_period})"

    def _create(self, up_period: int, down_period: int) -> None:
        self._up_period = Decimal(up_period)
        self._down_period = Decimal(down_period)
        self._maximum = Maximum(self.name + "_Max", up_period + 1)
        self._minimum = Minimum(self.name + "_Min", down_period + 1)
        self.aroon_up = Derived(self.name + "_AroonUp", lambda: self._maximum.is_ready)
        self.aroon_down = Derived(self.name + "_AroonDown", lambda: self._minimum.is_ready)
        self._warm_up = 1 + max(up_period, down_period)

    @property
    def is_ready(self) -> bool:
        return self.aroon_up.is_ready and self.aroon_down.is_ready

    def _next_bar(self, bar: Any) -> Decimal:
        us = bar._end_us
        self._maximum._push(us, bar._high)
        up = self._up_period
        self.aroon_up._set(us, div(mul(HUNDRED, up - self._maximum.periods_since_maximum), up))
        self._minimum._push(us, bar._low)
        down = self._down_period
        self.aroon_down._set(us, div(mul(HUNDRED, down - self._minimum.periods_since_minimum), down))
        return sub(self.aroon_up._value, self.aroon_down._value)

    def reset(self) -> None:
        self.aroon_up.reset()
        self.aroon_down.reset()
        self._maximum.reset()
        self._minimum.reset()
        super().reset()


class IchimokuKinkoHyo(BarIndicator):
    """The Ichimoku cloud; its value is the close."""

    __slots__ = (
        "chikou",
        "delayed_kijun_senkou_a",
        "delayed_maximum_senkou_b",
        "delayed_minimum_senkou_b",
        "delayed_tenkan_senkou_a",
        "kijun",
        "kijun_maximum",
        "kijun_minimum",
        "senkou_a",
        "senkou_b",
        "senkou_b_maximum",
        "senkou_b_minimum",
        "tenkan",
        "tenkan_maximum",
        "tenkan_minimum",
    )
    PARAMETERS = (
        whole("tenkan_period", 9),
        whole("kijun_period", 26),
        whole("senkou_a_period", 26),
        whole("senkou_b_period", 52),
        whole("senkou_a_delay_period", 26),
        whole("senkou_b_delay_period", 26),
    )
    NAME = (
        "ICHIMOKU({tenkan_period},{kijun_period},{senkou_a_period},{senkou_b_period},{senkou_a_delay_period},"
        "{senkou_b_delay_period})"
    )

    def _create(
        self,
        tenkan_period: int,
        kijun_period: int,
        senkou_a_period: int,
        senkou_b_period: int,
        *,
        senkou_a_delay_period: int,
        senkou_b_delay_period: int,
    ) -> None:
        from harness.embedded.indicators.averages import Delay
        from harness.embedded.indicators.extensions import IndicatorExtensions as Combine
        from harness.embedded.indicators.extensions import chain

        name = self.name
        self._warm_up = max(
            tenkan_period + senkou_a_delay_period,
            kijun_period + senkou_a_delay_period,
            senkou_b_period + senkou_b_delay_period,
        )
        self.tenkan_maximum = Maximum(name + "_TenkanMax", tenkan_period)
        self.tenkan_minimum = Minimum(name + "_TenkanMin", tenkan_period)
        self.kijun_maximum = Maximum(name + "_KijunMax", kijun_period)
        self.kijun_minimum = Minimum(name + "_KijunMin", kijun_period)
        self.senkou_b_maximum = Maximum(name + "_SenkouBMaximum", senkou_b_period)
        self.senkou_b_minimum = Minimum(name + "_SenkouBMinimum", senkou_b_period)
        delay_a, delay_b = senkou_a_delay_period, senkou_b_delay_period
        self.delayed_maximum_senkou_b = chain(Delay(name + "DelayedMax", delay_b), self.senkou_b_maximum)
        self.delayed_minimum_senkou_b = chain(Delay(name + "DelayedMin", delay_b), self.senkou_b_minimum)
        self.tenkan = Combine.over(Combine.plus(self.tenkan_maximum, self.tenkan_minimum), 2)
        self.delayed_tenkan_senkou_a = chain(Delay(name + "DelayedTenkan", delay_a), self.tenkan)
        self.kijun = Combine.over(Combine.plus(self.kijun_maximum, self.kijun_minimum), 2)
        self.delayed_kijun_senkou_a = chain(Delay(name + "DelayedKijun", delay_a), self.kijun)
        self.senkou_a = Combine.over(Combine.plus(self.delayed_tenkan_senkou_a, self.delayed_kijun_senkou_a), 2)
        self.senkou_b = Combine.over(Combine.plus(self.delayed_maximum_senkou_b, self.delayed_minimum_senkou_b), 2)
        self.chikou = Delay(name + "_Chikou", delay_a)

    @property
    def is_ready(self) -> bool:
        return bool(self.tenkan.is_ready and self.kijun.is_ready and self.senkou_a.is_ready and self.senkou_b.is_ready)

    def _next_bar(self, bar: Any) -> Decimal:
        us, high, low, close = bar._end_us, bar._high, bar._low, bar._close
        self.tenkan_maximum._push(us, high)
        self.tenkan_minimum._push(us, low)
        self.kijun_maximum._push(us, high)
        self.kijun_minimum._push(us, low)
        self.senkou_b_maximum._push(us, high)
        self.senkou_b_minimum._push(us, low)
        self.chikou._push(us, close)
        return close  # type: ignore[no-any-return]

    def reset(self) -> None:
        super().reset()
        for part in (self.tenkan, self.kijun, self.senkou_a, self.senkou_b, self.chikou):
            part.reset()
        for delayed, source in (
            (self.delayed_tenkan_senkou_a, self.tenkan_maximum),
            (self.delayed_kijun_senkou_a, self.tenkan_minimum),
            (self.delayed_maximum_senkou_b, self.kijun_maximum),
            (self.delayed_minimum_senkou_b, self.kijun_minimum),
        ):
            delayed.reset()
            source.reset()
        self.senkou_b_maximum.reset()
        self.senkou_b_minimum.reset()
