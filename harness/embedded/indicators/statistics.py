"""Regression, ratios of return to risk, and filters; Lean computes most of them in doubles.

Source of the rules: the class of the same name in Lean's ``Indicators`` folder; the regression and the streaming
moments are those of Math.NET (``SimpleRegression``, ``StreamingStatistics``, ``Correlation``).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from harness.embedded.clock import from_us
from harness.embedded.clr import ONE, ZERO, add, decimal_from_double, decimal_text, div, from_python, mul, sub, to_float
from harness.embedded.consolidators.environment import Environment
from harness.embedded.enums import LeanEnum, MovingAverageType
from harness.embedded.indicators.averages import ExponentialMovingAverage, as_indicator
from harness.embedded.indicators.base import (
    HUNDRED,
    BarIndicator,
    Identity,
    Indicator,
    TradeBarIndicator,
    WindowIndicator,
    anything,
    average,
    bind,
    decimal,
    double,
    whole,
)
from harness.embedded.indicators.extensions import IndicatorExtensions, chain
from harness.embedded.indicators.extremes import Maximum, Minimum
from harness.embedded.indicators.momentum import (
    ChandeMomentumOscillator,
    MovingAverageConvergenceDivergence,
    RateOfChange,
    Stochastic,
)
from harness.embedded.indicators.volatility import StandardDeviation, safe_division
from harness.embedded.not_supported import NotSupportedError
from harness.embedded.reference.symbols import symbol_cache

_TWO = Decimal(2)
_HALF = Decimal("0.5")
_HOUR_US = 3_600_000_000
_DAY_US = 24 * _HOUR_US


def fit_line(values: list[float]) -> tuple[float, float]:
    """Intercept and slope of the least squares line through (1, v1), (2, v2), ..."""
    count = len(values)
    mean_x = mean_y = 0.0
    for index, value in enumerate(values, 1):
        mean_x += float(index)
        mean_y += value
    mean_x /= count
    mean_y /= count
    covariance = variance = 0.0
    for index, value in enumerate(values, 1):
        distance = index - mean_x
        covariance += distance * (value - mean_y)
        variance += distance * distance
    slope = covariance / variance
    return mean_y - slope * mean_x, slope


class LeastSquaresMovingAverage(WindowIndicator):
    """End of the least squares line through the last ``period`` values."""

    __slots__ = ("intercept", "slope")
    NAME = "LSMA({period})"

    def _create(self, period: int) -> None:
        super()._create(period)
        self.intercept = Identity(self.name + "_Intercept")
        self.slope = Identity(self.name + "_Slope")

    def _compute(self, value: Decimal, us: int) -> Decimal:
        if self._samples < self._period:
            return value
        intercept, slope = fit_line([to_float(item) for item in self._values])
        self.intercept._push(us, decimal_from_double(intercept))
        self.slope._push(us, decimal_from_double(slope))
        return add(self.intercept._value, mul(self.slope._value, Decimal(self._period)))

    def reset(self) -> None:
        self.intercept.reset()
        self.slope.reset()
        super().reset()


class RegressionChannel(Indicator):
    """A regression line with bands of ``k`` standard deviations."""

    __slots__ = ("_deviation", "linear_regression", "lower_channel", "upper_channel")
    PARAMETERS = (whole("period"), decimal("k"))
    NAME = "RC({period},{k})"

    def _create(self, period: int, k: Decimal) -> None:
        name, combine = self.name, IndicatorExtensions
        self._deviation = StandardDeviation(period)
        self.linear_regression = LeastSquaresMovingAverage(name + "_LinearRegression", period)
        line, deviation = self.linear_regression, self._deviation
        self.lower_channel = combine.minus(line, combine.times(deviation, k), name + "_LowerChannel")
        self.upper_channel = combine.plus(line, combine.times(deviation, k), name + "_UpperChannel")
        self._warm_up = period

    @property
    def intercept(self) -> Identity:
        return self.linear_regression.intercept

    @property
    def slope(self) -> Identity:
        return self.linear_regression.slope

    @property
    def is_ready(self) -> bool:
        return self._deviation.is_ready and self.linear_regression.is_ready

    def _next(self, value: Decimal, us: int) -> Decimal:
        self._deviation._push(us, value)
        self.linear_regression._push(us, value)
        return self.linear_regression._value

    def reset(self) -> None:
        for part in (self._deviation, self.linear_regression, self.lower_channel, self.upper_channel):
            part.reset()
        super().reset()


class TimeSeriesForecast(WindowIndicator):
    """The next point of the least squares line through the last ``period`` values."""

    __slots__ = ()
    NAME = "TSF{period})"

    def _create(self, period: int) -> None:
        if period < 2:
            raise ValueError("RollingWindow must have size of at least 2. (Parameter 'period')")
        super()._create(period)

    def _compute(self, value: Decimal, us: int) -> Decimal:
        if self._samples < self._period:
            return ZERO
        period = Decimal(self._period)
        x1 = x2 = xy = y = ZERO
        for index, item in enumerate(self._values, 1):
            x1 += index
            x2 += index * index
            xy = add(xy, mul(item, Decimal(index)))
            y = add(y, item)
        scale = div(ONE, sub(mul(period, x2), mul(x1, x1)))
        slope = mul(sub(mul(period, xy), mul(x1, y)), scale)
        start = mul(sub(y, mul(slope, x1)), div(ONE, period))
        return add(start, mul(slope, period + 1))


class VariableIndexDynamicAverage(WindowIndicator):
    """Exponential average whose factor follows the momentum."""

    __slots__ = ("_cmo", "_factor", "_vidya")
    NAME = "VIDYA({period})"

    def _create(self, period: int) -> None:
        super()._create(period)
        self._cmo = ChandeMomentumOscillator(period)
        self._factor = div(_TWO, Decimal(period + 1))
        self._vidya = ZERO
        self._warm_up = period + 1

    @property
    def is_ready(self) -> bool:
        return self._samples > self._period

    def _compute(self, value: Decimal, us: int) -> Decimal:
        self._cmo._push(us, value)
        if not self.is_ready:
            self._vidya = value
            return ZERO
        momentum = div(self._cmo._value, HUNDRED).copy_abs()
        taken = mul(mul(value, self._factor), momentum)
        self._vidya = add(taken, mul(self._vidya, sub(ONE, mul(self._factor, momentum))))
        return self._vidya

    def reset(self) -> None:
        self._vidya = ZERO
        self._cmo.reset()
        super().reset()


class TargetDownsideDeviation(Indicator):
    """Root mean square of the returns below a target."""

    __slots__ = ("_roc", "_target")
    PARAMETERS = (whole("period"), double("minimum_acceptable_return", 0.0))
    NAME = "TDD({period},{minimum_acceptable_return})"

    def _create(self, period: int, minimum_acceptable_return: float) -> None:
        self._target = minimum_acceptable_return
        self._roc = RateOfChange(1)
        self._roc.window.size = period
        self._warm_up = period + 1

    @property
    def is_ready(self) -> bool:
        return self._samples >= self.warm_up_period

    def _next(self, value: Decimal, us: int) -> Decimal:
        self._roc._push(us, value)
        total = 0.0
        count = 0
        for point in self._roc.window:
            total += math.pow(min(0.0, to_float(point._exact) - self._target), 2)
            count += 1
        return decimal_from_double(math.sqrt(total / count))

    def reset(self) -> None:
        self._roc.reset()
        super().reset()


class SharpeRatio(Indicator):
    """Mean return above the risk-free rate over the deviation of the returns.

    ``risk_free_rate`` is a number, a function of time, or a model with ``get_interest_rate(time)``.
    """

    __slots__ = ("_numerator", "_period", "_rate", "_ratio", "_risk_free", "_roc")
    PARAMETERS = (whole("period"), anything("risk_free_rate", Decimal("0.0")))
    NAME = "SR({period})"

    def __init__(self, *arguments: Any, **named: Any) -> None:
        if "risk_free_rate_model" in named:
            named["risk_free_rate"] = named.pop("risk_free_rate_model")
        super().__init__(*arguments, **named)
        explicit = "name" in named or bool(arguments and isinstance(arguments[0], str))
        if type(self) is SharpeRatio and not explicit:
            rate = named.get("risk_free_rate", arguments[1] if len(arguments) > 1 else Decimal("0.0"))
            if isinstance(rate, (int, float, Decimal)):
                self.name = f"SR({self._period},{decimal_text(from_python(rate))})"

    def _create(self, period: int, risk_free_rate: Any) -> None:
        self._period = period
        self._rate = _rate_function(risk_free_rate)
        self._roc = RateOfChange(1)
        self._risk_free = Identity(self.name + "_RiskFreeRate")
        self._numerator = IndicatorExtensions.minus(IndicatorExtensions.sma(self._roc, period), self._risk_free)
        denominator = chain(StandardDeviation(period), self._roc)
        self._ratio = IndicatorExtensions.over(self._numerator, denominator)
        self._warm_up = 2 + period

    @property
    def is_ready(self) -> bool:
        return self._ratio.samples > self._period

    def _next(self, value: Decimal, us: int) -> Decimal:
        self._risk_free._push(us, self._rate(from_us(us)))
        self._roc._push(us, value)
        return self._ratio._value

    def reset(self) -> None:
        self._ratio.reset()
        self._roc.reset()
        super().reset()


def _rate_function(rate: Any) -> Callable[[datetime], Decimal]:
    if isinstance(rate, (int, float, Decimal)):
        constant = from_python(rate)
        return lambda _: constant
    function = rate if callable(rate) else getattr(rate, "get_interest_rate", None) or rate.GetInterestRate
    return lambda time: from_python(function(time))


class SortinoRatio(SharpeRatio):
    """Mean return above a target over the deviation below it."""

    __slots__ = ("_downside",)
    PARAMETERS = (whole("period"), double("minimum_acceptable_return", 0.0))
    NAME = "SORTINO({period},{minimum_acceptable_return})"

    def _create(self, period: int, minimum_acceptable_return: float) -> None:
        super()._create(period, decimal_from_double(minimum_acceptable_return))
        self._downside = TargetDownsideDeviation(period, minimum_acceptable_return)
        self._ratio = IndicatorExtensions.over(self._numerator, self._downside)

    def _next(self, value: Decimal, us: int) -> Decimal:
        self._downside._push(us, value)
        return super()._next(value, us)

    def reset(self) -> None:
        self._downside.reset()
        super().reset()


class AugenPriceSpike(Indicator):
    """The last change in standard deviations of the log returns before it."""

    __slots__ = ("_deviation", "_recent")
    PARAMETERS = (whole("period", 3),)
    NAME = "APS({period})"

    def _create(self, period: int) -> None:
        if period < 3:
            raise ValueError("AugenPriceSpike Indicator must have a period of at least 3 (Parameter 'period')")
        self._deviation = StandardDeviation(period)
        self._recent: deque[Decimal] = deque(maxlen=3)
        self._warm_up = period + 2

    @property
    def is_ready(self) -> bool:
        return len(self._recent) == 3 and self._deviation.is_ready

    def _next(self, value: Decimal, us: int) -> Decimal:
        recent = self._recent
        recent.append(value)
        if len(recent) < 3:
            return ZERO
        last, before = recent[1], recent[0]
        log = math.log(to_float(last) / to_float(before)) if last != 0 and before != 0 else 0.0
        self._deviation._push(us, decimal_from_double(log))
        if not self._deviation.is_ready:
            return ZERO
        scale = mul(self._deviation._value, last)
        return ZERO if scale == 0 else div(sub(value, last), scale)

    def reset(self) -> None:
        self._deviation.reset()
        self._recent.clear()
        super().reset()


class DeMarkerIndicator(BarIndicator):
    """Rising highs against falling lows."""

    __slots__ = ("_highs", "_last", "_lows")
    PARAMETERS = (whole("period"), average(MovingAverageType.SIMPLE, "type"))
    NAME = "DEM({period},{type})"

    def _create(self, period: int, type: MovingAverageType) -> None:
        self._highs = as_indicator(type, period)
        self._lows = as_indicator(type, period)
        self._last = (ZERO, ZERO)
        self._warm_up = period

    @property
    def is_ready(self) -> bool:
        return bool(self._highs.is_ready and self._lows.is_ready)

    def _next_bar(self, bar: Any) -> Decimal:
        us, high, low = bar._end_us, bar._high, bar._low
        up = down = ZERO
        if self._samples > 1:
            up = max(sub(high, self._last[0]), ZERO)
            down = max(sub(self._last[1], low), ZERO)
        self._highs._push(us, up)
        self._lows._push(us, down)
        self._last = (high, low)
        if not self.is_ready:
            return ZERO
        total = add(self._highs._value, self._lows._value)
        return div(self._highs._value, total) if total > 0 else ZERO

    def reset(self) -> None:
        self._last = (ZERO, ZERO)
        self._highs.reset()
        self._lows.reset()
        super().reset()


class FisherTransform(BarIndicator):
    """The middle price in its range, made normal."""

    __slots__ = ("_maximum", "_minimum", "_previous_x")
    PARAMETERS = (whole("period"),)
    NAME = "FISH({period})"

    def _create(self, period: int) -> None:
        self._maximum = Maximum("MedianMax", period)
        self._minimum = Minimum("MedianMin", period)
        self._previous_x = 0.0
        self._warm_up = period

    @property
    def is_ready(self) -> bool:
        return self._maximum.is_ready and self._minimum.is_ready

    def _next_bar(self, bar: Any) -> Decimal:
        price = div(add(bar._low, bar._high), _TWO)
        self._minimum._push(bar._end_us, price)
        self._maximum._push(bar._end_us, price)
        if not self.is_ready:
            return ZERO
        x = y = 0.0
        low, high = self._minimum._value, self._maximum._value
        if low != high:
            place = to_float(div(sub(price, low), sub(high, low)))
            x = 0.33 * 2 * (place - 0.5) + (1 - 0.33) * self._previous_x
            limited = min(0.999, max(-0.999, x))
            y = 0.5 * math.log((1.0 + limited) / (1.0 - limited))
        self._previous_x = x
        return add(decimal_from_double(y), mul(_HALF, self._value))

    def reset(self) -> None:
        self._previous_x = 0.0
        self._maximum.reset()
        self._minimum.reset()
        super().reset()


class FractalAdaptiveMovingAverage(BarIndicator):
    """Exponential average whose factor follows the fractal dimension of the range."""

    __slots__ = ("_highs", "_lows", "_n", "_w")
    PARAMETERS = (whole("n"), whole("long_period", 198))
    NAME = "FRAMA({n},{long_period})"

    def __init__(self, *arguments: Any, **named: Any) -> None:
        if "period" in named:
            named["n"] = named.pop("period")
        super().__init__(*arguments, **named)

    def _create(self, n: int, long_period: int) -> None:
        if n % 2 > 0:
            raise ValueError(f"{self.name}: N must be even, N = {n} (Parameter 'n')")
        self._n = n
        self._w = math.log(2.0 / (1 + long_period))
        self._highs: deque[float] = deque(maxlen=n)
        self._lows: deque[float] = deque(maxlen=n)
        self._warm_up = n

    @property
    def is_ready(self) -> bool:
        return self._samples >= self._n

    def _next_bar(self, bar: Any) -> Decimal:
        high, low = bar._high, bar._low
        price = div(add(high, low), _TWO)
        self._highs.append(to_float(high))
        self._lows.append(to_float(low))
        if self._samples <= self._n:
            return price
        half = self._n // 2
        highs, lows = list(self._highs), list(self._lows)
        n1 = (max(highs[-half:]) - min(lows[-half:])) / half
        n2 = (max(highs[:half]) - min(lows[:half])) / half
        n3 = (max(highs) - min(lows)) / self._n
        dimension = 0.0
        if n1 + n2 > 0 and n3 > 0:
            dimension = math.log((n1 + n2) / n3) / math.log(2)
        alpha = min(1.0, max(0.01, math.exp(self._w * (dimension - 1))))
        weight = decimal_from_double(alpha)
        return add(mul(weight, price), mul(sub(ONE, weight), self._value))

    def reset(self) -> None:
        self._highs.clear()
        self._lows.clear()
        super().reset()


class KlingerVolumeOscillator(TradeBarIndicator):
    """Fast less slow average of the volume's force."""

    __slots__ = ("_cumulative", "_fast", "_prices", "_ranges", "_slow", "_trends", "signal")
    PARAMETERS = (whole("fast_period"), whole("slow_period"), whole("signal_period", 13))
    NAME = "KVO({fast_period},{slow_period},{signal_period})"

    def _create(self, fast_period: int, slow_period: int, signal_period: int) -> None:
        self._fast = ExponentialMovingAverage(self.name + "_FastEma", fast_period)
        self._slow = ExponentialMovingAverage(self.name + "_SlowEma", slow_period)
        self.signal = ExponentialMovingAverage(self.name + "_Signal", signal_period)
        self._clear()
        self._warm_up = max(fast_period, slow_period, signal_period) + 2

    def _clear(self) -> None:
        self._prices: deque[Decimal] = deque(maxlen=2)
        self._ranges: deque[Decimal] = deque(maxlen=2)
        self._trends: deque[int] = deque(maxlen=2)
        self._cumulative = ZERO

    @property
    def is_ready(self) -> bool:
        return self._fast.is_ready and self._slow.is_ready and self.signal.is_ready

    def _next_bar(self, bar: Any) -> Decimal:
        us = bar._end_us
        movement = sub(bar._high, bar._low)
        self._ranges.append(movement)
        self._prices.append(add(add(bar._high, bar._low), bar._close))
        if len(self._prices) < 2:
            return ZERO
        trend = 1 if self._prices[1] > self._prices[0] else -1
        self._trends.append(trend)
        if len(self._trends) < 2:
            return ZERO
        if self._cumulative == 0 or self._trends[1] != self._trends[0]:
            self._cumulative = add(movement, self._ranges[0])
        else:
            self._cumulative = add(self._cumulative, movement)
        least = Decimal("1e-8")
        bottom = least if self._cumulative.copy_abs() < least else self._cumulative
        strength = mul(_TWO, sub(div(movement, bottom), ONE)).copy_abs()
        force = mul(mul(mul(bar._volume, strength), Decimal(trend)), HUNDRED)
        self._fast._push(us, force)
        self._slow._push(us, force)
        if not (self._fast.is_ready and self._slow.is_ready):
            self.signal._push(us, ZERO)
            return ZERO
        result = sub(self._fast._value, self._slow._value)
        self.signal._push(us, result)
        return result

    def reset(self) -> None:
        super().reset()
        self.signal.reset()
        self._fast.reset()
        self._slow.reset()
        self._clear()


