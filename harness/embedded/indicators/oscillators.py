"""Less common oscillators and filters.

Source of the rules: the class of the same name in Lean's ``Indicators`` folder.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from harness.embedded.clr import ONE, ZERO, add, decimal_from_double, div, mul, sub, to_float
from harness.embedded.enums import MovingAverageType
from harness.embedded.indicators.averages import ExponentialMovingAverage, SimpleMovingAverage
from harness.embedded.indicators.base import (
    HUNDRED,
    BarIndicator,
    Identity,
    IndicatorBase,
    Input,
    TradeBarIndicator,
    WindowIndicator,
    anything,
    decimal,
    whole,
)
from harness.embedded.indicators.volatility import BollingerBands, KeltnerChannels

_TWO = Decimal(2)
_THREE = Decimal(3)
_FOUR = Decimal(4)
_TEN = Decimal(10)
_FIFTY = Decimal(50)
_HALF = Decimal("0.5")
_QUARTER = Decimal("0.25")
_POINT_2 = Decimal("0.2")
_POINT_8 = Decimal("0.8")
_POINT_33 = Decimal("0.33")
_POINT_67 = Decimal("0.67")
_SMALL = Decimal("0.0962")
_LARGE = Decimal("0.5769")


class Momersion(WindowIndicator):
    """Share of the changes that continue the one before, in per cent."""

    __slots__ = ("_minimum", "_product_count", "_products")
    PARAMETERS = (anything("min_period", None), whole("full_period"))
    NAME = "Momersion({min_period},{full_period})"

    def __init__(self, *arguments: Any, **named: Any) -> None:
        given = list(arguments)
        numbers = [item for item in given if not isinstance(item, str)]
        if len(numbers) == 1 and "full_period" not in named:
            given.insert(len(given) - 1, None)
        super().__init__(*given, **named)

    def _create(self, min_period: int | None, full_period: int) -> None:  # type: ignore[override]
        if min_period is not None and min_period < 4:
            raise ValueError("The minimum period should be 4. (Parameter 'minPeriod')")
        super()._create(full_period)
        self._minimum = min_period
        self._products: deque[Decimal] = deque(maxlen=full_period)
        self._product_count = 0
        self._warm_up = full_period + 3 if min_period is None else min_period + 2

    @property
    def is_ready(self) -> bool:
        products = self._products
        if self._minimum is not None:
            return len(products) >= self._minimum
        return self._product_count > (products.maxlen or 0)

    def _compute(self, value: Decimal, us: int) -> Decimal:
        values, products = self._values, self._products
        if len(values) >= 3:
            products.append(mul(sub(value, values[-2]), sub(values[-2], values[-3])))
            self._product_count += 1
        if self.is_ready and sum(1 for item in products if item == 0) < 0.5 * len(products):
            going_on = sum(1 for item in products if item > 0)
            turning = sum(1 for item in products if item < 0)
            return div(mul(HUNDRED, Decimal(going_on)), Decimal(going_on + turning))
        return _FIFTY

    def reset(self) -> None:
        super().reset()
        self._products.clear()
        self._product_count = 0


class WilderSwingIndex(TradeBarIndicator):
    """Swing of a bar against the one before, in units of a limit move."""

    __slots__ = ("_last", "_limit")
    PARAMETERS = (decimal("limit_move"),)
    NAME = "SI"

    def _create(self, limit_move: Decimal) -> None:
        self._limit = limit_move.copy_abs()
        self._last: tuple[Decimal, Decimal] = (ZERO, ZERO)
        self._warm_up = 2

    @property
    def is_ready(self) -> bool:
        return self._samples > 1

    def _next_bar(self, bar: Any) -> Decimal:
        opening, high, low, close = bar._open, bar._high, bar._low, bar._close
        last_open, last_close = self._last
        self._last = (opening, close)
        if self._samples <= 1:
            return ZERO
        numerator = add(
            add(sub(close, last_close), mul(_HALF, sub(close, opening))), mul(_QUARTER, sub(last_close, last_open))
        )
        up, down = sub(high, last_close), sub(low, last_close)
        spread = sub(high, low).copy_abs()
        body = mul(_QUARTER, sub(last_close, last_open)).copy_abs()
        greatest = max(up.copy_abs(), down.copy_abs(), spread)
        if up.copy_abs() == greatest:
            bottom = add(sub(up.copy_abs(), mul(_HALF, down).copy_abs()), body)
        elif down.copy_abs() == greatest:
            bottom = add(sub(down.copy_abs(), mul(_HALF, up).copy_abs()), body)
        else:
            bottom = add(spread, body)
        if bottom == 0 or self._limit == 0:
            return ZERO
        furthest = max(up.copy_abs(), down.copy_abs())
        return mul(mul(_FIFTY, div(numerator, bottom)), div(furthest, self._limit))


class WilderAccumulativeSwingIndex(TradeBarIndicator):
    """Running sum of the swing index."""

    __slots__ = ("_swing",)
    PARAMETERS = (decimal("limit_move"),)
    NAME = "ASI"

    def _create(self, limit_move: Decimal) -> None:
        self._swing = WilderSwingIndex(limit_move)
        self._warm_up = 2

    @property
    def is_ready(self) -> bool:
        return self._samples > 1

    def _next_bar(self, bar: Any) -> Decimal:
        self._swing._push_bar(bar)
        return add(self._value, self._swing._value) if self._swing.is_ready else ZERO

    def reset(self) -> None:
        self._swing.reset()
        super().reset()


class WaveTrendOscillator(BarIndicator):
    """Averaged distance of the typical price from its channel."""

    __slots__ = ("channel_average", "channel_deviation", "channel_index_average", "signal")
    PARAMETERS = (whole("channel_period"), whole("average_period"), whole("signal_period"))
    NAME = "WTO({channel_period},{average_period},{signal_period})"

    def _create(self, channel_period: int, average_period: int, signal_period: int) -> None:
        if min(channel_period, average_period, signal_period) < 1:
            raise ValueError("WaveTrendOscillator: all periods must be greater than zero.")
        name = self.name
        self.channel_average = ExponentialMovingAverage(name + "_ChannelAverage", channel_period)
        self.channel_deviation = ExponentialMovingAverage(name + "_ChannelDeviation", channel_period)
        self.channel_index_average = ExponentialMovingAverage(name + "_ChannelIndexAverage", average_period)
        self.signal = SimpleMovingAverage(name + "_Signal", signal_period)
        self._warm_up = 2 * channel_period + average_period + signal_period - 3

    @property
    def is_ready(self) -> bool:
        return self.signal.is_ready

    def _next_bar(self, bar: Any) -> Decimal:
        us = bar._end_us
        price = div(add(add(bar._high, bar._low), bar._close), _THREE)
        self.channel_average._push(us, price)
        if not self.channel_average.is_ready:
            return ZERO
        distance = sub(price, self.channel_average._value)
        self.channel_deviation._push(us, distance.copy_abs())
        if not self.channel_deviation.is_ready:
            return ZERO
        deviation = mul(Decimal("0.015"), self.channel_deviation._value)
        if deviation == 0:
            return self._value
        self.channel_index_average._push(us, div(distance, deviation))
        if self.channel_index_average.is_ready:
            self.signal._push(us, self.channel_index_average._value)
        return self.channel_index_average._value

    def reset(self) -> None:
        for part in (self.channel_average, self.channel_deviation, self.channel_index_average, self.signal):
            part.reset()
        super().reset()


class SqueezeMomentum(BarIndicator):
    """1 while the Bollinger bands lie inside the Keltner channels, else -1."""

    __slots__ = ("bollinger_bands", "keltner_channels")
    PARAMETERS = (
        whole("bollinger_period"),
        decimal("bollinger_multiplier"),
        whole("keltner_period"),
        decimal("keltner_multiplier"),
    )
    NAME = "SM({bollinger_period},{bollinger_multiplier},{keltner_period},{keltner_multiplier})"

    def _create(
        self, bollinger_period: int, bollinger_multiplier: Decimal, keltner_period: int, keltner_multiplier: Decimal
    ) -> None:
        self.bollinger_bands = BollingerBands(bollinger_period, bollinger_multiplier)
        self.keltner_channels = KeltnerChannels(keltner_period, keltner_multiplier, MovingAverageType.EXPONENTIAL)
        self._warm_up = max(bollinger_period, keltner_period)

    @property
    def is_ready(self) -> bool:
        return self.bollinger_bands.is_ready and self.keltner_channels.is_ready

    def _next_bar(self, bar: Any) -> Decimal:
        bands, channels = self.bollinger_bands, self.keltner_channels
        bands._push(bar._end_us, bar._value)
        channels._push_bar(bar)
        if not self.is_ready:
            return ZERO
        inside = (
            channels.upper_band._value > bands.upper_band._value
            and channels.lower_band._value < bands.lower_band._value
        )
        return ONE if inside else Decimal(-1)

    def reset(self) -> None:
        self.bollinger_bands.reset()
        self.keltner_channels.reset()
        super().reset()


class FilteredIdentity(IndicatorBase):
    """The value of the data that a filter accepts, else the last accepted one's."""

    __slots__ = ("_filter", "_last")
    INPUT = Input.DATA
    PARAMETERS = (anything("filter", None),)
    NAME = ""

    def _create(self, filter: Callable[[Any], bool] | None) -> None:
        self._filter = filter
        self._last = ZERO

    @property
    def is_ready(self) -> bool:
        return self._samples > 0 and self._value > 0

    def _next_bar(self, bar: Any) -> Decimal:
        if self._filter is None or self._filter(bar):
            self._last = bar._value
        return self._last


