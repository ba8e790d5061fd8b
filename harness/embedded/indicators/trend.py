"""Direction and strength of a trend.

Source of the rules: the class of the same name in Lean's ``Indicators`` folder.
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import Any, ClassVar

from harness.embedded.clr import ZERO, add, div, mul, sub
from harness.embedded.enums import MovingAverageType
from harness.embedded.indicators.averages import SimpleMovingAverage, Sum, WilderMovingAverage, as_indicator
from harness.embedded.indicators.base import (
    HUNDRED,
    BarIndicator,
    Derived,
    Identity,
    Indicator,
    Parameter,
    average,
    decimal,
    whole,
)
from harness.embedded.indicators.extensions import IndicatorExtensions, chain
from harness.embedded.indicators.volatility import AverageTrueRange, TrueRange

_TWO = Decimal(2)
_FOUR = Decimal(4)
_SIX = Decimal(6)
_SEVEN = Decimal(7)
_FIFTY = Decimal(50)


class AverageDirectionalIndex(BarIndicator):
    """Strength of a trend from the smoothed directional movements."""

    __slots__ = (
        *("_average", "_last", "_minus", "_period", "_plus", "_range"),
        *("negative_directional_index", "positive_directional_index"),
    )
    PARAMETERS = (whole("period"),)
    NAME = "ADX({period})"

    def _create(self, period: int) -> None:
        self._period = period
        self.positive_directional_index = Derived(self.name + "_PositiveDirectionalIndex", self._smoothed)
        self.negative_directional_index = Derived(self.name + "_NegativeDirectionalIndex", self._smoothed)
        self._average = WilderMovingAverage(period)
        self._warm_up = period * 2
        self._clear()

    def _clear(self) -> None:
        self._last: tuple[Decimal, Decimal, Decimal] | None = None
        self._range = self._plus = self._minus = ZERO

    def _smoothed(self) -> bool:
        return self._samples > self._period

    @property
    def is_ready(self) -> bool:
        return self._average.is_ready

    def _smooth(self, total: Decimal, value: Decimal) -> Decimal:
        drop = div(total, Decimal(self._period)) if self._samples > self._period + 1 else ZERO
        return sub(add(total, value), drop)

    def _next_bar(self, bar: Any) -> Decimal:
        high, low, close = bar._high, bar._low, bar._close
        true_range = plus = minus = ZERO
        if self._last is not None:
            last_high, last_low, last_close = self._last
            spread = sub(high, low)
            true_range = max(spread, sub(high, last_close).copy_abs(), sub(low, last_close).copy_abs())
            up, down = sub(high, last_high), sub(last_low, low)
            if high > last_high and up >= down:
                plus = up
            if last_low > low and down > up:
                minus = down
        self._range = self._smooth(self._range, true_range)
        self._plus = self._smooth(self._plus, plus)
        self._minus = self._smooth(self._minus, minus)
        self._last = (high, low, close)
        # Lean stamps both parts with the time of this indicator's value before this one.
        us = self._us
        known = self._range != 0 and self._smoothed()
        positive = div(mul(HUNDRED, self._plus), self._range) if known else ZERO
        negative = div(mul(HUNDRED, self._minus), self._range) if known else ZERO
        self.positive_directional_index._set(us, positive)
        self.negative_directional_index._set(us, negative)
        difference = sub(positive, negative).copy_abs()
        total = add(positive, negative)
        if total == 0:
            return _FIFTY
        self._average._push(bar._end_us, div(mul(HUNDRED, difference), total))
        return self._average._value

    def reset(self) -> None:
        super().reset()
        self._clear()
        self._average.reset()
        self.positive_directional_index.reset()
        self.negative_directional_index.reset()


class AverageDirectionalMovementIndexRating(BarIndicator):
    """Mean of the ADX and the one a period ago."""

    __slots__ = ("_history", "_period", "adx")
    PARAMETERS = (whole("period"),)
    NAME = "ADXR({period})"

    def _create(self, period: int) -> None:
        self._period = period
        self.adx = AverageDirectionalIndex(self.name + "_ADX", period)
        self._history: deque[Decimal] = deque(maxlen=period)
        self._warm_up = period * 3 - 1

    @property
    def is_ready(self) -> bool:
        return len(self._history) == self._period

    def _next_bar(self, bar: Any) -> Decimal:
        self.adx._push_bar(bar)
        if self.adx.is_ready:
            self._history.append(self.adx._value)
        return div(add(self.adx._value, self._history[0]), _TWO) if self.is_ready else _FIFTY

    def reset(self) -> None:
        self.adx.reset()
        self._history.clear()
        super().reset()


AverageDirectionalMovementIndexRating.ADX = AverageDirectionalMovementIndexRating.__dict__["adx"]  # type: ignore[attr-defined]


class ParabolicStopAndReverseExtended(BarIndicator):
    """A stop that follows the trend ever faster; negative while short."""

    __slots__ = (
        *("_af_long", "_af_short", "_extreme", "_increment_long", "_increment_short", "_is_long", "_last"),
        *("_max_long", "_max_short", "_offset", "_sar", "_start", "_start_long", "_start_short"),
    )
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (
        decimal("sar_start", "0.0"),
        decimal("offset_on_reverse", "0.0"),
        decimal("af_start_short", "0.02"),
        decimal("af_increment_short", "0.02"),
        decimal("af_max_short", "0.2"),
        decimal("af_start_long", "0.02"),
        decimal("af_increment_long", "0.02"),
        decimal("af_max_long", "0.2"),
    )
    NAME = (
        "SAREXT({sar_start},{offset_on_reverse},{af_start_short},{af_increment_short},{af_max_short},{af_start_long},"
        "{af_increment_long},{af_max_long})"
    )

    def _create(
        self,
        *,
        sar_start: Decimal,
        offset_on_reverse: Decimal,
        af_start_short: Decimal,
        af_increment_short: Decimal,
        af_max_short: Decimal,
        af_start_long: Decimal,
        af_increment_long: Decimal,
        af_max_long: Decimal,
    ) -> None:
        self._start = sar_start
        self._offset = offset_on_reverse
        self._af_short = self._start_short = af_start_short
        self._increment_short = af_increment_short
        self._max_short = af_max_short
        self._af_long = self._start_long = af_start_long
        self._increment_long = af_increment_long
        self._max_long = af_max_long
        self._is_long = False
        self._sar = self._extreme = ZERO
        self._last = (ZERO, ZERO)
        self._warm_up = 2

    @property
    def is_ready(self) -> bool:
        return self._samples >= 2

    def _stop(self, bar: Any) -> Decimal:
        high, low = bar._high, bar._low
        if self._samples == 1:
            self._last = (high, low)
            return self._start if self._start != 0 else bar._close
        if self._samples == 2:
            self._begin_trend(high, low)
            self._last = (high, low)
        last_high, last_low = self._last
        stop = (
            self._long(high, low, last_high, last_low) if self._is_long else self._short(high, low, last_high, last_low)
        )
        self._last = (high, low)
        return stop

    def _next_bar(self, bar: Any) -> Decimal:
        return self._stop(bar)

    def _begin_trend(self, high: Decimal, low: Decimal) -> None:
        last_high, last_low = self._last
        if self._start != 0:
            self._is_long = self._start > 0
            self._sar = self._start.copy_abs()
        else:
            falling = low < last_low and sub(high, last_high) < sub(last_low, low)
            self._is_long = not falling
            self._sar = last_low if self._is_long else last_high
        self._extreme = high if self._is_long else low

    def _long(self, high: Decimal, low: Decimal, last_high: Decimal, last_low: Decimal) -> Decimal:
        if low <= self._sar:
            self._is_long = False
            sar = max(self._extreme, last_high, high)
            if self._offset != 0:
                sar = add(sar, mul(sar, self._offset))
            stop = sar.copy_negate()
            self._af_short = self._start_short
            self._extreme = low
            sar = add(sar, mul(self._af_short, sub(self._extreme, sar)))
            self._sar = max(sar, last_high, high)
            return stop
        stop = self._sar
        if high > self._extreme:
            self._extreme = high
            self._af_long = min(add(self._af_long, self._increment_long), self._max_long)
        self._sar = min(add(stop, mul(self._af_long, sub(self._extreme, stop))), last_low, low)
        return stop

    def _short(self, high: Decimal, low: Decimal, last_high: Decimal, last_low: Decimal) -> Decimal:
        if high >= self._sar:
            self._is_long = True
            sar = min(self._extreme, last_low, low)
            if self._offset != 0:
                sar = sub(sar, mul(sar, self._offset))
            stop = sar
            self._af_long = self._start_long
            self._extreme = high
            sar = add(sar, mul(self._af_long, sub(self._extreme, sar)))
            self._sar = min(sar, last_low, low)
            return stop
        sar = self._sar
        if low < self._extreme:
            self._extreme = low
            self._af_short = min(add(self._af_short, self._increment_short), self._max_short)
        self._sar = max(add(sar, mul(self._af_short, sub(self._extreme, sar))), last_high, high)
        return sar.copy_negate()

    def reset(self) -> None:
        self._af_short = self._start_short
        self._af_long = self._start_long
        super().reset()


class ParabolicStopAndReverse(ParabolicStopAndReverseExtended):
    """A stop that follows the trend ever faster."""

    __slots__ = ()
    PARAMETERS = (decimal("af_start", "0.02"), decimal("af_increment", "0.02"), decimal("af_max", "0.2"))
    NAME = "PSAR({af_start},{af_increment},{af_max})"

    def _create(  # type: ignore[override]
        self, *, af_start: Decimal, af_increment: Decimal, af_max: Decimal
    ) -> None:
        super()._create(
            sar_start=ZERO,
            offset_on_reverse=ZERO,
            af_start_short=af_start,
            af_increment_short=af_increment,
            af_max_short=af_max,
            af_start_long=af_start,
            af_increment_long=af_increment,
            af_max_long=af_max,
        )

    def _next_bar(self, bar: Any) -> Decimal:
        return self._stop(bar).copy_abs()


class HeikinAshi(BarIndicator):
    """Averaged bars; its value is their close."""

    __slots__ = ("close", "high", "low", "open", "volume")
    NAME = "HA"

    def _create(self) -> None:
        self.open = Identity(self.name + "_Open")
        self.high = Identity(self.name + "_High")
        self.low = Identity(self.name + "_Low")
        self.close = Identity(self.name + "_Close")
        self.volume = Identity(self.name + "_Volume")
        self._warm_up = 2

    @property
    def is_ready(self) -> bool:
        return self._samples > 1

    def _next_bar(self, bar: Any) -> Decimal:
        us = bar._end_us
        opening, high, low, close = bar._open, bar._high, bar._low, bar._close
        mean = div(add(add(add(opening, high), low), close), _FOUR)
        if self._samples <= 1:
            self.open._push(us, div(add(opening, close), _TWO))
            self.close._push(us, mean)
            self.high._push(us, high)
            self.low._push(us, low)
        else:
            self.open._push(us, div(add(self.open._value, self.close._value), _TWO))
            self.close._push(us, mean)
            self.high._push(us, max(high, self.open._value, self.close._value))
            self.low._push(us, min(low, self.open._value, self.close._value))
        self.volume._push(us, getattr(bar, "_volume", ZERO))
        return self.close._value

    def reset(self) -> None:
        for part in (self.open, self.high, self.low, self.close, self.volume):
            part.reset()
        super().reset()


class UltimateOscillator(BarIndicator):
    """Buying pressure over true range in three periods."""

    __slots__ = ("_close", "_period", "_pressures", "_ranges", "_true_range")
    PARAMETERS = (whole("period1"), whole("period2"), whole("period3"))
    NAME = "ULTOSC({period1},{period2},{period3})"

    def _create(self, period1: int, period2: int, period3: int) -> None:
        periods = (period1, period2, period3)
        self._period = max(periods)
        self._true_range = TrueRange(self.name + "_TR")
        self._pressures = [Sum(f"{self.name}_BP{number}", period) for number, period in enumerate(periods, 1)]
        self._ranges = [Sum(f"{self.name}_TR{number}", period) for number, period in enumerate(periods, 1)]
        self._close = ZERO
        self._warm_up = self._period + 1

    @property
    def is_ready(self) -> bool:
        return self._samples > self._period

    def _next_bar(self, bar: Any) -> Decimal:
        us, close, last = bar._end_us, bar._close, self._close
        self._true_range._push_bar(bar)
        self._close = close
        if self._samples == 1:
            return _FIFTY
        pressure = sub(close, min(bar._low, last))
        for total in self._pressures:
            total._push(us, pressure)
        for total in self._ranges:
            total._push(us, self._true_range._value)
        if not self.is_ready:
            return _FIFTY
        if any(total._value == 0 for total in self._ranges):
            return self._value
        one, two, three = (
            div(up._value, whole_range._value) for up, whole_range in zip(self._pressures, self._ranges, strict=True)
        )
        return div(mul(HUNDRED, add(add(mul(_FOUR, one), mul(_TWO, two)), three)), _SEVEN)

    def reset(self) -> None:
        self._true_range.reset()
        for total in (*self._pressures, *self._ranges):
            total.reset()
        super().reset()


class RelativeVigorIndexSignal(Indicator):
    """Weighted mean of the last four values of the vigor index."""

    __slots__ = ("_recent",)

    def _create(self) -> None:
        self._recent: deque[Decimal] = deque(maxlen=3)
        self._warm_up = 3

    @property
    def is_ready(self) -> bool:
        return len(self._recent) == 3

    def _next(self, value: Decimal, us: int) -> Decimal:
        recent = self._recent
        result = ZERO
        if self.is_ready:
            middle = mul(_TWO, add(recent[2], recent[1]))
            result = div(add(add(value, middle), recent[0]), _SIX)
        recent.append(value)
        return result

    def reset(self) -> None:
        super().reset()
        self._recent.clear()


class RelativeVigorIndex(BarIndicator):
    """Smoothed bodies over smoothed ranges."""

    __slots__ = ("_bodies", "_bodies_average", "_ranges", "_ranges_average", "signal")
    PARAMETERS = (whole("period"), average(MovingAverageType.SIMPLE, "type"))
    NAME = "RVI({period},{type})"

    def _create(self, period: int, type: MovingAverageType) -> None:
        self._bodies_average = as_indicator(type, period, "_closingBand")
        self._ranges_average = as_indicator(type, period, "_rangeBand")
        self.signal = RelativeVigorIndexSignal(self.name + "_S")
        self._bodies: deque[Decimal] = deque(maxlen=3)
        self._ranges: deque[Decimal] = deque(maxlen=3)
        self._warm_up = period + 3

    @property
    def is_ready(self) -> bool:
        return bool(self._bodies_average.is_ready and self._ranges_average.is_ready)

    def _next_bar(self, bar: Any) -> Decimal:
        us = bar._end_us
        body, spread = sub(bar._close, bar._open), sub(bar._high, bar._low)
        result = ZERO
        if len(self._bodies) == 3:
            for value, recent, smoothed in (
                (body, self._bodies, self._bodies_average),
                (spread, self._ranges, self._ranges_average),
            ):
                middle = mul(_TWO, add(recent[2], recent[1]))
                smoothed._push(us, div(add(add(value, middle), recent[0]), _SIX))
            if self.is_ready:
                bottom = self._ranges_average._value
                result = div(self._bodies_average._value, bottom) if bottom != 0 else ZERO
                self.signal._push(us, result)
        self._bodies.append(body)
        self._ranges.append(spread)
        return result

    def reset(self) -> None:
        super().reset()
        self._bodies_average.reset()
        self._ranges_average.reset()
        self._bodies.clear()
        self._ranges.clear()
        self.signal.reset()


class Vortex(BarIndicator):
    """Upward and downward movement over the true range; its value is their mean."""

    __slots__ = ("_atr", "_atr_sum", "_last", "_minus", "_period", "_plus", "minus_vortex", "plus_vortex")
    PARAMETERS = (whole("period"),)
    NAME = "VTX({period})"

    def _create(self, period: int) -> None:
        self._period = period
        self._atr = AverageTrueRange(f"{self.name}_ATR", 1, MovingAverageType.SIMPLE)
        self._atr_sum = chain(Sum("ATR_Sum", period), self._atr)
        self._plus = Sum("PlusVM_Sum", period)
        self._minus = Sum("MinusVM_Sum", period)
        self.plus_vortex = IndicatorExtensions.over(self._plus, self._atr_sum)
        self.minus_vortex = IndicatorExtensions.over(self._minus, self._atr_sum)
        self._last: tuple[Decimal, Decimal] | None = None
        self._warm_up = period

    @property
    def is_ready(self) -> bool:
        return self._samples >= self._period

    def _next_bar(self, bar: Any) -> Decimal:
        us, high, low = bar._end_us, bar._high, bar._low
        self._atr._push_bar(bar)
        if self._last is not None:
            last_high, last_low = self._last
            self._plus._push(us, sub(high, last_low).copy_abs())
            self._minus._push(us, sub(low, last_high).copy_abs())
        self._last = (high, low)
        if not self.is_ready:
            return ZERO
        return div(add(self.plus_vortex._value, self.minus_vortex._value), _TWO)

    def reset(self) -> None:
        super().reset()
        for part in (self._atr, self._atr_sum, self._plus, self._minus, self.plus_vortex, self.minus_vortex):
            part.reset()
        self._last = None


class RelativeMovingAverage(Indicator):
    """A short less a medium plus a long mean."""

    __slots__ = ("long_average", "medium_average", "short_average")
    PARAMETERS = (whole("period"),)
    NAME = "RMA({period})"

    def _create(self, period: int) -> None:
        self.short_average = SimpleMovingAverage(self.name + "_Short", period)
        self.medium_average = SimpleMovingAverage(self.name + "_Medium", period * 2)
        self.long_average = SimpleMovingAverage(self.name + "_Long", period * 3)
        self._warm_up = period * 3

    @property
    def is_ready(self) -> bool:
        return self.long_average.is_ready

    def _next(self, value: Decimal, us: int) -> Decimal:
        for part in (self.short_average, self.medium_average, self.long_average):
            part._push(us, value)
        return add(sub(self.long_average._value, self.medium_average._value), self.short_average._value)

    def reset(self) -> None:
        super().reset()
        for part in (self.short_average, self.medium_average, self.long_average):
            part.reset()


class BalanceOfPower(BarIndicator):
    """Body of the bar over its range."""

    __slots__ = ()
    NAME = "BOP"

    def _create(self) -> None:
        self._warm_up = 1

    @property
    def is_ready(self) -> bool:
        return self._samples > 0

    def _next_bar(self, bar: Any) -> Decimal:
        spread = sub(bar._high, bar._low)
        return div(sub(bar._close, bar._open), spread) if spread > 0 else ZERO


class InternalBarStrength(BarIndicator):
    """Place of the close in the bar's range."""

    __slots__ = ()
    NAME = "IBS()"

    def _create(self) -> None:
        self._warm_up = 1

    @property
    def is_ready(self) -> bool:
        return self._samples > 0

    def _next_bar(self, bar: Any) -> Decimal:
        high, low = bar._high, bar._low
        return Decimal("0.5") if high == low else div(sub(bar._close, low), sub(high, low))
