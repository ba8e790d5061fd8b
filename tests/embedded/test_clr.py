"""Conversions of numbers, by the rules of .NET up to version 10."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest

from harness.embedded.clr import decimal_from_double, to_float


@pytest.mark.parametrize(
    ("double", "expected"),
    [
        (0.0, "0"),
        (1.0, "1"),
        (0.1 + 0.2, "0.3"),
        (58.6, "58.6"),
        (100.0, "100"),
        (1e20, "100000000000000000000"),
        (1e-28, "1E-28"),
        (4e-29, "0"),
        # Scaled as a double: times 1e14 it is 98927351831890.34375, times ten that rounds to 989273518318903.5.
        (-0.9892735183189034, "-0.989273518318904"),
    ],
)
def test_a_double_becomes_a_decimal_of_fifteen_digits(double: float, expected: str) -> None:
    assert decimal_from_double(double) == Decimal(expected)


@pytest.mark.parametrize("double", [math.nan, math.inf, 1e29, 7.9228162514264338e28])
def test_what_no_decimal_holds_is_refused(double: float) -> None:
    with pytest.raises(OverflowError, match="too large or too small for a Decimal"):
        decimal_from_double(double)


def test_a_cast_is_exact_to_fifteen_digits_or_one_off_in_the_last() -> None:
    for number in range(1, 3000):
        double = math.sqrt(number) / 7
        exact = Decimal(f"{double:.14e}")
        last = Decimal(1).scaleb(exact.adjusted() - 14)
        assert abs(decimal_from_double(double) - exact) <= last


def test_decimals_of_many_places_divide_by_the_power_as_a_double() -> None:
    # VarR8FromDec: mantissa / 1e28, and 1e28 is no double.
    assert to_float(Decimal("1.23E-26")) == 123.0 / 1e28
    assert to_float(Decimal("0.1")) == 0.1
