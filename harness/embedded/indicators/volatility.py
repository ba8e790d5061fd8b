"""Ranges, deviations, and bands around an average.

Source of the rules: the class of the same name in Lean's ``Indicators`` folder.
"""

from __future__ import annotations

import math
from collections import deque
from decimal import Decimal
from typing import Any

from harness.embedded.clr import ONE, ZERO, add, decimal_from_double, div, mul, sub, to_float
from harness.embedded.enums import MovingAverageType
from harness.embedded.indicators.averages import ExponentialMovingAverage, SimpleMovingAverage, Sum, as_indicator
from harness.embedded.indicators.base import (
    HUNDRED,
    BarIndicator,
    Derived,
    Identity,
    Indicator,
    TradeBarIndicator,
    WindowIndicator,
    average,
    decimal,
    whole,
)
from harness.embedded.indicators.extensions import IndicatorExtensions
from harness.embedded.indicators.extremes import Maximum, Minimum

_TWO = Decimal(2)
_THREE = Decimal(3)
_MINUS_ONE = Decimal(-1)


def safe_division(numerator: Decimal, denominator: Decimal, fail_value: Decimal = ZERO) -> Decimal:
    """``numerator / denominator``, or a fallback for zero. Source: ``Extensions.SafeDivision``."""
    return fail_value if denominator == 0 else div(numerator, denominator)


class Variance(WindowIndicator):
    """Population variance of the last ``period`` values."""

    __slots__ = ("_counts", "_sum", "_sum_of_squares")
    NAME = "VAR({period})"

    def _create(self, period: int) -> None:
        super()._create(period)
        self._sum = self._sum_of_squares = ZERO
        self._counts = [Decimal(count) for count in range(period + 1)]

    def _variance(self, value: Decimal) -> Decimal:
        total = self._sum = add(self._sum, value)
        squares = self._sum_of_squares = add(self._sum_of_squares, mul(value, value))
        samples, period = self._samples, self._period
        if samples < 2:
            return ZERO
        count = self._counts[samples if samples < period else period]
        mean = div(total, count)
        mean_of_squares = div(squares, count)
        if samples >= period:
            oldest = self._values[0]
            self._sum = sub(total, oldest)
            self._sum_of_squares = sub(squares, mul(oldest, oldest))
        variance = sub(mean_of_squares, mul(mean, mean))
        return variance if variance > 0 else ZERO

    def _compute(self, value: Decimal, us: int) -> Decimal:
        return self._variance(value)

    def reset(self) -> None:
        self._sum = self._sum_of_squares = ZERO
        super().reset()


class StandardDeviation(Variance):
    """Population standard deviation of the last ``period`` values."""

    __slots__ = ()
    NAME = "STD({period})"

    def _compute(self, value: Decimal, us: int) -> Decimal:
        variance = self._variance(value)
        return decimal_from_double(math.sqrt(to_float(variance))) if variance else ZERO


