"""Moving averages and what they are built of.

Source of the rules: the class of the same name in Lean's ``Indicators`` folder.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

from harness.embedded.clr import ONE, ZERO, add, decimal_from_double, div, mul, sub, to_float
from harness.embedded.enums import MovingAverageType
from harness.embedded.indicators.base import Indicator, WindowIndicator, anything, argument_text, decimal, whole

_TWO = Decimal(2)
_THREE = Decimal(3)


class Sum(WindowIndicator):
    """Sum of the last ``period`` values."""

    __slots__ = ("_sum",)
    NAME = "SUM({period})"

    def _create(self, period: int) -> None:
        super()._create(period)
        self._sum = ZERO

    def _compute(self, value: Decimal, us: int) -> Decimal:
        total = add(self._sum, value)
        if self._removed is not None:
            total = sub(total, self._removed)
        self._sum = total
        return total

    def reset(self) -> None:
        super().reset()
        self._sum = ZERO


class Delay(WindowIndicator):
    """The value ``period`` inputs ago."""

    __slots__ = ()
    NAME = "DELAY({period})"

    def _create(self, period: int) -> None:
        super()._create(period)
        self._warm_up = period + 1

    @property
    def is_ready(self) -> bool:
        return self._samples > self._period

    def _compute(self, value: Decimal, us: int) -> Decimal:
        return self._values[0] if self._removed is None else self._removed


class WindowIdentity(WindowIndicator):
    """The value itself, ready after ``period`` inputs."""

    __slots__ = ()
    NAME = "WIN-ID{period}"

    def _create(self, period: int) -> None:
        super()._create(period)
        self._warm_up = period

    def _compute(self, value: Decimal, us: int) -> Decimal:
        return value


class SimpleMovingAverage(WindowIndicator):
    """Mean of the last ``period`` values."""

    __slots__ = ("_counts", "rolling_sum")
    NAME = "SMA({period})"

    def _create(self, period: int) -> None:
        super()._create(period)
        self.rolling_sum = Sum(self.name + "_Sum", period)
        self._counts = [Decimal(count) for count in range(period + 1)]

    def _next(self, value: Decimal, us: int) -> Decimal:
        rolling_sum = self.rolling_sum
        rolling_sum._push(us, value)
        count = self._samples
        return div(rolling_sum._value, self._counts[count if count < self._period else self._period])

    def reset(self) -> None:
        self.rolling_sum.reset()
        super().reset()


class ExponentialMovingAverage(Indicator):
    """Average whose weights fall by a factor; it starts with the mean of the first ``period`` values."""

    __slots__ = ("_k", "_one_minus_k", "_period", "_start")
    PARAMETERS = (whole("period"), anything("smoothing_factor", None))
    NAME = "EMA({period})"

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        explicit = "name" in named or bool(arguments and isinstance(arguments[0], str))
        if not explicit and ("smoothing_factor" in named or len(arguments) > 1):
            self.name = f"EMA({self._period},{argument_text(self._k)})"

    def _create(self, period: int, smoothing_factor: Any) -> None:
        self._period = period
        factor = decimal("smoothing_factor").convert(smoothing_factor) if smoothing_factor is not None else None
        self._k = self.smoothing_factor_of(period) if factor is None else factor
        self._one_minus_k = sub(ONE, self._k)
        self._start = SimpleMovingAverage(period)
        self._warm_up = period

    @staticmethod
    def smoothing_factor_of(period: int) -> Decimal:
        """2 / (1 + period), exactly."""
        return div(Decimal("2.0"), Decimal(1 + period))

    @staticmethod
    def smoothing_factor_default(period: int) -> float:
        return to_float(ExponentialMovingAverage.smoothing_factor_of(period))

    @property
    def is_ready(self) -> bool:
        return self._samples >= self._period

    def _next(self, value: Decimal, us: int) -> Decimal:
        samples = self._samples
        if samples > self._period:
            return add(mul(value, self._k), mul(self._value, self._one_minus_k))
        self._start._push(us, value)
        return self._start._value if samples == self._period else ZERO

    def reset(self) -> None:
        super().reset()
        self._start.reset()


class WilderMovingAverage(Indicator):
    """Exponential average with the factor 1 / period, started with the mean of ``period - 1`` values."""

    __slots__ = ("_k", "_one_minus_k", "_period", "_start")
    PARAMETERS = (whole("period"),)
    NAME = "WWMA{period}"

    def _create(self, period: int) -> None:
        self._period = period
        self._k = div(ONE, Decimal(period))
        self._one_minus_k = sub(ONE, self._k)
        self._start = SimpleMovingAverage(self.name + "_SMA", period)
        self._warm_up = period

    @property
    def is_ready(self) -> bool:
        return self._samples >= self._period

    def _next(self, value: Decimal, us: int) -> Decimal:
        if self._samples < self._period:
            self._start._push(us, value)
            return self._start._value
        return add(mul(value, self._k), mul(self._value, self._one_minus_k))

    def reset(self) -> None:
        self._start.reset()
        super().reset()


class LinearWeightedMovingAverage(WindowIndicator):
    """Mean with weights ``period``, ..., 2, 1 from the newest value on."""

    __slots__ = ("_denominator", "_weights")
    NAME = "LWMA({period})"

    def _create(self, period: int) -> None:
        super()._create(period)
        self._denominator = Decimal(period * (period + 1) // 2)
        self._weights = [Decimal(period - index) for index in range(period)]

    def _compute(self, value: Decimal, us: int) -> Decimal:
        if self._samples < self._period:
            return ZERO
        numerator = ZERO
        for weight, item in zip(self._weights, reversed(self._values), strict=True):
            numerator = add(numerator, mul(weight, item))
        return div(numerator, self._denominator)


class DoubleExponentialMovingAverage(Indicator):
    """Exponential average made faster by the average of itself."""

    __slots__ = ("_ema1", "_ema2", "_factor", "_factor_plus_one", "_period")
    PARAMETERS = (whole("period"), decimal("volume_factor", "1"))
    NAME = "DEMA({period})"

    def _create(self, period: int, volume_factor: Decimal) -> None:
        self._period = period
        self._factor = volume_factor
        self._factor_plus_one = add(volume_factor, ONE)
        self._ema1 = ExponentialMovingAverage(self.name + "_1", period)
        self._ema2 = ExponentialMovingAverage(self.name + "_2", period)
        self._warm_up = 1 + 2 * (period - 1)

    @property
    def is_ready(self) -> bool:
        return self._samples > 2 * (self._period - 1)

    def _next(self, value: Decimal, us: int) -> Decimal:
        ema1, ema2 = self._ema1, self._ema2
        ema1._push(us, value)
        if not ema1.is_ready:
            return ema1._value
        ema2._push(us, ema1._value)
        return sub(mul(self._factor_plus_one, ema1._value), mul(self._factor, ema2._value))

    def reset(self) -> None:
        self._ema1.reset()
        self._ema2.reset()
        super().reset()


class TripleExponentialMovingAverage(Indicator):
    """Three times an exponential average, less three times its average, plus that one's average."""

    __slots__ = ("_ema1", "_ema2", "_ema3")
    PARAMETERS = (whole("period"),)
    NAME = "TEMA({period})"

    def _create(self, period: int) -> None:
        self._ema1 = ExponentialMovingAverage(self.name + "_1", period)
        self._ema2 = ExponentialMovingAverage(self.name + "_2", period)
        self._ema3 = ExponentialMovingAverage(self.name + "_3", period)
        self._warm_up = 3 * (period - 1) + 1

    @property
    def is_ready(self) -> bool:
        return self._ema3.is_ready

    def _next(self, value: Decimal, us: int) -> Decimal:
        ema1, ema2, ema3 = self._ema1, self._ema2, self._ema3
        ema1._push(us, value)
        if ema1.is_ready:
            ema2._push(us, ema1._value)
        if ema2.is_ready:
            ema3._push(us, ema2._value)
        if not ema3.is_ready:
            return ZERO
        return add(sub(mul(_THREE, ema1._value), mul(_THREE, ema2._value)), ema3._value)

    def reset(self) -> None:
        self._ema1.reset()
        self._ema2.reset()
        self._ema3.reset()
        super().reset()


