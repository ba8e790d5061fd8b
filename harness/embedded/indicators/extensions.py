"""Indicators made of indicators.

Source of the rules: ``CompositeIndicator.cs``, ``ResetCompositeIndicator.cs``, ``FunctionalIndicator.cs``,
``IndicatorResult.cs`` and ``IndicatorExtensions.cs`` in Lean's ``Indicators`` folder.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from harness.embedded.clr import ZERO, add, decimal_text, div, from_python, mul, sub, to_float
from harness.embedded.indicators.averages import (
    ExponentialMovingAverage,
    SimpleMovingAverage,
    Sum,
    WindowIdentity,
)
from harness.embedded.indicators.base import ConstantIndicator, IndicatorBase, IndicatorStatus, Input
from harness.embedded.indicators.extremes import Maximum, Minimum
from harness.embedded.indicators.user_indicator import as_indicator_base
from harness.embedded.naming import lean_api

Composer = Callable[[IndicatorBase, IndicatorBase], Decimal | None]


@lean_api
class IndicatorResult:
    """A computed value and whether it is one."""

    __slots__ = ("_value", "status")

    def __init__(self, value: Any, status: IndicatorStatus = IndicatorStatus.SUCCESS) -> None:
        self._value = from_python(value)
        self.status = status

    @property
    def value(self) -> float:
        return to_float(self._value)


class CompositeIndicator(IndicatorBase):
    """A function of two indicators, computed once both have a new value (a constant always has)."""

    __slots__ = ("_composer", "_new_left", "_new_right", "left", "right")

    def __init__(self, *arguments: Any, name: str | None = None) -> None:
        """``([name,] left, right, function)``; the function gets both indicators."""
        given = list(arguments)
        if len(given) == 4:
            name = given.pop(0)
        left, right, composer = given
        self._compose(as_indicator_base(left), as_indicator_base(right), _user_composer(composer), name)

    @classmethod
    def of(
        cls, left: IndicatorBase, right: IndicatorBase, composer: Composer, name: str | None = None
    ) -> CompositeIndicator:
        """A composite of the engine's own: the function returns a Decimal, or ``None`` for no value."""
        made = cls.__new__(cls)
        made._compose(left, right, composer, name)
        return made

    def _compose(self, left: IndicatorBase, right: IndicatorBase, composer: Composer, name: str | None) -> None:
        self._begin(f"COMPOSE({left.name},{right.name})" if name is None else name)
        self.left = left
        self.right = right
        self._composer = composer
        self._new_left = self._new_right = False
        left._listeners = (*left._listeners, self._on_left)
        right._listeners = (*right._listeners, self._on_right)

    def _on_left(self, left: IndicatorBase) -> None:
        self._new_left = True
        if self._new_right or isinstance(self.right, ConstantIndicator):
            self._compose_next(left._us)

    def _on_right(self, right: IndicatorBase) -> None:
        self._new_right = True
        if self._new_left or isinstance(self.left, ConstantIndicator):
            self._compose_next(right._us)

    def _compose_next(self, us: int) -> None:
        self._push(max(us, self.left._us, self.right._us), ZERO)
        self._new_left = self._new_right = False

    @property
    def is_ready(self) -> bool:
        return bool(self.left.is_ready and self.right.is_ready)

    def _next(self, value: Decimal, us: int) -> Decimal | None:
        return self._composer(self.left, self.right)

    def reset(self) -> None:
        self.left.reset()
        self.right.reset()
        super().reset()


class ResetCompositeIndicator(CompositeIndicator):
    """A composite that resets more than its two sides."""

    __slots__ = ("_extra_reset",)

    _extra_reset: Callable[[], None]

    def reset(self) -> None:
        super().reset()
        self._extra_reset()


def _user_composer(function: Callable[[Any, Any], Any]) -> Composer:
    def compose(left: IndicatorBase, right: IndicatorBase) -> Decimal | None:
        result = function(left, right)
        if isinstance(result, IndicatorResult):
            return result._value if result.status == IndicatorStatus.SUCCESS else None
        return from_python(result)

    return compose


class FunctionalIndicator(IndicatorBase):
    """An indicator made of functions: ``(name, compute_next_value, is_ready[, reset])``; it takes any data."""

    __slots__ = ("_compute_next", "_is_ready", "_reset")
    INPUT = Input.DATA

    def __init__(
        self,
        name: str,
        compute_next_value: Callable[[Any], Any],
        is_ready: Callable[[Any], bool],
        reset: Callable[[], Any] | None = None,
    ) -> None:
        self._begin(name)
        self._compute_next = compute_next_value
        self._is_ready = is_ready
        self._reset = reset

    @property
    def is_ready(self) -> bool:
        return bool(self._is_ready(self))

    def _next_bar(self, bar: Any) -> Decimal:
        return from_python(self._compute_next(bar))

    def reset(self) -> None:
        if self._reset is not None:
            self._reset()
        super().reset()


