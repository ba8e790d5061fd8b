"""What securities and models share about exact numbers: floats for user code, and the sign of zero.

``System.Decimal`` has a negative zero, and user code sees it: a short position that was bought back has a quantity of
``-0.0`` in Lean. Python's ``Decimal`` loses that sign in sums; :func:`net_add` and :func:`net_sub` keep it.
Source of the rule: .NET's ``DecCalc.DecAddSub`` (the result of a subtraction carries the sign of the operand that was
scaled, the left one if both had the same scale).
"""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from typing import Any

from harness.embedded.clr import add, from_python, to_float


def _scale(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def net_add(a: Decimal, b: Decimal) -> Decimal:
    """``a + b`` as System.Decimal, the sign of a zero result included."""
    total = add(a, b)
    if total or a.is_signed() == b.is_signed():
        return total
    scale_a, scale_b = _scale(a), _scale(b)
    if a:
        negative = b.is_signed() if scale_b < scale_a else a.is_signed()
    else:
        negative = b.is_signed() if scale_b > scale_a else a.is_signed()
    return total.copy_negate() if negative else total


def net_sub(a: Decimal, b: Decimal) -> Decimal:
    """``a - b`` as System.Decimal, the sign of a zero result included."""
    return net_add(a, b.copy_negate())


def shown(attribute: str) -> Any:
    """A read-only property: the float of an exact ``Decimal`` attribute."""

    def read(target: Any) -> float:
        return to_float(getattr(target, attribute))

    return property(read)


def number(attribute: str) -> Any:
    """A property: the float of an exact ``Decimal`` attribute, which any number may be assigned to."""

    def read(target: Any) -> float:
        return to_float(getattr(target, attribute))

    def write(target: Any, value: Any) -> None:
        setattr(target, attribute, from_python(value))

    return property(read, write)


def sign(value: Decimal) -> int:
    """``Math.Sign``."""
    return (value > 0) - (value < 0)


def ceiling(value: Decimal) -> Decimal:
    """``Math.Ceiling``."""
    return value.to_integral_value(ROUND_CEILING)
