"""Indicators of traded volume.

Source of the rules: the class of the same name in Lean's ``Indicators`` folder.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from harness.embedded.clr import ZERO, add, div, mul, sub, to_float
from harness.embedded.data import TradeBar
from harness.embedded.enums import MovingAverageType
from harness.embedded.indicators.averages import ExponentialMovingAverage, SimpleMovingAverage, Sum, as_indicator
from harness.embedded.indicators.base import (
    HUNDRED,
    BarIndicator,
    IndicatorBase,
    Input,
    TradeBarIndicator,
    average,
    whole,
)

_TWO = Decimal(2)
_THREE = Decimal(3)
_FOUR = Decimal(4)
_DAY_US = 86_400_000_000


class OnBalanceVolume(TradeBarIndicator):
    """Volume of rising bars less volume of falling bars."""

    __slots__ = ("_last",)
    NAME = "OBV"

    def _create(self) -> None:
        self._last: Decimal | None = None
        self._warm_up = 1

    @property
    def is_ready(self) -> bool:
        return self._samples > 0

    def _next_bar(self, bar: Any) -> Decimal:
        value, last = self._value, self._last
        if last is None:
            value = bar._volume
        elif bar._value > last:
            value = add(value, bar._volume)
        elif bar._value < last:
            value = sub(value, bar._volume)
        self._last = bar._value
        return value

    def reset(self) -> None:
        self._last = None
        super().reset()


class SmoothedOnBalanceVolume(BarIndicator):
    """Average of the on-balance volume."""

    __slots__ = ("_smoother", "on_balance_volume")
    PARAMETERS = (whole("period"), average(MovingAverageType.SIMPLE))
    NAME = "SOBV({period})"

    def _create(self, period: int, moving_average_type: MovingAverageType) -> None:
        self.on_balance_volume = OnBalanceVolume()
        self._smoother = as_indicator(moving_average_type, period, f"{self.name}_{moving_average_type.lean_name}")
        self._warm_up = period

    @property
    def is_ready(self) -> bool:
        return bool(self._smoother.is_ready)

    def _next_bar(self, bar: Any) -> Decimal:
        self.on_balance_volume._update_data(bar)
        self._smoother._push(bar._end_us, self.on_balance_volume._value)
        return self._smoother._value if self._smoother.is_ready else ZERO

    def reset(self) -> None:
        self._smoother.reset()
        self.on_balance_volume.reset()
        super().reset()


class AccumulationDistribution(TradeBarIndicator):
    """Running sum of volume weighted by the place of the close in the bar."""

    __slots__ = ()
    NAME = "AD"

    def _create(self) -> None:
        self._warm_up = 1

    @property
    def is_ready(self) -> bool:
        return self._samples > 0

    def _next_bar(self, bar: Any) -> Decimal:
        high, low, close = bar._high, bar._low, bar._close
        spread = sub(high, low)
        if spread <= 0:
            return add(self._value, ZERO)
        place = div(sub(sub(close, low), sub(high, close)), spread)
        return add(self._value, mul(place, bar._volume))


class AccumulationDistributionOscillator(TradeBarIndicator):
    """A fast less a slow average of accumulation/distribution."""

    __slots__ = ("_ad", "_fast", "_period", "_slow")
    PARAMETERS = (whole("fast_period"), whole("slow_period"))
    NAME = "ADOSC({fast_period},{slow_period})"

    def _create(self, fast_period: int, slow_period: int) -> None:
        self._period = max(fast_period, slow_period)
        self._ad = AccumulationDistribution(self.name + "_AD")
        self._fast = ExponentialMovingAverage(self.name + "_Fast", fast_period)
        self._slow = ExponentialMovingAverage(self.name + "_Slow", slow_period)
        self._warm_up = self._period

    @property
    def is_ready(self) -> bool:
        return self._samples >= self._period

    def _next_bar(self, bar: Any) -> Decimal:
        us = bar._end_us
        self._ad._push_bar(bar)
        self._fast._push(us, self._ad._value)
        self._slow._push(us, self._ad._value)
        return sub(self._fast._value, self._slow._value) if self.is_ready else ZERO

    def reset(self) -> None:
        self._ad.reset()
        self._fast.reset()
        self._slow.reset()
        super().reset()


class ChaikinOscillator(AccumulationDistributionOscillator):
    """A fast less a slow average of accumulation/distribution."""

    __slots__ = ()
    NAME = "ChaikinOscillator({fast_period},{slow_period})"


class ChaikinMoneyFlow(TradeBarIndicator):
    """Accumulation/distribution of a period over its volume."""

    __slots__ = ("_flow", "_volume")
    PARAMETERS = (whole("period"),)
    NAME = "CMF({period})"

    def _create(self, period: int) -> None:
        self._flow = Sum(period)
        self._volume = Sum(period)
        self._warm_up = period

    @property
    def is_ready(self) -> bool:
        return self._flow.is_ready

    def _next_bar(self, bar: Any) -> Decimal:
        us, high, low, close, volume = bar._end_us, bar._high, bar._low, bar._close, bar._volume
        spread = sub(high, low)
        flow = ZERO
        if spread > 0:
            flow = div(mul(volume, sub(sub(close, low), sub(high, close))), spread)
        self._flow._push(us, flow)
        self._volume._push(us, volume)
        if not self._flow.is_ready or self._volume._value == 0:
            return ZERO
        return div(self._flow._value, self._volume._value)

    def reset(self) -> None:
        self._volume.reset()
        self._flow.reset()
        super().reset()


class MoneyFlowIndex(TradeBarIndicator):
    """Money flow of rising bars in per cent of all."""

    __slots__ = ("_last", "negative_money_flow", "positive_money_flow")
    PARAMETERS = (whole("period"),)
    NAME = "MFI({period})"

    def _create(self, period: int) -> None:
        self._last = ZERO
        self.positive_money_flow = Sum(self.name + "_PositiveMoneyFlow", period)
        self.negative_money_flow = Sum(self.name + "_NegativeMoneyFlow", period)
        self._warm_up = period

    @property
    def is_ready(self) -> bool:
        return self.positive_money_flow.is_ready and self.negative_money_flow.is_ready

    @property
    def previous_typical_price(self) -> float:
        return to_float(self._last)

    def _next_bar(self, bar: Any) -> Decimal:
        us = bar._end_us
        price = div(add(add(bar._high, bar._low), bar._close), Decimal("3.0"))
        flow = mul(price, bar._volume)
        self.positive_money_flow._push(us, flow if price > self._last else ZERO)
        self.negative_money_flow._push(us, flow if price < self._last else ZERO)
        self._last = price
        total = add(self.positive_money_flow._value, self.negative_money_flow._value)
        return HUNDRED if total == 0 else div(mul(HUNDRED, self.positive_money_flow._value), total)

    def reset(self) -> None:
        self._last = ZERO
        self.positive_money_flow.reset()
        self.negative_money_flow.reset()
        super().reset()


class VolumeWeightedAveragePriceIndicator(TradeBarIndicator):
    """Mean price of the last ``period`` bars, weighted by volume."""

    __slots__ = ("_vwap", "_weighted", "_weights")
    PARAMETERS = (whole("period"),)
    NAME = "VWAP({period})"

    def _create(self, period: int) -> None:
        self._weighted = Sum("Sum_xy", period)
        self._weights = Sum("Sum_y", period)
        self._vwap = ZERO
        self._warm_up = period

    @property
    def is_ready(self) -> bool:
        return self._weighted.is_ready and self._weights.is_ready

    def _next_bar(self, bar: Any) -> Decimal:
        us, volume = bar._end_us, bar._volume
        price = div(add(add(add(bar._open, bar._high), bar._low), bar._value), _FOUR)
        self._weighted._push(us, mul(volume, price))
        self._weights._push(us, volume)
        if self._weights._value != 0:
            self._vwap = div(self._weighted._value, self._weights._value)
        return self._vwap

    def reset(self) -> None:
        self._weighted.reset()
        self._weights.reset()
        self._vwap = ZERO
        super().reset()


class IntradayVwap(IndicatorBase):
    """Volume-weighted mean price since the start of the day; filled-forward bars do not count."""

    __slots__ = ("_day", "_volume", "_weighted")
    INPUT = Input.DATA
    NAME = "VWAP"

    def _create(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self._day: int | None = None
        self._volume = self._weighted = ZERO

    @property
    def is_ready(self) -> bool:
        return self._volume > 0

    def _next_bar(self, bar: Any) -> Decimal | None:
        if bar.is_fill_forward or not isinstance(bar, TradeBar):
            return None
        volume = bar._volume
        price = div(add(add(bar._high, bar._low), bar._close), _THREE)
        day = bar._end_us // _DAY_US
        if day != self._day:
            self._volume = self._weighted = ZERO
            self._day = day
        self._volume = add(self._volume, volume)
        self._weighted = add(self._weighted, mul(price, volume))
        return bar._value if self._volume == 0 else div(self._weighted, self._volume)

    def reset(self) -> None:
        self._clear()
        super().reset()


class VolumeWeightedMovingAverage(TradeBarIndicator):
    """Mean close of the last ``period`` bars, weighted by volume."""

    __slots__ = ("_volume", "_weighted")
    PARAMETERS = (whole("period"),)
    NAME = "VWMA({period})"

    def _create(self, period: int) -> None:
        self._weighted = Sum(self.name + "_SumPxV", period)
        self._volume = Sum(self.name + "_SumVolume", period)
        self._warm_up = period

    @property
    def is_ready(self) -> bool:
        return self._weighted.is_ready and self._volume.is_ready

    def _next_bar(self, bar: Any) -> Decimal:
        us = bar._end_us
        self._weighted._push(us, mul(bar._close, bar._volume))
        self._volume._push(us, bar._volume)
        if self._volume._value != 0:
            return div(self._weighted._value, self._volume._value)
        return bar._close  # type: ignore[no-any-return]

    def reset(self) -> None:
        self._weighted.reset()
        self._volume.reset()
        super().reset()


class ForceIndex(TradeBarIndicator):
    """Average of the change times the volume."""

    __slots__ = ("_close", "_smoother")
    PARAMETERS = (whole("period"), average(MovingAverageType.EXPONENTIAL))
    NAME = "FI({period})"

    def _create(self, period: int, moving_average_type: MovingAverageType) -> None:
        self._smoother = as_indicator(moving_average_type, period, f"{self.name}_{moving_average_type.lean_name}")
        self._close = ZERO
        self._warm_up = period + 1

    @property
    def is_ready(self) -> bool:
        return bool(self._smoother.is_ready)

    def _next_bar(self, bar: Any) -> Decimal:
        close, last = bar._close, self._close
        self._close = close
        if self._samples < 2:
            return ZERO
        self._smoother._push(bar._end_us, mul(sub(close, last), bar._volume))
        return self._smoother._value  # type: ignore[no-any-return]

    def reset(self) -> None:
        self._smoother.reset()
        super().reset()


class EaseOfMovementValue(TradeBarIndicator):
    """How far the middle price moves per volume."""

    __slots__ = ("_high", "_low", "_scale", "_sma")
    PARAMETERS = (whole("period", 1), whole("scale", 10000))
    NAME = "EMV({period}, {scale})"

    def _create(self, period: int, scale: int) -> None:
        self._sma = SimpleMovingAverage(period)
        self._scale = Decimal(scale)
        self._high = self._low = ZERO
        self._warm_up = period

    @property
    def is_ready(self) -> bool:
        return self._sma.is_ready

    def _next_bar(self, bar: Any) -> Decimal:
        high, low, us = bar._high, bar._low, bar._end_us
        if self._high == 0 and self._low == 0:
            self._high, self._low = high, low
        if bar._volume == 0 or high == low:
            self._sma._push(us, ZERO)
            return self._sma._value
        middle = sub(div(add(high, low), _TWO), div(add(self._high, self._low), _TWO))
        ratio = div(div(bar._volume, self._scale), sub(high, low))
        self._high, self._low = high, low
        self._sma._push(us, div(middle, ratio))
        return self._sma._value

    def reset(self) -> None:
        self._sma.reset()
        self._high = self._low = ZERO
        super().reset()