class BollingerBands(Indicator):
    """An average, bands of ``k`` standard deviations around it, their width and the place of the price in them."""

    __slots__ = (
        *("_k", "band_width", "lower_band", "middle_band", "moving_average_type"),
        *("percent_b", "price", "standard_deviation", "upper_band"),
    )
    PARAMETERS = (whole("period"), decimal("k"), average(MovingAverageType.SIMPLE))
    NAME = "BB({period},{k})"

    def _create(self, period: int, k: Decimal, moving_average_type: MovingAverageType) -> None:
        name = self.name
        self._k = k
        self.moving_average_type = moving_average_type
        self.standard_deviation = StandardDeviation(name + "_StandardDeviation", period)
        self.middle_band = as_indicator(moving_average_type, period, name + "_MiddleBand")
        self.lower_band = Derived(name + "_LowerBand", self._bands_ready)
        self.upper_band = Derived(name + "_UpperBand", self._bands_ready)
        self.band_width = Derived(name + "_BandWidth", self._bands_ready)
        self.price = Identity(name + "_Close")
        self.percent_b = Derived(name + "_%B", lambda: self.price.is_ready and self._bands_ready())
        self._warm_up = period

    def _bands_ready(self) -> bool:
        return bool(self.middle_band.is_ready and self.standard_deviation.is_ready)

    @property
    def is_ready(self) -> bool:
        return self._bands_ready()

    def _next(self, value: Decimal, us: int) -> Decimal | None:
        # Lean chains composite indicators here; each is due exactly once an update, in this order.
        deviation, middle_band = self.standard_deviation, self.middle_band
        deviation._push(us, value)
        middle_band._push(us, value)
        middle = middle_band._value
        distance = mul(deviation._value, self._k)
        lower = sub(middle, distance)
        upper = add(middle, distance)
        width = sub(upper, lower)
        self.lower_band._set(us, lower)
        self.upper_band._set(us, upper)
        if middle != 0:
            self.band_width._set(us, mul(div(width, middle), HUNDRED))
        self.price._push(us, value)
        if width != 0:
            self.percent_b._set(us, div(sub(value, lower), width))
        # The bands collapse and %B stays as it was: Lean calls that an error and shows no new value.
        return None if deviation._value == 0 and self._bands_ready() else value

    def reset(self) -> None:
        for part in (
            *(self.standard_deviation, self.middle_band, self.upper_band, self.lower_band),
            *(self.band_width, self.percent_b, self.price),
        ):
            part.reset()
        super().reset()


class TrueRange(BarIndicator):
    """Range of the bar including the gap from the last close."""

    __slots__ = ("_close",)
    NAME = "TR"

    def _create(self) -> None:
        self._close = ZERO
        self._warm_up = 2

    @property
    def is_ready(self) -> bool:
        return self._samples > 1

    def _next_bar(self, bar: Any) -> Decimal:
        high, low = bar._high, bar._low
        greatest = sub(high, low)
        if self._samples > 1:
            close = self._close
            up = sub(close, high).copy_abs()
            greatest = max(greatest, up)
            down = sub(close, low).copy_abs()
            greatest = max(greatest, down)
        self._close = bar._close
        return greatest


class AverageTrueRange(BarIndicator):
    """Smoothed true range."""

    __slots__ = ("_smoother", "true_range")
    PARAMETERS = (whole("period"), average(MovingAverageType.WILDERS))
    NAME = "ATR({period})"

    def _create(self, period: int, moving_average_type: MovingAverageType) -> None:
        self.true_range = TrueRange(self.name)
        self._smoother = as_indicator(moving_average_type, period, f"{self.name}_{moving_average_type.lean_name}")
        self._warm_up = period

    @property
    def is_ready(self) -> bool:
        return bool(self._smoother.is_ready)

    def _next_bar(self, bar: Any) -> Decimal:
        true_range, smoother = self.true_range, self._smoother
        true_range._push_bar(bar)
        smoother._push(bar._end_us, true_range._value)
        return smoother._value  # type: ignore[no-any-return]

    def reset(self) -> None:
        self._smoother.reset()
        self.true_range.reset()
        super().reset()


class NormalizedAverageTrueRange(BarIndicator):
    """Average true range in per cent of the close."""

    __slots__ = ("_atr", "_last", "_period", "_true_range")
    PARAMETERS = (whole("period"),)
    NAME = "NATR({period})"

    def _create(self, period: int) -> None:
        self._period = period
        self._true_range = TrueRange(self.name + "_TR")
        self._atr = AverageTrueRange(self.name + "_ATR", period, MovingAverageType.SIMPLE)
        self._last = ZERO
        self._warm_up = period + 1

    @property
    def is_ready(self) -> bool:
        return self._samples > self._period

    def _next_bar(self, bar: Any) -> Decimal:
        self._true_range._push_bar(bar)
        close = bar._close
        if not self.is_ready:
            self._atr._push_bar(bar)
            return mul(div(self._atr._value, close), HUNDRED) if close != 0 else ZERO
        if self._samples == self._period + 1:
            self._atr._push_bar(bar)
            self._last = self._atr._value
        else:
            weighted = add(mul(self._last, Decimal(self._period - 1)), self._true_range._value)
            self._last = div(weighted, Decimal(self._period))
        return mul(div(self._last, close), HUNDRED) if close != 0 else ZERO

    def reset(self) -> None:
        self._true_range.reset()
        self._atr.reset()
        super().reset()


