"""Changes of a value over a period, and oscillators made of them.

Source of the rules: the class of the same name in Lean's ``Indicators`` folder.
"""

from __future__ import annotations

import math
from collections import deque
from decimal import Decimal
from typing import Any, ClassVar

from harness.embedded.clr import ONE, ZERO, add, decimal_from_double, div, mul, round_half_even, sub, to_float
from harness.embedded.enums import MovingAverageType
from harness.embedded.indicators.averages import (
    Delay,
    ExponentialMovingAverage,
    LinearWeightedMovingAverage,
    SimpleMovingAverage,
    Sum,
    as_indicator,
)
from harness.embedded.indicators.base import (
    HUNDRED,
    BarIndicator,
    Derived,
    Identity,
    Indicator,
    Parameter,
    WindowIndicator,
    average,
    whole,
)
from harness.embedded.indicators.extensions import IndicatorExtensions, chain
from harness.embedded.indicators.extremes import Maximum, Minimum

_TWO = Decimal(2)
_THREE = Decimal(3)
_FOUR = Decimal(4)
_POINT_015 = Decimal("0.015")


class Momentum(WindowIndicator):
    """Change over ``period`` inputs."""

    __slots__ = ()
    NAME = "MOM({period})"

    def _create(self, period: int) -> None:
        super()._create(period)
        self._warm_up = period + 1

    @property
    def is_ready(self) -> bool:
        return self._samples > self._period

    def _compute(self, value: Decimal, us: int) -> Decimal:
        return sub(value, self._values[0] if self._removed is None else self._removed)


class RateOfChange(WindowIndicator):
    """Relative change over ``period`` inputs."""

    __slots__ = ()
    NAME = "ROC({period})"

    def _create(self, period: int) -> None:
        super()._create(period)
        self._warm_up = period + 1

    @property
    def is_ready(self) -> bool:
        return self._samples > self._period

    def _change(self, value: Decimal) -> Decimal:
        before = self._values[0] if self._removed is None else self._removed
        return ZERO if before == 0 else div(sub(value, before), before)

    def _compute(self, value: Decimal, us: int) -> Decimal:
        return self._change(value)


class RateOfChangePercent(RateOfChange):
    """Relative change in per cent."""

    __slots__ = ()
    NAME = "ROCP({period})"

    def _compute(self, value: Decimal, us: int) -> Decimal:
        return mul(HUNDRED, self._change(value))


class MomentumPercent(RateOfChangePercent):
    """Relative change in per cent."""

    __slots__ = ()
    NAME = "MOMP({period})"


class RateOfChangeRatio(RateOfChange):
    """The value over the one ``period`` inputs ago."""

    __slots__ = ()
    NAME = "ROCR({period})"

    def _compute(self, value: Decimal, us: int) -> Decimal:
        change = self._change(value)
        return add(change, ONE) if change != 0 else ZERO


class LogReturn(WindowIndicator):
    """Natural logarithm of the value over the one ``period`` inputs ago."""

    __slots__ = ()
    NAME = "LOGR({period})"

    def _compute(self, value: Decimal, us: int) -> Decimal:
        before = self._values[0] if self._removed is None else self._removed
        ratio = to_float(div(value, before)) if before != 0 else 0.0
        if ratio == 0:
            return ZERO
        if ratio < 0:
            raise ValueError("It is not possible to cast a non-finite floating-point value (NaN) as decimal.")
        return decimal_from_double(math.log(ratio))