class PremierStochasticOscillator(BarIndicator):
    """A stochastic smoothed twice and squeezed between -1 and 1."""

    __slots__ = ("_first", "_second", "_stochastic")
    PARAMETERS = (whole("period"), whole("ema_period"))
    NAME = "PSO({period},{ema_period})"

    def _create(self, period: int, ema_period: int) -> None:
        self._stochastic = Stochastic(self.name, period, period, period)
        self._first = ExponentialMovingAverage(ema_period)
        self._second = IndicatorExtensions.ema(self._first, ema_period)
        self._warm_up = period + 2 * (ema_period - 1)

    @property
    def is_ready(self) -> bool:
        return self._second.is_ready

    def _next_bar(self, bar: Any) -> Decimal:
        self._stochastic._push_bar(bar)
        fast = self._stochastic.fast_stoch
        if not fast.is_ready:
            return ZERO
        self._first._push(bar._end_us, mul(Decimal("0.1"), sub(fast._value, Decimal(50))))
        if not (self._first.is_ready and self._second.is_ready):
            return ZERO
        power = decimal_from_double(math.exp(to_float(self._second._value)))
        return div(sub(power, ONE), add(power, ONE))

    def reset(self) -> None:
        self._stochastic.reset()
        self._first.reset()
        self._second.reset()
        super().reset()