class AverageRange(BarIndicator):
    """Mean of high less low."""

    __slots__ = ("_sma",)
    PARAMETERS = (whole("period"),)
    NAME = "AR({period})"

    def _create(self, period: int) -> None:
        self._sma = SimpleMovingAverage(self.name + "_SMA", period)
        self._warm_up = period

    @property
    def is_ready(self) -> bool:
        return self._sma.is_ready

    def _next_bar(self, bar: Any) -> Decimal:
        self._sma._push(bar._end_us, sub(bar._high, bar._low))
        return self._sma._value

    def reset(self) -> None:
        self._sma.reset()
        super().reset()


class KeltnerChannels(BarIndicator):
    """An average of the typical price and bands of ``k`` average true ranges around it."""

    __slots__ = ("_k", "average_true_range", "lower_band", "middle_band", "upper_band")
    PARAMETERS = (whole("period"), decimal("k"), average(MovingAverageType.SIMPLE))
    NAME = "KC({period},{k})"

    def _create(self, period: int, k: Decimal, moving_average_type: MovingAverageType) -> None:
        name = self.name
        self._k = k
        self.average_true_range = AverageTrueRange(name + "_AverageTrueRange", period, MovingAverageType.SIMPLE)
        self.middle_band = as_indicator(moving_average_type, period, name + "_MiddleBand")
        self.lower_band = Derived(name + "_LowerBand", lambda: bool(self.middle_band.is_ready))
        self.upper_band = Derived(name + "_UpperBand", lambda: bool(self.middle_band.is_ready))
        self._warm_up = period

    @property
    def is_ready(self) -> bool:
        return bool(self.middle_band.is_ready and self.average_true_range.is_ready)

    def _next_bar(self, bar: Any) -> Decimal:
        us = bar._end_us
        self.average_true_range._push_bar(bar)
        self.middle_band._push(us, div(add(add(bar._high, bar._low), bar._close), _THREE))
        ready, middle = self.middle_band.is_ready, self.middle_band._value
        distance = mul(self.average_true_range._value, self._k)
        self.lower_band._set(us, sub(middle, distance) if ready else ZERO)
        self.upper_band._set(us, add(middle, distance) if ready else ZERO)
        return middle  # type: ignore[no-any-return]

    def reset(self) -> None:
        self.average_true_range.reset()
        self.middle_band.reset()
        self.upper_band.reset()
        self.lower_band.reset()
        super().reset()


class AccelerationBands(BarIndicator):
    """Averages of the high and low widened by the relative range."""

    __slots__ = ("_width", "lower_band", "middle_band", "moving_average_type", "upper_band")
    PARAMETERS = (whole("period"), decimal("width", "4"), average(MovingAverageType.SIMPLE))
    NAME = "ABANDS({period},{width},{moving_average_type})"

    def _create(self, period: int, width: Decimal, moving_average_type: MovingAverageType) -> None:
        self._width = width
        self.moving_average_type = moving_average_type
        self.middle_band = as_indicator(moving_average_type, period, self.name + "_MiddleBand")
        self.lower_band = as_indicator(moving_average_type, period, self.name + "_LowerBand")
        self.upper_band = as_indicator(moving_average_type, period, self.name + "_UpperBand")
        self._warm_up = period

    @property
    def is_ready(self) -> bool:
        return bool(self.middle_band.is_ready and self.lower_band.is_ready and self.upper_band.is_ready)

    def _next_bar(self, bar: Any) -> Decimal:
        us, high, low = bar._end_us, bar._high, bar._low
        coefficient = mul(self._width, safe_division(sub(high, low), add(high, low)))
        self.lower_band._push(us, mul(low, sub(ONE, coefficient)))
        self.upper_band._push(us, mul(high, add(ONE, coefficient)))
        self.middle_band._push(us, bar._close)
        return self.middle_band._value  # type: ignore[no-any-return]

    def reset(self) -> None:
        super().reset()
        self.middle_band.reset()
        self.lower_band.reset()
        self.upper_band.reset()