class RelativeStrengthIndex(Indicator):
    """Average gain against average loss, from 0 to 100."""

    __slots__ = ("_last", "average_gain", "average_loss", "moving_average_type")
    PARAMETERS = (whole("period"), average(MovingAverageType.WILDERS))
    NAME = "RSI({period})"

    def _create(self, period: int, moving_average_type: MovingAverageType) -> None:
        self.moving_average_type = moving_average_type
        self.average_gain = as_indicator(moving_average_type, period, self.name + "Up")
        self.average_loss = as_indicator(moving_average_type, period, self.name + "Down")
        self._last: Decimal | None = None
        self._warm_up = period + 1

    @property
    def is_ready(self) -> bool:
        return bool(self.average_gain.is_ready and self.average_loss.is_ready)

    def _next(self, value: Decimal, us: int) -> Decimal:
        last = self._last
        gain, loss = self.average_gain, self.average_loss
        if last is not None:
            if value >= last:
                gain._push(us, sub(value, last))
                loss._push(us, ZERO)
            else:
                gain._push(us, ZERO)
                loss._push(us, sub(last, value))
        self._last = value
        average_loss = loss._value if loss._value >= 0 else ZERO
        average_gain = gain._value if gain._value >= 0 else ZERO
        if round_half_even(average_loss, 10) == 0:
            return HUNDRED
        strength = div(average_gain, average_loss)
        return sub(HUNDRED, div(HUNDRED, add(ONE, strength)))

    def reset(self) -> None:
        self._last = None
        self.average_gain.reset()
        self.average_loss.reset()
        super().reset()


class MovingAverageConvergenceDivergence(Indicator):
    """A fast average less a slow one, with a signal line and their distance."""

    __slots__ = ("fast", "histogram", "signal", "slow")
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (
        whole("fast_period"),
        whole("slow_period"),
        whole("signal_period"),
        average(MovingAverageType.EXPONENTIAL, "type"),
    )
    NAME = "MACD({fast_period},{slow_period},{signal_period})"

    def _create(self, fast_period: int, slow_period: int, signal_period: int, type: MovingAverageType) -> None:
        if fast_period >= slow_period:
            raise ValueError(
                "MovingAverageConvergenceDivergence: fastPeriod must be less than slowPeriod "
                "(Parameter 'fastPeriod, slowPeriod')"
            )
        self.fast = as_indicator(type, fast_period, self.name + "_Fast")
        self.slow = as_indicator(type, slow_period, self.name + "_Slow")
        self.signal = as_indicator(type, signal_period, self.name + "_Signal")
        self.histogram = Identity(self.name + "_Histogram")
        self._warm_up = slow_period + signal_period - 1

    @property
    def is_ready(self) -> bool:
        return bool(self.signal.is_ready)

    def _next(self, value: Decimal, us: int) -> Decimal:
        fast, slow, signal = self.fast, self.slow, self.signal
        fast._push(us, value)
        slow._push(us, value)
        difference = sub(fast._value, slow._value)
        if fast.is_ready and slow.is_ready:
            signal._push(us, difference)
            if signal.is_ready:
                self.histogram._push(us, sub(difference, signal._value))
        return difference

    def reset(self) -> None:
        self.fast.reset()
        self.slow.reset()
        self.signal.reset()
        self.histogram.reset()
        super().reset()


class AbsolutePriceOscillator(MovingAverageConvergenceDivergence):
    """A fast average less a slow one."""

    __slots__ = ()
    PARAMETERS = (whole("fast_period"), whole("slow_period"), average(MovingAverageType.SIMPLE))
    NAME = "APO({fast_period},{slow_period})"

    def _create(  # type: ignore[override]
        self, fast_period: int, slow_period: int, moving_average_type: MovingAverageType
    ) -> None:
        super()._create(fast_period, slow_period, slow_period, moving_average_type)


class PercentagePriceOscillator(AbsolutePriceOscillator):
    """A fast average less a slow one, in per cent of the slow one."""

    __slots__ = ()
    NAME = "PPO({fast_period},{slow_period})"

    def _next(self, value: Decimal, us: int) -> Decimal:
        difference = super()._next(value, us)
        return div(mul(HUNDRED, difference), self.slow._value) if self.slow._value != 0 else ZERO


class Trix(Indicator):
    """Relative change of a triple exponential average, in per cent."""

    __slots__ = ("_ema1", "_ema2", "_ema3", "_roc")
    PARAMETERS = (whole("period"),)
    NAME = "TRIX({period})"

    def _create(self, period: int) -> None:
        self._ema1 = ExponentialMovingAverage(self.name + "_1", period)
        self._ema2 = ExponentialMovingAverage(self.name + "_2", period)
        self._ema3 = ExponentialMovingAverage(self.name + "_3", period)
        self._roc = RateOfChangePercent(self.name + "_ROCP1", 1)
        self._warm_up = 3 * (period - 1) + 2

    @property
    def is_ready(self) -> bool:
        return self._roc.is_ready

    def _next(self, value: Decimal, us: int) -> Decimal:
        ema1, ema2, ema3 = self._ema1, self._ema2, self._ema3
        ema1._push(us, value)
        if ema1.is_ready:
            ema2._push(us, ema1._value)
        if ema2.is_ready:
            ema3._push(us, ema2._value)
        if ema3.is_ready:
            self._roc._push(us, ema3._value)
        return self._roc._value

    def reset(self) -> None:
        self._ema1.reset()
        self._ema2.reset()
        self._ema3.reset()
        self._roc.reset()
        super().reset()