class SchaffTrendCycle(Indicator):
    """The stochastic of the stochastic of a MACD."""

    __slots__ = ("_d", "_highest", "_highest_d", "_k", "_lowest", "_lowest_d", "_macd", "_pf", "_pff")
    PARAMETERS = (
        whole("cycle_period", 10),
        whole("fast_period", 23),
        whole("slow_period", 50),
        average(MovingAverageType.EXPONENTIAL, "type"),
    )
    NAME = "SchaffTrendCycle({cycle_period},{fast_period},{slow_period})"

    def _create(self, cycle_period: int, fast_period: int, slow_period: int, type: MovingAverageType) -> None:
        kind, combine = type, IndicatorExtensions
        self._macd = MovingAverageConvergenceDivergence(fast_period, slow_period, cycle_period, kind)
        self._highest = combine.max(self._macd, cycle_period, False)
        self._lowest = combine.min(self._macd, cycle_period, False)
        self._k = Identity(self.name + "_K")
        self._d = chain(as_indicator(kind, 3), self._k, False)
        self._highest_d = combine.max(self._d, cycle_period, False)
        self._lowest_d = combine.min(self._d, cycle_period, False)
        self._pf = Identity(self.name + "_PF")
        self._pff = chain(as_indicator(kind, 3), self._pf, False)
        self._warm_up = self._macd.warm_up_period

    @property
    def is_ready(self) -> bool:
        return self._macd.is_ready

    def _next(self, value: Decimal, us: int) -> Decimal:
        self._macd._push(us, value)
        self._k._push(us, _place(self._macd._value, self._highest._value, self._lowest._value))
        self._pf._push(us, _place(self._d._value, self._highest_d._value, self._lowest_d._value))
        return self._pff._value  # type: ignore[no-any-return]

    def reset(self) -> None:
        for part in (
            *(self._macd, self._highest, self._lowest, self._k, self._d),
            *(self._highest_d, self._lowest_d, self._pf, self._pff),
        ):
            part.reset()
        super().reset()


