"""Cycles and memory of a series.

Source of the rules: ``HilbertTransform.cs`` and ``HurstExponent.cs`` of Lean.
"""

from __future__ import annotations

import math
from collections import deque
from decimal import Decimal

from harness.embedded.clr import ZERO, add, decimal_from_double, div, mul, sub, to_float
from harness.embedded.indicators.averages import Delay
from harness.embedded.indicators.base import Derived, Indicator, decimal, whole

_POINT_25 = Decimal("1.25")


def _ready_value(part: Delay) -> Decimal:
    return part._value if part.is_ready else ZERO


class HilbertTransform(Indicator):
    """Parts of the price in phase and in quadrature with its cycle; its value is the price."""

    __slots__ = (
        *("_before", "_delay2", "_delay4", "_in_phase_delay", "_in_phase_factor", "_length"),
        *("_quadrature_delay", "_quadrature_factor", "in_phase", "quadrature"),
    )
    PARAMETERS = (
        whole("length", 7),
        decimal("in_phase_multiplication_factor", "0.635"),
        decimal("quadrature_multiplication_factor", "0.338"),
    )
    NAME = "Hilbert({length}, {in_phase_multiplication_factor}, {quadrature_multiplication_factor})"

    def _create(
        self, length: int, in_phase_multiplication_factor: Decimal, quadrature_multiplication_factor: Decimal
    ) -> None:
        name = self.name
        self._length = length
        self._in_phase_factor = in_phase_multiplication_factor
        self._quadrature_factor = quadrature_multiplication_factor
        self._before = Delay(name + "_prev", length)
        self._delay2 = Delay(name + "_detrendPriceDelay2", 1)
        self._delay4 = Delay(name + "_detrendPriceDelay4", 3)
        self._in_phase_delay = Delay(name + "_inPhaseDelay3", 2)
        self._quadrature_delay = Delay(name + "_quadratureDelay2", 1)
        self.in_phase = Derived(name + "_inPhase", lambda: self._samples > length + 2)
        self.quadrature = Derived(name + "_quad", lambda: self._samples > length)
        self._warm_up = length + 2

    @property
    def is_ready(self) -> bool:
        return self._samples >= self.warm_up_period

    def _next(self, value: Decimal, us: int) -> Decimal:
        self._before._push(us, value)
        detrended = ZERO
        if self._before.is_ready:
            detrended = sub(value, self._before._value)
            self._delay2._push(us, detrended)
            self._delay4._push(us, detrended)
        two = _ready_value(self._delay2)
        in_phase = quadrature = ZERO
        if self.in_phase.is_ready:
            factor = self._in_phase_factor
            in_phase = add(
                mul(_POINT_25, sub(_ready_value(self._delay4), mul(two, factor))),
                mul(_ready_value(self._in_phase_delay), factor),
            )
        self.in_phase._set(us, in_phase)
        if self.in_phase.is_ready:
            self._in_phase_delay._push(us, in_phase)
        if self.quadrature.is_ready:
            factor = self._quadrature_factor
            quadrature = add(sub(two, mul(detrended, factor)), mul(_ready_value(self._quadrature_delay), factor))
        self.quadrature._set(us, quadrature)
        if self.quadrature.is_ready:
            self._quadrature_delay._push(us, quadrature)
        return value

    def reset(self) -> None:
        super().reset()
        for part in (
            *(self._before, self._delay2, self._delay4, self._in_phase_delay, self._quadrature_delay),
            *(self.in_phase, self.quadrature),
        ):
            part.reset()


class HurstExponent(Indicator):
    """How the deviation of changes grows with their length: the slope of its logarithm."""

    __slots__ = ("_logs", "_prices", "_sum", "_sum_of_squares")
    PARAMETERS = (whole("period"), whole("max_lag", 20))
    NAME = "HE({period},{max_lag})"

    def _create(self, period: int, max_lag: int) -> None:
        if max_lag < 3:
            raise ValueError(
                "The maxLag parameter must be greater than 2 to compute the Hurst Exponent. (Parameter 'maxLag')"
            )
        self._prices: deque[Decimal] = deque(maxlen=period)
        self._logs = {lag: decimal_from_double(math.log(lag)) for lag in range(2, max_lag + 1)}
        self._sum = self._sum_of_squares = ZERO
        for log in self._logs.values():
            self._sum = add(self._sum, log)
            self._sum_of_squares = add(self._sum_of_squares, mul(log, log))
        self._warm_up = period

    @property
    def is_ready(self) -> bool:
        return len(self._prices) == self._prices.maxlen

    def _next(self, value: Decimal, us: int) -> Decimal:
        self._prices.append(value)
        if not self.is_ready:
            return ZERO
        newest_first = list(reversed(self._prices))
        total = products = ZERO
        for lag, log in self._logs.items():
            deviation = _deviation_of_changes(newest_first, lag)
            log_deviation = ZERO if deviation == 0.0 else decimal_from_double(math.log(deviation))
            total = add(total, log_deviation)
            products = add(products, mul(log, log_deviation))
        count = Decimal(len(self._logs))
        return div(
            sub(mul(count, products), mul(self._sum, total)),
            sub(mul(count, self._sum_of_squares), mul(self._sum, self._sum)),
        )

    def reset(self) -> None:
        self._prices.clear()
        super().reset()


def _deviation_of_changes(newest_first: list[Decimal], lag: int) -> float:
    """Standard deviation of the changes over ``lag`` values."""
    count = max(0, len(newest_first) - lag)
    if not count:
        return 0.0
    mean = squares = ZERO
    for index in range(count):
        change = sub(newest_first[index + lag], newest_first[index])
        squares = add(squares, mul(change, change))
        mean = add(mean, change)
    number = Decimal(count)
    mean = div(mean, number)
    return math.sqrt(to_float(sub(div(squares, number), mul(mean, mean))))