class TrueStrengthIndex(Indicator):
    """Twice smoothed change against twice smoothed absolute change."""

    __slots__ = ("_absolute", "_absolute_twice", "_change", "_change_twice", "_close", "_tsi", "signal")
    PARAMETERS = (
        whole("long_term_period", 25),
        whole("short_term_period", 13),
        whole("signal_period", 7),
        average(MovingAverageType.EXPONENTIAL, "signal_type"),
    )
    NAME = "TSI({long_term_period},{short_term_period},{signal_period})"

    def _create(
        self, long_term_period: int, short_term_period: int, signal_period: int, signal_type: MovingAverageType
    ) -> None:
        name = self.name
        self._change = ExponentialMovingAverage(name + "_PC_EMA", long_term_period)
        self._absolute = ExponentialMovingAverage(name + "_APC_EMA", long_term_period)
        self._change_twice = chain(ExponentialMovingAverage(name + "_PC_EMA_EMA", short_term_period), self._change)
        self._absolute_twice = chain(ExponentialMovingAverage(name + "_APC_EMA_EMA", short_term_period), self._absolute)
        self._tsi = IndicatorExtensions.times(IndicatorExtensions.over(self._change_twice, self._absolute_twice), 100)
        self.signal = chain(as_indicator(signal_type, signal_period, name + "_Signal"), self._tsi)
        self._close = ZERO
        self._warm_up = long_term_period + short_term_period

    @property
    def is_ready(self) -> bool:
        return self._samples >= self.warm_up_period

    def _next(self, value: Decimal, us: int) -> Decimal:
        if self._samples == 1:
            self._close = value
            return ZERO
        change = sub(value, self._close)
        self._close = value
        self._change._push(us, change)
        self._absolute._push(us, change.copy_abs())
        return self._tsi._value

    def reset(self) -> None:
        self._close = ZERO
        self._change.reset()
        self._change_twice.reset()
        self._absolute.reset()
        self._absolute_twice.reset()
        self._tsi.reset()
        self.signal.reset()
        super().reset()