def _place(value: Decimal, highest: Decimal, lowest: Decimal) -> Decimal:
    spread = sub(highest, lowest)
    return mul(div(sub(value, lowest), spread), HUNDRED) if spread > 0 else ZERO


class SwissArmyKnifeTool(LeanEnum):
    GAUSS = 0
    BUTTER = 1
    HIGH_PASS = 2
    TWO_POLE_HIGH_PASS = 3
    BAND_PASS = 4


class _Filter(Indicator):
    """One of the digital filters."""

    __slots__ = ("_a", "_b", "_c0", "_filtered", "_period", "_prices")
    PARAMETERS = (whole("period"), double("delta"), anything("tool"))

    def _create(self, period: int, delta: float, tool: SwissArmyKnifeTool) -> None:
        self._period = period
        a1, a2, b0, b1, b2, c0 = 0.0, 0.0, 1.0, 0.0, 0.0, 1.0
        beta = 2.415 * (1 - math.cos(2 * math.pi / period))
        alpha = -beta + math.sqrt(math.pow(beta, 2) + 2.0 * beta)
        if tool in (SwissArmyKnifeTool.GAUSS, SwissArmyKnifeTool.BUTTER, SwissArmyKnifeTool.TWO_POLE_HIGH_PASS):
            a1 = 2.0 * (1 - alpha)
            a2 = -(1 - alpha) * (1 - alpha)
        if tool == SwissArmyKnifeTool.GAUSS:
            c0 = alpha * alpha
        elif tool == SwissArmyKnifeTool.BUTTER:
            c0, b1, b2 = alpha * alpha / 4.0, 2.0, 1.0
        elif tool == SwissArmyKnifeTool.TWO_POLE_HIGH_PASS:
            c0, b1, b2 = (1 + alpha) * (1 + alpha) / 4, -2.0, 1.0
        elif tool == SwissArmyKnifeTool.HIGH_PASS:
            turn = 2 * math.pi / period
            alpha = (math.cos(turn) + math.sin(turn) - 1) / math.cos(turn)
            c0, b1, a1 = (1 + alpha) / 2, -1.0, 1 - alpha
        else:
            beta = math.cos(2 * math.pi / period)
            gamma = 1 / math.cos(4 * math.pi * delta / period)
            alpha = gamma - math.sqrt(math.pow(gamma, 2) - 1)
            c0, b2, a1, a2 = (1 - alpha) / 2.0, -1.0, -beta * (1 - alpha), alpha
        self._a, self._b, self._c0 = (a1, a2), (b0, b1, b2), c0
        self._clear()

    def _clear(self) -> None:
        self._prices: list[float] = []
        self._filtered = [0.0, 0.0]

    @property
    def is_ready(self) -> bool:
        return self._samples >= self._period

    def _next(self, value: Decimal, us: int) -> Decimal:
        price = to_float(value)
        prices = self._prices = [price, *self._prices[:2]] if self._prices else [price, price, price]
        b0, b1, b2 = self._b
        a1, a2 = self._a
        f0, f1 = self._filtered
        signal = 1.0 * self._c0 * (b0 * prices[0] + b1 * prices[1] + b2 * prices[2]) + 1.0 * (a1 * f0 + a2 * f1)
        self._filtered = [signal, f0]
        return decimal_from_double(signal)

    def reset(self) -> None:
        self._clear()
        super().reset()