def _plus(left: IndicatorBase, right: IndicatorBase) -> Decimal:
    return add(left._value, right._value)


def _minus(left: IndicatorBase, right: IndicatorBase) -> Decimal:
    return sub(left._value, right._value)


def _times(left: IndicatorBase, right: IndicatorBase) -> Decimal:
    return mul(left._value, right._value)


def _over(left: IndicatorBase, right: IndicatorBase) -> Decimal | None:
    return None if right._value == 0 else div(left._value, right._value)


def _operand(value: Any) -> IndicatorBase:
    if isinstance(value, IndicatorBase) or not isinstance(value, (int, float, Decimal)):
        return as_indicator_base(value)
    number = from_python(value)
    return ConstantIndicator(decimal_text(number), number)


def chain(second: Any, first: Any, wait_for_first_to_ready: bool = True) -> Any:
    """Feed the values of ``first`` to ``second``, by default once ``first`` is ready."""
    source, target = as_indicator_base(first), as_indicator_base(second)

    def feed(indicator: IndicatorBase) -> None:
        if not wait_for_first_to_ready or indicator.is_ready:
            if target.INPUT is Input.POINT:
                target._push(indicator._us, indicator._value)
            else:
                target._update_data(indicator.current)

    source._listeners = (*source._listeners, feed)
    return second


def weighted_by(value: Any, weight: Any, period: int) -> CompositeIndicator:
    """Mean of the last ``period`` values of one indicator, weighted by another."""
    values, weights = as_indicator_base(value), as_indicator_base(weight)
    x, y = WindowIdentity(period), WindowIdentity(period)
    numerator, denominator = Sum("Sum_xy", period), Sum("Sum_y", period)

    def on_value(source: IndicatorBase) -> None:
        x._push(source._us, source._value)
        if x._samples == y._samples:
            numerator._push(source._us, mul(source._value, y._value))

    def on_weight(source: IndicatorBase) -> None:
        y._push(source._us, source._value)
        if x._samples == y._samples:
            numerator._push(source._us, mul(source._value, x._value))
        denominator._push(source._us, source._value)

    values._listeners = (*values._listeners, on_value)
    weights._listeners = (*weights._listeners, on_weight)
    name = f"RESET_COMPOSE({numerator.name},{denominator.name})"
    made = ResetCompositeIndicator.of(numerator, denominator, _over, name)
    assert isinstance(made, ResetCompositeIndicator)

    def reset() -> None:
        x.reset()
        y.reset()

    made._extra_reset = reset
    return made


class IndicatorExtensions:
    """Functions that combine indicators: ``IndicatorExtensions.sma(rsi, 10)``."""

    @staticmethod
    def update(indicator: Any, time: Any, value: Any) -> Any:
        return indicator.update(time, value)

    of = staticmethod(chain)
    weighted_by = staticmethod(weighted_by)

    @staticmethod
    def plus(left: Any, right: Any, name: str | None = None) -> CompositeIndicator:
        return CompositeIndicator.of(as_indicator_base(left), _operand(right), _plus, name)

    @staticmethod
    def minus(left: Any, right: Any, name: str | None = None) -> CompositeIndicator:
        return CompositeIndicator.of(as_indicator_base(left), _operand(right), _minus, name)

    @staticmethod
    def times(left: Any, right: Any, name: str | None = None) -> CompositeIndicator:
        return CompositeIndicator.of(as_indicator_base(left), _operand(right), _times, name)

    @staticmethod
    def over(left: Any, right: Any, name: str | None = None) -> CompositeIndicator:
        return CompositeIndicator.of(as_indicator_base(left), _operand(right), _over, name)

    @staticmethod
    def sma(left: Any, period: int, wait_for_first_to_ready: bool = True) -> Any:
        source = as_indicator_base(left)
        return chain(SimpleMovingAverage(f"SMA{period}_Of_{source.name}", period), source, wait_for_first_to_ready)

    @staticmethod
    def ema(
        left: Any, period: int, smoothing_factor: Any = None, wait_for_first_to_ready: bool = True
    ) -> ExponentialMovingAverage:
        source = as_indicator_base(left)
        made = ExponentialMovingAverage(f"EMA{period}_Of_{source.name}", period, smoothing_factor)
        chain(made, source, wait_for_first_to_ready)
        return made

    @staticmethod
    def max(left: Any, period: int, wait_for_first_to_ready: bool = True) -> Any:
        source = as_indicator_base(left)
        return chain(Maximum(f"MAX{period}_Of_{source.name}", period), source, wait_for_first_to_ready)

    @staticmethod
    def min(left: Any, period: int, wait_for_first_to_ready: bool = True) -> Any:
        source = as_indicator_base(left)
        return chain(Minimum(f"MIN{period}_Of_{source.name}", period), source, wait_for_first_to_ready)

    Update, Of, WeightedBy = update, of, weighted_by
    Plus, Minus, Times, Over = plus, minus, times, over
    SMA, EMA, MAX, MIN = sma, ema, max, min