class DetrendedPriceOscillator(Indicator):
    """The value half a period ago less the mean of the period."""

    __slots__ = ("_lag", "_sma")
    PARAMETERS = (whole("period"),)
    NAME = "DPO({period})"

    def _create(self, period: int) -> None:
        self._lag = Delay(period // 2 + 1)
        self._sma = SimpleMovingAverage(period)
        self._warm_up = period

    @property
    def is_ready(self) -> bool:
        return self._sma.is_ready and self._lag.is_ready

    def _next(self, value: Decimal, us: int) -> Decimal:
        self._lag._push(us, value)
        self._sma._push(us, value)
        return sub(self._lag._value, self._sma._value)

    def reset(self) -> None:
        super().reset()
        self._lag.reset()
        self._sma.reset()


class MeanAbsoluteDeviation(WindowIndicator):
    """Mean distance of the last values from their mean."""

    __slots__ = ("mean",)
    NAME = "MAD({period})"

    def _create(self, period: int) -> None:
        super()._create(period)
        self.mean = SimpleMovingAverage(self.name + "_Mean", period)

    def _compute(self, value: Decimal, us: int) -> Decimal:
        self.mean._push(us, value)
        if self._samples < 2:
            return ZERO
        middle = self.mean._value
        total = ZERO
        for item in reversed(self._values):
            total = add(total, sub(item, middle).copy_abs())
        return div(total, Decimal(len(self._values)))

    def reset(self) -> None:
        self.mean.reset()
        super().reset()


class CommodityChannelIndex(BarIndicator):
    """Distance of the typical price from its mean in mean deviations."""

    __slots__ = ("moving_average_type", "typical_price_average", "typical_price_mean_deviation")
    PARAMETERS = (whole("period"), average(MovingAverageType.SIMPLE))
    NAME = "CCI({period})"

    def _create(self, period: int, moving_average_type: MovingAverageType) -> None:
        self.moving_average_type = moving_average_type
        self.typical_price_average = as_indicator(moving_average_type, period, self.name + "_TypicalPriceAvg")
        self.typical_price_mean_deviation = MeanAbsoluteDeviation(self.name + "_TypicalPriceMAD", period)
        self._warm_up = period

    @property
    def is_ready(self) -> bool:
        return bool(self.typical_price_average.is_ready and self.typical_price_mean_deviation.is_ready)

    def _next_bar(self, bar: Any) -> Decimal:
        us = bar._end_us
        price = div(add(add(bar._high, bar._low), bar._close), Decimal("3.0"))
        self.typical_price_average._push(us, price)
        self.typical_price_mean_deviation._push(us, price)
        deviation = mul(_POINT_015, self.typical_price_mean_deviation._value)
        if deviation == 0:
            return ZERO
        return div(sub(price, self.typical_price_average._value), deviation)

    def reset(self) -> None:
        self.typical_price_average.reset()
        self.typical_price_mean_deviation.reset()
        super().reset()


class ChandeMomentumOscillator(WindowIndicator):
    """Smoothed gains less losses over their sum."""

    __slots__ = ("_gain", "_last", "_loss")
    NAME = "CMO({period})"

    def _create(self, period: int) -> None:
        super()._create(period)
        self._last = self._gain = self._loss = ZERO
        self._warm_up = period + 1

    @property
    def is_ready(self) -> bool:
        return self._samples > self._period

    def _compute(self, value: Decimal, us: int) -> Decimal:
        if self._samples == 1:
            self._last = value
            return ZERO
        difference = sub(value, self._last)
        self._last = value
        if self._samples > self._period + 1:
            weight = Decimal(self._period - 1)
            self._loss = mul(self._loss, weight)
            self._gain = mul(self._gain, weight)
        if difference < 0:
            self._loss = sub(self._loss, difference)
        else:
            self._gain = add(self._gain, difference)
        if not self.is_ready:
            return ZERO
        period = Decimal(self._period)
        self._loss = div(self._loss, period)
        self._gain = div(self._gain, period)
        total = add(self._gain, self._loss)
        return mul(HUNDRED, div(sub(self._gain, self._loss), total)) if total != 0 else ZERO

    def reset(self) -> None:
        self._last = self._gain = self._loss = ZERO
        super().reset()


class Stochastic(BarIndicator):
    """Place of the close in the range of the period, smoothed once and twice."""

    __slots__ = (
        "_d_period",
        "_k_period",
        "_maximum",
        "_minimum",
        "_sum_fast_k",
        "_sum_slow_k",
        "fast_stoch",
        "stoch_d",
        "stoch_k",
    )
    PARAMETERS = (whole("period"), whole("k_period"), whole("d_period"))
    NAME = "STO({period},{k_period},{d_period})"

    def _create(self, period: int, k_period: int, d_period: int) -> None:
        name = self.name
        self._maximum = Maximum(name + "_Max", period)
        self._minimum = Minimum(name + "_Min", period)
        self._sum_fast_k = Sum(name + "_SumFastK", k_period)
        self._sum_slow_k = Sum(name + "_SumD", d_period)
        self._k_period = Decimal(k_period)
        self._d_period = Decimal(d_period)
        self.fast_stoch = Derived(name + "_FastStoch", lambda: self._maximum.is_ready)
        self.stoch_k = Derived(name + "_StochK", lambda: self._sum_fast_k.is_ready)
        self.stoch_d = Derived(name + "_StochD", lambda: self._sum_slow_k.is_ready)
        self._warm_up = period + k_period + d_period - 2

    @property
    def is_ready(self) -> bool:
        return self.fast_stoch.is_ready and self.stoch_k.is_ready and self.stoch_d.is_ready

    def _fast(self, bar: Any, us: int) -> Decimal:
        if not self._maximum.is_ready:
            return ZERO
        spread = sub(self._maximum._value, self._minimum._value)
        if spread == 0:
            return ZERO
        place = div(sub(bar._close, self._minimum._value), spread)
        self._sum_fast_k._push(us, place)
        return mul(place, HUNDRED)

    def _next_bar(self, bar: Any) -> Decimal:
        us = bar._end_us
        self._maximum._push(us, bar._high)
        self._minimum._push(us, bar._low)
        self.fast_stoch._set(us, self._fast(bar, us))
        stoch_k = ZERO
        if self._sum_fast_k.is_ready:
            stoch_k = div(self._sum_fast_k._value, self._k_period)
            self._sum_slow_k._push(us, stoch_k)
        self.stoch_k._set(us, mul(stoch_k, HUNDRED))
        stoch_d = div(self._sum_slow_k._value, self._d_period) if self._sum_slow_k.is_ready else ZERO
        self.stoch_d._set(us, mul(stoch_d, HUNDRED))
        return self.fast_stoch._value

    def reset(self) -> None:
        for part in (
            *(self.fast_stoch, self.stoch_k, self.stoch_d, self._maximum, self._minimum),
            *(self._sum_fast_k, self._sum_slow_k),
        ):
            part.reset()
        super().reset()


class StochasticRelativeStrengthIndex(Indicator):
    """Place of the RSI in its own range, smoothed; its value is the input."""

    __slots__ = ("_recent", "_rsi", "d", "k")
    PARAMETERS = (
        whole("rsi_period"),
        whole("stoch_period"),
        whole("k_smoothing_period"),
        whole("d_smoothing_period"),
        average(MovingAverageType.SIMPLE),
    )
    NAME = "SRSI({rsi_period},{stoch_period},{k_smoothing_period},{d_smoothing_period},{moving_average_type})"

    def _create(
        self,
        rsi_period: int,
        stoch_period: int,
        k_smoothing_period: int,
        d_smoothing_period: int,
        moving_average_type: MovingAverageType,
    ) -> None:
        self._rsi = RelativeStrengthIndex(rsi_period)
        self._recent: deque[Decimal] = deque(maxlen=stoch_period)
        kind = moving_average_type.lean_name
        self.k = as_indicator(moving_average_type, k_smoothing_period, f"{self.name}_K_{kind}")
        self.d = as_indicator(moving_average_type, d_smoothing_period, f"{self.name}_D_{kind}")
        self._warm_up = rsi_period + stoch_period + max(k_smoothing_period, d_smoothing_period)

    @property
    def is_ready(self) -> bool:
        return self._samples >= self.warm_up_period

    def _next(self, value: Decimal, us: int) -> Decimal:
        self._rsi._push(us, value)
        recent = self._recent
        recent.append(self._rsi._value)
        if len(recent) < (recent.maxlen or 0):
            return ZERO
        highest, lowest = max(recent), min(recent)
        k = HUNDRED
        if highest != lowest:
            k = div(mul(HUNDRED, sub(self._rsi._value, lowest)), sub(highest, lowest))
        self.k._push(us, k)
        self.d._push(us, self.k._value)
        return value

    def reset(self) -> None:
        self._rsi.reset()
        self._recent.clear()
        self.k.reset()
        self.d.reset()
        super().reset()


class CoppockCurve(Indicator):
    """Weighted average of two rates of change."""

    __slots__ = ("_long", "_lwma", "_short")
    PARAMETERS = (whole("short_roc_period", 11), whole("long_roc_period", 14), whole("lwma_period", 10))
    NAME = "CC({short_roc_period},{long_roc_period},{lwma_period})"

    def _create(self, short_roc_period: int, long_roc_period: int, lwma_period: int) -> None:
        self._short = RateOfChangePercent(short_roc_period)
        self._long = RateOfChangePercent(long_roc_period)
        self._lwma = LinearWeightedMovingAverage(lwma_period)
        self._warm_up = max(short_roc_period, long_roc_period) + lwma_period

    @property
    def is_ready(self) -> bool:
        return self._lwma.is_ready

    def _next(self, value: Decimal, us: int) -> Decimal:
        self._short._push(us, value)
        self._long._push(us, value)
        if not (self._short.is_ready and self._long.is_ready):
            return ZERO
        self._lwma._push(us, add(self._short._value, self._long._value))
        return self._lwma._value

    def reset(self) -> None:
        self._short.reset()
        self._long.reset()
        self._lwma.reset()
        super().reset()


class DerivativeOscillator(Indicator):
    """A twice smoothed RSI less its mean."""

    __slots__ = ("_rsi", "_signal", "_smoothed", "_twice")
    PARAMETERS = (
        whole("rsi_period"),
        whole("smoothing_rsi_period"),
        whole("double_smoothing_rsi_period"),
        whole("signal_line_period"),
    )
    NAME = "DO({rsi_period},{smoothing_rsi_period},{double_smoothing_rsi_period},{signal_line_period})"

    def _create(
        self,
        rsi_period: int,
        smoothing_rsi_period: int,
        double_smoothing_rsi_period: int,
        signal_line_period: int,
    ) -> None:
        name = self.name
        self._rsi = RelativeStrengthIndex(name + "_RSI", rsi_period)
        self._smoothed = chain(ExponentialMovingAverage(name + "_SmoothedRSI", smoothing_rsi_period), self._rsi)
        self._twice = chain(
            ExponentialMovingAverage(name + "_DoubleSmoothedRSI", double_smoothing_rsi_period), self._smoothed
        )
        self._signal = chain(SimpleMovingAverage(name + "_SignalLine", signal_line_period), self._twice)
        self._warm_up = rsi_period + smoothing_rsi_period + double_smoothing_rsi_period + signal_line_period - 2

    @property
    def is_ready(self) -> bool:
        return bool(self._signal.is_ready)

    def _next(self, value: Decimal, us: int) -> Decimal:
        self._rsi._push(us, value)
        return sub(self._twice._value, self._signal._value) if self.is_ready else ZERO

    def reset(self) -> None:
        self._rsi.reset()
        self._smoothed.reset()
        self._twice.reset()
        self._signal.reset()
        super().reset()


class ConnorsRelativeStrengthIndex(Indicator):
    """Mean of an RSI, the RSI of a streak and the rank of the last change."""

    __slots__ = ("_last", "_ratios", "_rsi", "_streak", "_streak_rsi")
    PARAMETERS = (whole("rsi_period"), whole("rsi_period_streak"), whole("look_back_period"))
    NAME = "CRSI({rsi_period},{rsi_period_streak},{look_back_period})"

    def _create(self, rsi_period: int, rsi_period_streak: int, look_back_period: int) -> None:
        self._rsi = RelativeStrengthIndex(rsi_period)
        self._streak_rsi = RelativeStrengthIndex(rsi_period_streak)
        self._ratios: deque[Decimal] = deque(maxlen=look_back_period)
        self._streak = 0
        self._last: Decimal | None = None
        self._warm_up = max(look_back_period, rsi_period + 1, rsi_period_streak + 1)

    def _ratios_ready(self) -> bool:
        return len(self._ratios) == self._ratios.maxlen

    @property
    def is_ready(self) -> bool:
        return self._rsi.is_ready and self._streak_rsi.is_ready and self._ratios_ready()

    def _next(self, value: Decimal, us: int) -> Decimal:
        self._rsi._push(us, value)
        if self._last is not None:
            change = sub(value, self._last)
            if (self._streak > 0 and change < 0) or (self._streak < 0 and change > 0):
                self._streak = 0
            self._streak += 1 if change > 0 else -1 if change < 0 else 0
        self._streak_rsi._push(us, Decimal(self._streak))
        if self._last is None or self._last == 0:
            self._last = value
            self._ratios.append(ZERO)
            return ZERO
        ratio = div(sub(value, self._last), self._last)
        rank = ZERO
        if self._ratios_ready():
            below = sum(1 for item in self._ratios if item < ratio)
            rank = div(mul(HUNDRED, Decimal(below)), Decimal(len(self._ratios)))
        self._ratios.append(ratio)
        self._last = value
        if not self.is_ready:
            return ZERO
        return div(add(add(self._rsi._value, self._streak_rsi._value), rank), _THREE)

    def reset(self) -> None:
        self._rsi.reset()
        self._streak_rsi.reset()
        self._ratios.clear()
        self._streak = 0
        self._last = None
        super().reset()


class KnowSureThing(Indicator):
    """Weighted sum of four smoothed rates of change."""

    __slots__ = (
        *("moving_average_type", "roc_1", "roc_1_ma", "roc_2", "roc_2_ma", "roc_3"),
        *("roc_3_ma", "roc_4", "roc_4_ma", "signal_line"),
    )
    PARAMETERS = (
        whole("roc1_period"),
        whole("roc1_ma_period"),
        whole("roc2_period"),
        whole("roc2_ma_period"),
        whole("roc3_period"),
        whole("roc3_ma_period"),
        whole("roc4_period"),
        whole("roc4_ma_period"),
        whole("signal_period"),
        average(MovingAverageType.SIMPLE),
    )
    NAME = (
        "KST({roc1_period},{roc1_ma_period},{roc2_period},{roc2_ma_period},{roc3_period},{roc3_ma_period},"
        "{roc4_period},{roc4_ma_period},{signal_period},{moving_average_type})"
    )

    def _create(self, *, signal_period: int, moving_average_type: MovingAverageType, **periods: int) -> None:
        self.moving_average_type = moving_average_type
        for number in range(1, 5):
            setattr(self, f"roc_{number}", RateOfChange(periods[f"roc{number}_period"]))
            smoothed = as_indicator(
                moving_average_type, periods[f"roc{number}_ma_period"], f"{self.name}_ROC{number}MA"
            )
            setattr(self, f"roc_{number}_ma", smoothed)
        self.signal_line = as_indicator(moving_average_type, signal_period, self.name + "_SignalLine")
        self._warm_up = max(periods[f"roc{n}_period"] + periods[f"roc{n}_ma_period"] for n in range(1, 5))

    def _pairs(self) -> list[tuple[RateOfChange, Any]]:
        return [(getattr(self, f"roc_{number}"), getattr(self, f"roc_{number}_ma")) for number in range(1, 5)]

    @property
    def is_ready(self) -> bool:
        return all(smoothed.is_ready for _, smoothed in self._pairs()) and bool(self.signal_line.is_ready)

    def _next(self, value: Decimal, us: int) -> Decimal:
        pairs = self._pairs()
        for change, _ in pairs:
            change._push(us, value)
        for change, smoothed in pairs:
            if change.is_ready:
                smoothed._push(us, mul(HUNDRED, change._value))
        total = pairs[0][1]._value
        for weight, (_, smoothed) in zip((_TWO, _THREE, _FOUR), pairs[1:], strict=True):
            total = add(total, mul(weight, smoothed._value))
        self.signal_line._push(us, total)
        return total if self.signal_line.is_ready else ZERO

    def reset(self) -> None:
        for change, smoothed in self._pairs():
            change.reset()
            smoothed.reset()
        self.signal_line.reset()
        super().reset()


for _number in range(1, 5):
    setattr(KnowSureThing, f"ROC{_number}", KnowSureThing.__dict__[f"roc_{_number}"])
    setattr(KnowSureThing, f"ROC{_number}MA", KnowSureThing.__dict__[f"roc_{_number}_ma"])


class AwesomeOscillator(BarIndicator):
    """Fast less slow average of the middle price."""

    __slots__ = ("fast_ao", "slow_ao")
    PARAMETERS = (whole("fast_period"), whole("slow_period"), average(MovingAverageType.SIMPLE, "type"))
    NAME = "AO({fast_period},{slow_period},{type})"

    def _create(self, fast_period: int, slow_period: int, type: MovingAverageType) -> None:
        self.slow_ao = as_indicator(type, slow_period)
        self.fast_ao = as_indicator(type, fast_period)
        self._warm_up = max(slow_period, fast_period)

    @property
    def is_ready(self) -> bool:
        return bool(self.slow_ao.is_ready and self.fast_ao.is_ready)

    def _next_bar(self, bar: Any) -> Decimal:
        middle = div(add(bar._high, bar._low), _TWO)
        self.slow_ao._push(bar._end_us, middle)
        self.fast_ao._push(bar._end_us, middle)
        return sub(self.fast_ao._value, self.slow_ao._value) if self.is_ready else ZERO

    def reset(self) -> None:
        self.fast_ao.reset()
        self.slow_ao.reset()
        super().reset()