class SuperTrend(BarIndicator):
    """A trailing band that changes sides with the trend."""

    __slots__ = (
        *("_atr", "_basic_lower", "_basic_upper", "_last_close", "_last_lower", "_last_super", "_last_upper"),
        *("_lower", "_multiplier", "_super", "_upper"),
    )
    PARAMETERS = (whole("period"), decimal("multiplier"), average(MovingAverageType.WILDERS))
    NAME = "SuperTrend({period},{multiplier})"

    def _create(self, period: int, multiplier: Decimal, moving_average_type: MovingAverageType) -> None:
        self._atr = AverageTrueRange(period, moving_average_type)
        self._multiplier = multiplier
        self._basic_lower = self._basic_upper = self._lower = self._upper = ZERO
        self._super = ZERO
        self._clear()
        self._warm_up = period

    def _clear(self) -> None:
        self._last_lower = self._last_upper = self._last_close = ZERO
        self._last_super = _MINUS_ONE

    @property
    def is_ready(self) -> bool:
        return self._atr.is_ready

    @property
    def basic_upper_band(self) -> float:
        return to_float(self._basic_upper)

    @property
    def basic_lower_band(self) -> float:
        return to_float(self._basic_lower)

    @property
    def current_trailing_upper_band(self) -> float:
        return to_float(self._upper)

    @property
    def current_trailing_lower_band(self) -> float:
        return to_float(self._lower)

    def _next_bar(self, bar: Any) -> Decimal:
        self._atr._push_bar(bar)
        close = bar._close
        if not self._atr.is_ready:
            self._last_close = close
            return ZERO
        middle = div(add(bar._high, bar._low), _TWO)
        distance = mul(self._multiplier, self._atr._value)
        basic_lower = self._basic_lower = sub(middle, distance)
        basic_upper = self._basic_upper = add(middle, distance)
        last_lower, last_upper, last_close = self._last_lower, self._last_upper, self._last_close
        lower = basic_lower if basic_lower > last_lower or last_close < last_lower else last_lower
        upper = basic_upper if basic_upper < last_upper or last_close > last_upper else last_upper
        if self._last_super in (_MINUS_ONE, last_upper):
            self._super = upper if close <= upper else lower
        elif self._last_super == last_lower:
            self._super = lower if close >= lower else upper
        self._lower, self._upper = lower, upper
        self._last_close = close
        self._last_super = self._super
        self._last_lower, self._last_upper = lower, upper
        return self._super

    def reset(self) -> None:
        self._atr.reset()
        self._clear()
        super().reset()


class ChandeKrollStop(BarIndicator):
    """Stops some average true ranges from the extremes; its value is the close."""

    __slots__ = ("_atr", "_maximum", "_minimum", "_multiplier", "long_stop", "short_stop")
    PARAMETERS = (whole("atr_period"), decimal("atr_mult"), whole("period"), average(MovingAverageType.WILDERS))
    NAME = "CKS({atr_period},{atr_mult},{period})"

    def _create(self, atr_period: int, atr_mult: Decimal, period: int, moving_average_type: MovingAverageType) -> None:
        self._atr = AverageTrueRange(atr_period, moving_average_type)
        self._multiplier = atr_mult
        self._maximum = Maximum(atr_period)
        self._minimum = Minimum(atr_period)
        self.long_stop = Minimum(self.name + "_Long", period)
        self.short_stop = Maximum(self.name + "_Short", period)
        self._warm_up = atr_period + period - 1

    @property
    def is_ready(self) -> bool:
        return self._samples >= self.warm_up_period

    def _next_bar(self, bar: Any) -> Decimal:
        us = bar._end_us
        self._atr._push_bar(bar)
        distance = mul(self._atr._value, self._multiplier)
        self._maximum._push(us, bar._high)
        self._minimum._push(us, bar._low)
        self.short_stop._push(us, sub(self._maximum._value, distance))
        self.long_stop._push(us, add(self._minimum._value, distance))
        return bar._value  # type: ignore[no-any-return]

    def reset(self) -> None:
        super().reset()
        for part in (self._atr, self._maximum, self._minimum, self.short_stop, self.long_stop):
            part.reset()