class SwissArmyKnife(Indicator):
    """Five digital filters; its value is that of the chosen one."""

    __slots__ = ("_chosen", "_period", "band_pass", "butter", "gauss", "high_pass", "two_pole_high_pass")
    PARAMETERS = (whole("period"), double("delta"), anything("tool"))
    NAME = "Swiss({period},{delta},{tool})"

    def _create(self, period: int, delta: float, tool: Any) -> None:
        self._period = period
        self._chosen = SwissArmyKnifeTool(tool)
        kind = SwissArmyKnifeTool
        self.gauss = _Filter(f"{self.name}_Gauss", period, delta, kind.GAUSS)
        self.butter = _Filter(f"{self.name}_Butter", period, delta, kind.BUTTER)
        self.high_pass = _Filter(f"{self.name}_HP", period, delta, kind.HIGH_PASS)
        self.two_pole_high_pass = _Filter(f"{self.name}_2PHP", period, delta, kind.TWO_POLE_HIGH_PASS)
        self.band_pass = _Filter(f"{self.name}_BP", period, delta, kind.BAND_PASS)
        self._warm_up = period

    def _filters(self) -> tuple[_Filter, ...]:
        return self.gauss, self.butter, self.high_pass, self.two_pole_high_pass, self.band_pass

    @property
    def is_ready(self) -> bool:
        return self._samples >= self._period

    def _next(self, value: Decimal, us: int) -> Decimal:
        filters = self._filters()
        for part in filters:
            part._push(us, value)
        return filters[self._chosen]._value

    def reset(self) -> None:
        for part in self._filters():
            part.reset()
        super().reset()


# ------------------------------------------------------------------------------------------------------- two symbols


class CorrelationType(LeanEnum):
    PEARSON = 0
    SPEARMAN = 1


def streaming_variance(values: Iterable[float]) -> float:
    """Sample variance, one value at a time; NaN for fewer than two."""
    count = 0
    variance = total = 0.0
    for count, value in enumerate(values, 1):
        if count == 1:
            total = value
            continue
        total += value
        difference = count * value - total
        variance += difference * difference / (count * (count - 1))
    return variance / (count - 1) if count > 1 else math.nan


def streaming_covariance(first: Iterable[float], second: Iterable[float]) -> float:
    """Sample covariance, one pair at a time; NaN for fewer than two."""
    count = 0
    mean1 = mean2 = comoment = 0.0
    for count, (one, two) in enumerate(zip(first, second, strict=True), 1):
        before = mean2
        mean1 += (one - mean1) / count
        mean2 += (two - mean2) / count
        comoment += (one - mean1) * (two - before)
    return comoment / (count - 1) if count > 1 else math.nan