def _fir(value: Decimal, history: deque[Decimal], factor: Decimal) -> Decimal:
    """Hilbert transform of a series: ``history`` are the values before ``value``, newest first."""
    total = add(mul(_SMALL, value), mul(_LARGE, history[1]))
    total = sub(sub(total, mul(_LARGE, history[3])), mul(_SMALL, history[5]))
    return mul(total, factor)


class MesaAdaptiveMovingAverage(BarIndicator):
    """An average whose speed follows the phase of the market's cycle; ``fama`` follows it more slowly."""

    __slots__ = (
        *("_detrend", "_fast", "_in_phase", "_in_phase2", "_imaginary", "_mama", "_period", "_phase", "_prices"),
        *("_quadrature", "_quadrature2", "_radians", "_real", "_slow", "_smooth", "fama"),
    )
    PARAMETERS = (decimal("fast_limit", "0.5"), decimal("slow_limit", "0.05"))
    NAME = "MAMA"

    def _create(self, fast_limit: Decimal, slow_limit: Decimal) -> None:
        self._fast = fast_limit
        self._slow = slow_limit
        self._radians = div(Decimal(180), mul(_FOUR, decimal_from_double(math.atan(1.0))))
        self.fama = Identity(self.name + "_Fama")
        self._warm_up = 33
        self._clear()

    def _clear(self) -> None:
        self._prices: deque[Decimal] = deque(maxlen=13)
        self._smooth: deque[Decimal] = deque([ZERO] * 6, maxlen=6)
        self._detrend: deque[Decimal] = deque([ZERO] * 6, maxlen=6)
        self._in_phase: deque[Decimal] = deque([ZERO] * 6, maxlen=6)
        self._quadrature: deque[Decimal] = deque([ZERO] * 6, maxlen=6)
        self._period = self._in_phase2 = self._quadrature2 = ZERO
        self._real = self._imaginary = self._phase = self._mama = ZERO

    @property
    def is_ready(self) -> bool:
        return self._samples >= 33

    def _next_bar(self, bar: Any) -> Decimal:
        prices = self._prices
        prices.appendleft(div(add(bar._high, bar._low), _TWO))
        if len(prices) < 13:
            return ZERO
        adjusted = add(mul(Decimal("0.075"), self._period), Decimal("0.54"))
        weighted = add(add(add(mul(_FOUR, prices[0]), mul(_THREE, prices[1])), mul(_TWO, prices[2])), prices[3])
        smooth = div(weighted, _TEN)
        detrender = _fir(smooth, self._smooth, adjusted)
        quadrature1 = _fir(detrender, self._detrend, adjusted)
        in_phase1 = self._detrend[2]
        adjusted_in_phase = _fir(in_phase1, self._in_phase, adjusted)
        adjusted_quadrature = _fir(quadrature1, self._quadrature, adjusted)
        in_phase2 = add(mul(_POINT_2, sub(in_phase1, adjusted_quadrature)), mul(_POINT_8, self._in_phase2))
        quadrature2 = add(mul(_POINT_2, add(quadrature1, adjusted_in_phase)), mul(_POINT_8, self._quadrature2))
        alpha = self._alpha(in_phase1, quadrature1, in_phase2, quadrature2)
        mama = add(mul(alpha, prices[0]), mul(sub(ONE, alpha), self._mama))
        half = mul(_HALF, alpha)
        fama = add(mul(half, mama), mul(sub(ONE, half), self.fama._value))
        self._smooth.appendleft(smooth)
        self._detrend.appendleft(detrender)
        self._in_phase.appendleft(in_phase1)
        self._quadrature.appendleft(quadrature1)
        self._mama = mama
        self.fama._push(bar._end_us, fama)
        return mama if self.is_ready else ZERO

    def _degrees(self, numerator: Decimal, denominator: Decimal) -> Decimal:
        angle = decimal_from_double(math.atan(to_float(div(numerator, denominator))))
        return mul(angle, self._radians)

    def _alpha(self, in_phase1: Decimal, quadrature1: Decimal, in_phase2: Decimal, quadrature2: Decimal) -> Decimal:
        real = add(mul(in_phase2, self._in_phase2), mul(quadrature2, self._quadrature2))
        imaginary = sub(mul(in_phase2, self._quadrature2), mul(quadrature2, self._in_phase2))
        real = add(mul(_POINT_2, real), mul(_POINT_8, self._real))
        imaginary = add(mul(_POINT_2, imaginary), mul(_POINT_8, self._imaginary))
        period = ZERO
        if imaginary != 0 and real != 0:
            angle = self._degrees(imaginary, real)
            period = div(Decimal(360), angle) if angle > 0 else ZERO
        last = self._period
        period = min(period, mul(Decimal("1.5"), last))
        period = max(period, mul(_POINT_67, last))
        period = min(max(period, Decimal(6)), _FIFTY)
        period = add(mul(_POINT_2, period), mul(_POINT_8, last))
        phase = self._degrees(quadrature1, in_phase1) if in_phase1 != 0 else ZERO
        alpha = max(div(self._fast, max(sub(self._phase, phase), ONE)), self._slow)
        self._in_phase2, self._quadrature2 = in_phase2, quadrature2
        self._real, self._imaginary = real, imaginary
        self._period, self._phase = period, phase
        return alpha

    def reset(self) -> None:
        self._clear()
        self.fama.reset()
        super().reset()