class ChoppinessIndex(BarIndicator):
    """How much the price moved to and fro against how far it came, from 0 to 100."""

    __slots__ = ("_highs", "_lows", "_period", "_ranges", "_true_range")
    PARAMETERS = (whole("period"),)
    NAME = "CHOP({period})"

    def _create(self, period: int) -> None:
        self._period = period
        self._true_range = TrueRange()
        self._ranges: deque[Decimal] = deque(maxlen=period)
        self._highs: deque[Decimal] = deque(maxlen=period)
        self._lows: deque[Decimal] = deque(maxlen=period)
        self._warm_up = period

    @property
    def is_ready(self) -> bool:
        return self._samples >= self._period

    def _next_bar(self, bar: Any) -> Decimal:
        high, low = bar._high, bar._low
        self._true_range._push_bar(bar)
        self._highs.append(high)
        self._lows.append(low)
        self._ranges.append(self._true_range._value if self._true_range.is_ready else sub(high, low))
        if not self.is_ready:
            return ZERO
        spread = sub(max(self._highs), min(self._lows))
        if spread == 0:
            return HUNDRED
        total = ZERO
        for item in reversed(self._ranges):
            total = add(total, item)
        return decimal_from_double(
            100.0 * math.log10(to_float(total) / to_float(spread)) / math.log10(float(self._period))
        )

    def reset(self) -> None:
        self._true_range.reset()
        self._ranges.clear()
        self._highs.clear()
        self._lows.clear()
        super().reset()


class MassIndex(TradeBarIndicator):
    """Sum of a smoothed range over its own average."""

    __slots__ = ("_ema1", "_ema2", "_sum")
    PARAMETERS = (whole("ema_period", 9), whole("sum_period", 25))
    NAME = "MASS({ema_period},{sum_period})"

    def _create(self, ema_period: int, sum_period: int) -> None:
        self._ema1 = ExponentialMovingAverage(ema_period)
        self._ema2 = IndicatorExtensions.ema(self._ema1, ema_period)
        self._sum = Sum(sum_period)
        self._warm_up = 2 * (ema_period - 1) + sum_period

    @property
    def is_ready(self) -> bool:
        return self._sum.is_ready

    def _next_bar(self, bar: Any) -> Decimal:
        us = bar._end_us
        self._ema1._push(us, sub(bar._high, bar._low))
        if self._ema2.is_ready:
            self._sum._push(us, safe_division(self._ema1._value, self._ema2._value))
        return self._sum._value if self._sum.is_ready else Decimal(self._sum.period)

    def reset(self) -> None:
        super().reset()
        self._ema1.reset()
        self._ema2.reset()
        self._sum.reset()


class RogersSatchellVolatility(BarIndicator):
    """Volatility from open, high, low and close."""

    __slots__ = ("_period", "_sum")
    PARAMETERS = (whole("period"),)
    NAME = "RSV({period})"

    def _create(self, period: int) -> None:
        self._period = period
        self._sum = Sum(self.name + "_Sum", period)
        self._warm_up = period

    @property
    def is_ready(self) -> bool:
        return self._samples >= self._period

    def _next_bar(self, bar: Any) -> Decimal:
        opening, high, low, close = (to_float(value) for value in (bar._open, bar._high, bar._low, bar._close))
        if 0 in (opening, high, low, close):
            return ZERO
        term = math.log(high / close) * math.log(high / opening) + math.log(low / close) * math.log(low / opening)
        self._sum._push(bar._end_us, decimal_from_double(term))
        if not self.is_ready:
            return ZERO
        return decimal_from_double(math.sqrt(to_float(self._sum._value) / self._period))

    def reset(self) -> None:
        self._sum.reset()
        super().reset()