def pearson(first: Iterable[float], second: Iterable[float]) -> float:
    """Correlation, one pair at a time; NaN where a side does not vary."""
    product = mean1 = mean2 = variance1 = variance2 = 0.0
    for count, (one, two) in enumerate(zip(first, second, strict=True), 1):
        delta1, delta2 = one - mean1, two - mean2
        step1, step2 = delta1 / count, delta2 / count
        mean1 += step1
        mean2 += step2
        variance1 += step1 * delta1 * (count - 1)
        variance2 += step2 * delta2 * (count - 1)
        product += (delta1 * delta2 * (count - 1)) / count
    bottom = math.sqrt(variance1 * variance2)
    return product / bottom if bottom else math.nan


def ranks(values: list[float]) -> list[float]:
    """Place of each value in the order of all, from 1; equal values share the mean of their places."""
    order = sorted(range(len(values)), key=values.__getitem__)
    result = [0.0] * len(values)
    start = 0
    for end in range(1, len(order) + 1):
        if end == len(order) or values[order[end]] != values[order[start]]:
            for index in order[start:end]:
                result[index] = (start + 1 + end) / 2
            start = end
    return result


def _symbol(item: Any) -> Any:
    return symbol_cache.try_get_symbol(item) or item if isinstance(item, str) else item


class DualSymbolIndicator(BarIndicator):
    """An indicator of two symbols, computed when both have a bar of one time."""

    __slots__ = ("_bars", "_latest", "_period", "_resolution_us", "_symbols", "_times")

    def _create_pair(self, target: Any, reference: Any, period: int) -> None:
        self._symbols = (target, reference)
        self._period = period
        self._warm_up = period
        self._clear()

    def _clear(self) -> None:
        self._resolution_us = 0
        self._latest: dict[Any, Any] = dict.fromkeys(self._symbols)
        self._times: dict[Any, int | None] = dict.fromkeys(self._symbols)
        self._bars: dict[Any, deque[Any]] = {symbol: deque(maxlen=self._period) for symbol in self._symbols}

    def _pair_ready(self) -> bool:
        return all(len(bars) == self._period for bars in self._bars.values())

    @property
    def is_ready(self) -> bool:
        return self._pair_ready()

    def _take(self, bar: Any) -> None:
        symbol = bar.symbol
        self._latest[symbol] = bar
        utc_us = Environment.hours_of(symbol).zone.local_us_to_utc_us(bar._end_us)
        self._times[symbol] = utc_us // self._resolution_us * self._resolution_us if self._resolution_us else utc_us

    def _next_bar(self, bar: Any) -> Decimal:
        if bar.symbol not in self._latest:
            known = ", ".join(str(symbol) for symbol in self._symbols)
            raise ValueError(
                f"Input symbol {bar.symbol} does not correspond to any of the symbols this indicator works on ({known})"
            )
        if self._samples == 1:
            length_us = bar._end_us - bar._start_us
            if length_us > _HOUR_US:
                self._resolution_us = _DAY_US
            else:
                self._resolution_us = next((us for us in (_HOUR_US, 60_000_000) if length_us >= us), 0)
            self._take(bar)
            return ZERO
        self._take(bar)
        target, reference = (self._times[symbol] for symbol in self._symbols)
        if target is not None and target == reference:
            for symbol, bars in self._bars.items():
                bars.append(self._latest[symbol])
            return self._compute_pair()
        return self._value

    def _compute_pair(self) -> Decimal:
        raise NotImplementedError

    def reset(self) -> None:
        self._clear()
        super().reset()


class _Returns(DualSymbolIndicator):
    """Returns of two symbols over a period."""

    __slots__ = ("_reference_returns", "_target_returns")
    PARAMETERS = (anything("target_symbol"), anything("reference_symbol"), whole("period"))

    def __init__(self, *arguments: Any, **named: Any) -> None:
        if len(arguments) == 4 and isinstance(arguments[1], int):
            # Lean also has the form (name, period, target, reference).
            arguments = (arguments[0], arguments[2], arguments[3], arguments[1])
        super().__init__(*arguments, **named)

    def _create(self, target_symbol: Any, reference_symbol: Any, period: int) -> None:
        target_symbol, reference_symbol = _symbol(target_symbol), _symbol(reference_symbol)
        if period < 2:
            kind = type(self).__name__
            raise ValueError(f"Period parameter for {kind} indicator must be greater than 2 but was {period}.")
        self._target_returns: deque[float] = deque(maxlen=period)
        self._reference_returns: deque[float] = deque(maxlen=period)
        self._create_pair(target_symbol, reference_symbol, 2)
        self._warm_up = period + 1

    @property
    def is_ready(self) -> bool:
        returns = self._target_returns
        return len(returns) == returns.maxlen and len(self._reference_returns) == self._reference_returns.maxlen

    def _take_returns(self) -> None:
        for symbol, returns in zip(self._symbols, (self._target_returns, self._reference_returns), strict=True):
            bars = self._bars[symbol]
            if len(bars) == 2:
                returns.append(to_float(sub(safe_division(bars[1]._close, bars[0]._close), ONE)))

    def _covariance(self) -> float:
        return streaming_covariance(reversed(self._target_returns), reversed(self._reference_returns))

    def reset(self) -> None:
        self._target_returns.clear()
        self._reference_returns.clear()
        super().reset()


def _is_nothing(value: float) -> bool:
    return math.isnan(value) or abs(value) < math.ulp(0.0) or value == 0