class TriangularMovingAverage(Indicator):
    """Mean of means."""

    __slots__ = ("_period", "_sma1", "_sma2")
    PARAMETERS = (whole("period"),)
    NAME = "TRIMA({period})"

    def _create(self, period: int) -> None:
        self._period = period
        even = period % 2 == 0
        self._sma1 = SimpleMovingAverage(self.name + "_1", period // 2 if even else (period + 1) // 2)
        self._sma2 = SimpleMovingAverage(self.name + "_2", period // 2 + 1 if even else (period + 1) // 2)
        self._warm_up = period

    @property
    def is_ready(self) -> bool:
        return self._samples >= self._period

    def _next(self, value: Decimal, us: int) -> Decimal:
        self._sma1._push(us, value)
        self._sma2._push(us, self._sma1._value)
        return self._sma2._value

    def reset(self) -> None:
        self._sma1.reset()
        self._sma2.reset()
        super().reset()


class T3MovingAverage(Indicator):
    """Three generalised double exponential averages in a row."""

    __slots__ = ("_gd1", "_gd2", "_gd3", "_period")
    PARAMETERS = (whole("period"), decimal("volume_factor", "0.7"))
    NAME = "T3({period},{volume_factor})"

    def _create(self, period: int, volume_factor: Decimal) -> None:
        self._period = period
        self._gd1 = DoubleExponentialMovingAverage(self.name + "_1", period, volume_factor)
        self._gd2 = DoubleExponentialMovingAverage(self.name + "_2", period, volume_factor)
        self._gd3 = DoubleExponentialMovingAverage(self.name + "_3", period, volume_factor)
        self._warm_up = 1 + 6 * (period - 1)

    @property
    def is_ready(self) -> bool:
        return self._samples > 6 * (self._period - 1)

    def _next(self, value: Decimal, us: int) -> Decimal:
        gd1, gd2, gd3 = self._gd1, self._gd2, self._gd3
        gd1._push(us, value)
        if not gd1.is_ready:
            return gd1._value
        gd2._push(us, gd1._value)
        if not gd2.is_ready:
            return gd2._value
        gd3._push(us, gd2._value)
        return gd3._value

    def reset(self) -> None:
        self._gd1.reset()
        self._gd2.reset()
        self._gd3.reset()
        super().reset()


class KaufmanEfficiencyRatio(WindowIndicator):
    """Net change of a period over the sum of its single changes."""

    __slots__ = ("_period_change", "_sum", "_trailing")
    NAME = "KER({period})"

    def _create(self, period: int) -> None:
        super()._create(period + 1)
        self._sum = self._period_change = self._trailing = ZERO

    def _compute(self, value: Decimal, us: int) -> Decimal:
        return self._ratio(value)

    def _ratio(self, value: Decimal) -> Decimal:
        samples, period, values = self._samples, self._period, self._values
        if samples < period:
            if samples > 1:
                self._sum = add(self._sum, sub(value, values[-2]).copy_abs())
            return value
        if samples == period:
            self._sum = add(self._sum, sub(value, values[-2]).copy_abs())
        trailing = values[0]
        self._period_change = sub(value, trailing)
        if samples > period:
            self._sum = sub(self._sum, sub(self._trailing, trailing).copy_abs())
            self._sum = add(self._sum, sub(value, values[-2]).copy_abs())
        self._trailing = trailing
        if self._sum <= self._period_change or self._sum == 0:
            return ONE
        return div(self._period_change, self._sum).copy_abs()

    def reset(self) -> None:
        super().reset()
        self._sum = self._period_change = self._trailing = ZERO


class KaufmanAdaptiveMovingAverage(KaufmanEfficiencyRatio):
    """Exponential average whose factor follows the efficiency ratio."""

    __slots__ = ("_difference", "_previous_average", "_slow")
    PARAMETERS = (whole("period"), whole("fast_ema_period", 2), whole("slow_ema_period", 30))
    NAME = "KAMA({period},{fast_ema_period},{slow_ema_period})"

    def _create(self, period: int, fast_ema_period: int, slow_ema_period: int) -> None:  # type: ignore[override]
        super()._create(period)
        self._slow = div(_TWO, add(Decimal(slow_ema_period), ONE))
        self._difference = sub(div(_TWO, add(Decimal(fast_ema_period), ONE)), self._slow)
        self._previous_average = ZERO

    def _compute(self, value: Decimal, us: int) -> Decimal:
        ratio = self._ratio(value)
        if self._samples < self._period:
            return value
        if self._samples == self._period:
            self._previous_average = self._values[-2]
        smoothing = add(mul(ratio, self._difference), self._slow)
        smoothing = mul(smoothing, smoothing)
        last = self._previous_average
        self._previous_average = add(mul(sub(value, last), smoothing), last)
        return self._previous_average

    def reset(self) -> None:
        super().reset()
        self._previous_average = ZERO


def round_to_even(value: float) -> int:
    """``(int)Math.Round(value)``."""
    return round(value)


class HullMovingAverage(Indicator):
    """Weighted average of twice a fast weighted average less a slow one."""

    __slots__ = ("_fast", "_hull", "_slow")
    PARAMETERS = (whole("period"),)
    NAME = "HMA({period})"

    def _create(self, period: int) -> None:
        if period < 2:
            raise ValueError("The Hull Moving Average period should be greater or equal to 2 (Parameter 'period')")
        count = round_to_even(math.sqrt(period))
        self._slow = LinearWeightedMovingAverage(period)
        self._fast = LinearWeightedMovingAverage(round_to_even(period / 2))
        self._hull = LinearWeightedMovingAverage(count)
        self._warm_up = period + count - 1

    @property
    def is_ready(self) -> bool:
        return self._hull.is_ready

    def _next(self, value: Decimal, us: int) -> Decimal:
        self._fast._push(us, value)
        self._slow._push(us, value)
        if self._fast.is_ready and self._slow.is_ready:
            self._hull._push(us, sub(mul(_TWO, self._fast._value), self._slow._value))
        return self._hull._value

    def reset(self) -> None:
        super().reset()
        self._slow.reset()
        self._fast.reset()
        self._hull.reset()


class ArnaudLegouxMovingAverage(WindowIndicator):
    """Mean with Gaussian weights."""

    __slots__ = ("_weights",)
    PARAMETERS = (whole("period"), whole("sigma", 6), decimal("offset", "0.85"))
    NAME = "ALMA({period},{sigma},{offset})"

    def _create(self, period: int, sigma: int, offset: Decimal) -> None:  # type: ignore[override]
        super()._create(period)
        if not 0 <= offset <= 1:
            raise ValueError(f"Offset parameter range is [0,1]. Value: {argument_text(offset)} (Parameter 'offset')")
        middle = mul(offset, Decimal(period - 1)).to_integral_value("ROUND_FLOOR")
        width = div(Decimal(period), Decimal(sigma))
        divisor = mul(mul(_TWO, width), width)
        raw = []
        for index in range(period):
            distance = sub(Decimal(index), middle)
            raw.append(math.exp(to_float(div(mul(distance.copy_negate(), distance), divisor))))
        total = 0.0
        for item in raw:
            total += item
        self._weights = [decimal_from_double(item / total) for item in reversed(raw)]

    def _compute(self, value: Decimal, us: int) -> Decimal:
        if self._samples < self._period:
            return value
        total = ZERO
        for weight, item in zip(self._weights, reversed(self._values), strict=True):
            total = add(total, mul(item, weight))
        return total


class ZeroLagExponentialMovingAverage(WindowIndicator):
    """Exponential average of the value plus its change over half a period."""

    __slots__ = ("_delayed", "_ema")
    NAME = "ZLEMA({period})"

    def _create(self, period: int) -> None:
        super()._create(period)
        self._ema = ExponentialMovingAverage(self.name + "_EMA", period)
        self._delayed = Delay(round_to_even((period - 1) / 2.0))
        self._warm_up = period + period // 2

    @property
    def is_ready(self) -> bool:
        return self._delayed.is_ready and self._ema.is_ready

    def _compute(self, value: Decimal, us: int) -> Decimal:
        delayed = self._delayed
        delayed._push(us, value)
        if not delayed.is_ready:
            return ZERO
        self._ema._push(us, add(value, sub(value, delayed._value)))
        return self._ema._value

    def reset(self) -> None:
        self._delayed.reset()
        self._ema.reset()
        super().reset()


class McGinleyDynamic(WindowIndicator):
    """Average that adjusts to the speed of the market."""

    __slots__ = ("_sum",)
    NAME = "MGD({period})"

    def _create(self, period: int) -> None:
        if period == 0:
            raise ValueError("Period can not be zero")
        super()._create(period)
        self._sum = Sum(self.name + "_Sum", period)

    def _compute(self, value: Decimal, us: int) -> Decimal:
        self._sum._push(us, value)
        period, current = self._period, self._value
        if self._samples < period:
            return ZERO
        if self._samples == period:
            return div(self._sum._value, Decimal(period))
        if current == 0 or value == 0:
            return current
        ratio = to_float(div(value, current))
        if ratio == 0:
            return current
        denominator = mul(Decimal(period), decimal_from_double(math.pow(ratio, 4.0)))
        if denominator == 0:
            return current
        return add(current, div(sub(value, current), denominator))

    def reset(self) -> None:
        self._sum.reset()
        super().reset()


_KINDS: dict[MovingAverageType, type[Indicator]] = {
    MovingAverageType.SIMPLE: SimpleMovingAverage,
    MovingAverageType.EXPONENTIAL: ExponentialMovingAverage,
    MovingAverageType.WILDERS: WilderMovingAverage,
    MovingAverageType.LINEAR_WEIGHTED_MOVING_AVERAGE: LinearWeightedMovingAverage,
    MovingAverageType.DOUBLE_EXPONENTIAL: DoubleExponentialMovingAverage,
    MovingAverageType.TRIPLE_EXPONENTIAL: TripleExponentialMovingAverage,
    MovingAverageType.TRIANGULAR: TriangularMovingAverage,
    MovingAverageType.T_3: T3MovingAverage,
    MovingAverageType.KAMA: KaufmanAdaptiveMovingAverage,
    MovingAverageType.HULL: HullMovingAverage,
    MovingAverageType.ALMA: ArnaudLegouxMovingAverage,
    MovingAverageType.ZLEMA: ZeroLagExponentialMovingAverage,
    MovingAverageType.MGD: McGinleyDynamic,
}


def as_indicator(kind: MovingAverageType, period: int, name: str | None = None) -> Any:
    """A moving average of a kind. Source: ``MovingAverageTypeExtensions.AsIndicator``."""
    return _KINDS[kind](period) if name is None else _KINDS[kind](name, period)
