"""Exact money inside, floats outside: properties and text forms that the order classes share."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from harness.embedded import clr
from harness.embedded.binding import NoMatchError, decimal_of

_CURRENCY_SYMBOLS = {"USD": "$"}


def exact_number(value: Any) -> Decimal:
    """What is assigned to a ``decimal`` property. Raises ``TypeError``, as pythonnet does, for what is no number."""
    try:
        return decimal_of(value)
    except NoMatchError:
        raise TypeError(f"'{type(value).__name__}' value cannot be converted to System.Decimal") from None


def number(attribute: str, *, normalised: bool = False, optional: bool = False) -> Any:
    """A property over an exact ``Decimal`` attribute: user code reads a float and may set any number.

    ``normalised`` drops trailing zeros when it is set; with ``optional`` the value may be ``None``, and
    setting ``None`` changes nothing, as in Lean's ``OrderEvent``.
    """

    def read(target: Any) -> float | None:
        value = getattr(target, attribute)
        return None if value is None else clr.to_float(value)

    def write(target: Any, value: Any) -> None:
        if value is None and optional:
            return
        exact = exact_number(value)
        setattr(target, attribute, clr.normalize(exact) if normalised else exact)

    return property(read, write)


def nullable(attribute: str) -> Any:
    """Like :func:`number` for C#'s ``decimal?``: ``None`` can be set."""

    def read(target: Any) -> float | None:
        value = getattr(target, attribute)
        return None if value is None else clr.to_float(value)

    def write(target: Any, value: Any) -> None:
        setattr(target, attribute, None if value is None else exact_number(value))

    return property(read, write)


def naive_utc(value: datetime) -> datetime:
    """A UTC time as the engine keeps it; an aware one is converted."""
    return value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)


def utc_moment(attribute: str) -> Any:
    """A property over a naive UTC time or ``None``: user code reads it as aware of being UTC.

    Source: .NET times of kind UTC are aware in Python.
    """

    def read(target: Any) -> datetime | None:
        value = getattr(target, attribute)
        return None if value is None else value.replace(tzinfo=UTC)

    def write(target: Any, value: datetime | None) -> None:
        setattr(target, attribute, None if value is None else naive_utc(value))

    return property(read, write)


def to_datetime(value: Any) -> datetime:
    """A ``datetime`` from a ``datetime`` or ``date`` of user code. Raises ``TypeError`` for anything else."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if hasattr(value, "year") and hasattr(value, "month") and hasattr(value, "day"):
        return datetime(value.year, value.month, value.day)
    raise TypeError(f"a date is needed here, not {value!r}")


def round_to_significant_digits(value: Decimal, digits: int) -> Decimal:
    """Lean's ``RoundToSignificantDigits``: the power of ten above the value, times the rounded fraction."""
    if value == 0:
        return clr.ZERO
    scale = clr.decimal_from_double(math.pow(10, math.floor(math.log10(abs(float(value)))) + 1))
    return clr.mul(scale, clr.round_half_even(clr.div(value, scale), digits))


def smart_rounding(value: Decimal) -> Decimal:
    """Lean's ``SmartRounding``: four decimals above 1000, else seven significant digits."""
    value = clr.normalize(value)
    if value > 1000:
        return clr.round_half_even(value, 4)
    return clr.normalize(round_to_significant_digits(value, 7))


def price_text(value: Decimal) -> str:
    """A price as Lean's messages show it."""
    return clr.decimal_text(smart_rounding(value))


def time_text(moment: datetime) -> str:
    """``DateTime.ToString()`` in the invariant culture: ``10/06/2025 14:00:00``."""
    return moment.strftime("%m/%d/%Y %H:%M:%S")


def currency_symbol(currency: str) -> str:
    """The sign of a currency, or its code where there is none."""
    return _CURRENCY_SYMBOLS.get(currency, currency)