class Beta(_Returns):
    """Covariance with a reference over its variance."""

    __slots__ = ()
    NAME = "B({period})"

    def _compute_pair(self) -> Decimal:
        self._take_returns()
        variance = streaming_variance(reversed(self._reference_returns))
        covariance = self._covariance()
        bottom = 1.0 if _is_nothing(variance) else variance
        return decimal_from_double((0.0 if _is_nothing(covariance) else covariance) / bottom)


class Covariance(_Returns):
    """Covariance of the returns of two symbols."""

    __slots__ = ()
    NAME = "COV({period})"

    def _compute_pair(self) -> Decimal:
        self._take_returns()
        covariance = self._covariance()
        return ZERO if _is_nothing(covariance) else decimal_from_double(covariance)


class Correlation(DualSymbolIndicator):
    """Correlation of the closes of two symbols."""

    __slots__ = ("_kind",)
    PARAMETERS = (
        anything("target_symbol"),
        anything("reference_symbol"),
        whole("period"),
        anything("correlation_type", CorrelationType.PEARSON),
    )
    NAME = "Correlation({period})"

    def _create(
        self, target_symbol: Any, reference_symbol: Any, period: int, correlation_type: CorrelationType
    ) -> None:
        if period < 2:
            raise ValueError(f"Period parameter for Correlation indicator must be greater than 2 but was {period}")
        self._kind = CorrelationType(correlation_type)
        self._create_pair(_symbol(target_symbol), _symbol(reference_symbol), period)

    def _compute_pair(self) -> Decimal:
        target, reference = ([to_float(bar._close) for bar in reversed(self._bars[s])] for s in self._symbols)
        if self._kind == CorrelationType.SPEARMAN:
            target, reference = ranks(target), ranks(reference)
        value = pearson(target, reference)
        return ZERO if _is_nothing(value) else decimal_from_double(value)


class Alpha(BarIndicator):
    """Return beyond what the reference explains, a period's mean."""

    __slots__ = ("_alpha", "_beta", "_period", "_rate", "_reference", "_reference_change", "_target", "_target_change")
    PARAMETERS = (
        anything("target_symbol"),
        anything("reference_symbol"),
        whole("alpha_period"),
        whole("beta_period"),
        anything("risk_free_rate", None),
    )
    NAME = "ALPHA({target_symbol},{reference_symbol},{alpha_period},{beta_period}{rate})"

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """``([name,] target, reference, alpha_period[, beta_period][, rate or model])``, one period serving as both."""
        given = list(arguments)
        name = given.pop(0) if len(given) > 3 and isinstance(given[0], str) and not _is_number(given[2]) else None
        name = named.pop("name", name)
        named = {"risk_free_rate" if key == "risk_free_rate_model" else key: item for key, item in named.items()}
        single = "period" in named or ("beta_period" not in named and not (len(given) > 3 and type(given[3]) is int))
        if "period" in named:
            named["alpha_period"] = named.pop("period")
        if single:
            given, rate = given[:3], given[3:]
            if rate:
                named["risk_free_rate"] = rate[0]
            named["beta_period"] = given[2] if len(given) > 2 else named["alpha_period"]
        values = bind(Alpha.PARAMETERS, tuple(given), named, "Alpha")
        if name is None:
            periods = f"{values['alpha_period']}" + ("" if single else f",{values['beta_period']}")
            rate_given = values["risk_free_rate"]
            shown = (
                f",{'' if rate_given is None else decimal_text(from_python(rate_given))}"
                if (rate_given is None or _is_number(rate_given))
                else ""
            )
            name = f"ALPHA({values['target_symbol']},{values['reference_symbol']},{periods}{shown})"
        self._begin(name)
        self._create(**values)

    def _create(
        self, target_symbol: Any, reference_symbol: Any, alpha_period: int, beta_period: int, risk_free_rate: Any
    ) -> None:
        target_symbol, reference_symbol = _symbol(target_symbol), _symbol(reference_symbol)
        if target_symbol == reference_symbol:
            raise ValueError("The target and reference symbols cannot be the same.")
        if alpha_period < 1:
            raise ValueError("The period must be equal or greater than 1.")
        if beta_period < 2:
            raise ValueError("The beta period must be equal or greater than 2.")
        self._target, self._reference = target_symbol, reference_symbol
        self._period = Decimal(alpha_period)
        self._rate = _rate_function(ZERO if risk_free_rate is None else risk_free_rate)
        self._target_change = RateOfChange(self.name + "_TargetROC", alpha_period)
        self._reference_change = RateOfChange(self.name + "_ReferenceROC", alpha_period)
        self._beta = Beta(self.name + "_Beta", target_symbol, reference_symbol, beta_period)
        self._alpha = ZERO
        self._warm_up = max(alpha_period, beta_period) + 1

    @property
    def is_ready(self) -> bool:
        return self._target_change.is_ready and self._beta.is_ready and self._reference_change.is_ready

    def _next_bar(self, bar: Any) -> Decimal:
        if bar.symbol == self._target:
            self._target_change._push(bar._end_us, bar._close)
        elif bar.symbol == self._reference:
            self._reference_change._push(bar._end_us, bar._close)
        else:
            raise ValueError(f"The input symbol {bar.symbol} is not the target or reference symbol.")
        self._beta._push_bar(bar)
        if self._target_change._samples == self._reference_change._samples:
            self._alpha = self._compute() if self.is_ready else ZERO
        return self._alpha

    def _compute(self) -> Decimal:
        target = div(self._target_change._value, self._period)
        reference = div(self._reference_change._value, self._period)
        rate = self._rate(from_us(self._target_change._us))
        return sub(target, add(rate, mul(self._beta._value, sub(reference, rate))))

    def reset(self) -> None:
        self._target_change.reset()
        self._reference_change.reset()
        self._beta.reset()
        self._alpha = ZERO
        super().reset()


def _is_number(item: Any) -> bool:
    return isinstance(item, (int, float, Decimal))


# Coefficients of the inverse error function (Boost's, which Math.NET uses), lowest power first.
_CENTRE = (
    (
        *(-0.000508781949658280665617, -0.00836874819741736770379, 0.0334806625409744615033),
        *(-0.0126926147662974029034, -0.0365637971411762664006, 0.0219878681111168899165),
        *(0.00822687874676915743155, -0.00538772965071242932965),
    ),
    (
        *(1.0, -0.970005043303290640362, -1.56574558234175846809, 1.56221558398423026363, 0.662328840472002992063),
        *(-0.71228902341542847553, -0.0527396382340099713954, 0.0795283687341571680018),
        *(-0.00233393759374190016776, 0.000886216390456424707504),
    ),
)
_MIDDLE = (
    (
        *(-0.202433508355938759655, 0.105264680699391713268, 8.37050328343119927838, 17.6447298408374015486),
        *(-18.8510648058714251895, -44.6382324441786960818, 17.445385985570866523, 21.1294655448340526258),
        -3.67192254707729348546,
    ),
    (
        *(1.0, 6.24264124854247537712, 3.9713437953343869095, -28.6608180499800029974, -20.1432634680485188801),
        *(48.5609213108739935468, 10.8268667355460159008, -22.6436933413139721736, 1.72114765761200282724),
    ),
)
_TAIL = (
    (
        *(-0.131102781679951906451, -0.163794047193317060787, 0.117030156341995252019, 0.387079738972604337464),
        *(0.337785538912035898924, 0.142869534408157156766, 0.0290157910005329060432, 0.00214558995388805277169),
        *(-0.679465575181126350155e-6, 0.285225331782217055858e-7, -0.681149956853776992068e-9),
    ),
    (
        *(1.0, 3.46625407242567245975, 5.38168345707006855425, 4.77846592945843778382, 2.59301921623620271374),
        *(0.848854343457902036425, 0.152264338295331783612, 0.01105924229346489121),
    ),
)
_FAR_TAIL = (
    (
        *(-0.0350353787183177984712, -0.00222426529213447927281, 0.0185573306514231072324),
        *(0.00950804701325919603619, 0.00187123492819559223345, 0.000157544617424960554631),
        *(0.460469890584317994083e-5, -0.230404776911882601748e-9, 0.266339227425782031962e-11),
    ),
    (
        *(1.0, 1.3653349817554063097, 0.762059164553623404043, 0.220091105764131249824, 0.0341589143670947727934),
        *(0.00263861676657015992959, 0.764675292302794483503e-4),
    ),
)


def _quotient(x: float, polynomials: tuple[tuple[float, ...], tuple[float, ...]]) -> float:
    values = []
    for coefficients in polynomials:
        total = coefficients[-1]
        for coefficient in coefficients[-2::-1]:
            total *= x
            total += coefficient
        values.append(total)
    return values[0] / values[1]


def inverse_complementary_error(z: float) -> float:
    """Where the complementary error function is ``z``, as Math.NET's ``SpecialFunctions.ErfcInv`` computes it."""
    if z <= 0.0:
        return math.inf
    if z >= 2.0:
        return -math.inf
    p, q, sign = (1 - (2 - z), 2 - z, -1.0) if z > 1 else (1 - z, z, 1.0)
    if p <= 0.5:
        g = p * (p + 10)
        result = g * 0.0891314744949340820313 + g * _quotient(p, _CENTRE)
    elif q >= 0.25:
        result = math.sqrt(-2 * math.log(q)) / (2.249481201171875 + _quotient(q - 0.25, _MIDDLE))
    else:
        x = math.sqrt(-math.log(q))
        if x < 3:
            result = 0.807220458984375 * x + _quotient(x - 1.125, _TAIL) * x
        elif x < 6:
            result = 0.93995571136474609375 * x + _quotient(x - 3, _FAR_TAIL) * x
        else:
            raise NotSupportedError("ValueAtRisk", "a confidence level this near to 0 or 1")
    return sign * result


class ValueAtRisk(WindowIndicator):
    """The return that is undercut with a probability of one less the confidence level, if returns are normal."""

    __slots__ = ("_change", "_level", "_returns")
    PARAMETERS = (whole("period"), double("confidence_level"))
    NAME = "VaR({period}, {confidence_level})"

    def _create(self, period: int, confidence_level: float) -> None:  # type: ignore[override]
        super()._create(period)
        if period < 3:
            raise ValueError(f"Period parameter for ValueAtRisk indicator must be greater than 2 but was {period}")
        self._level = confidence_level
        self._returns: deque[float] = deque(maxlen=period)
        self._change = RateOfChange(1)

    def _compute(self, value: Decimal, us: int) -> Decimal:
        self._change._push(us, value)
        self._returns.appendleft(to_float(self._change._value))
        if len(self._returns) < 2:
            return ZERO
        mean = 0.0
        for count, item in enumerate(self._returns, 1):
            mean += (item - mean) / count
        deviation = math.sqrt(streaming_variance(self._returns))
        place = inverse_complementary_error(2.0 * (1 - self._level))
        return decimal_from_double(mean - deviation * math.sqrt(2.0) * place)

    def reset(self) -> None:
        self._change.reset()
        self._returns.clear()
        super().reset()
