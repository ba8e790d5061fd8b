"""The sign of zero as .NET's decimals have it: expected values are those of ``System.Decimal``."""

from decimal import Decimal

import pytest

from harness.embedded import clr
from harness.embedded.securities.arithmetic import net_add, net_sub


@pytest.fixture(autouse=True)
def _context() -> None:
    clr.use_engine_context()


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("-34", "34", "-0"),  # a short position bought back prints as -0.0 in Lean
        ("34", "-34", "0"),
        ("-34", "34.0", "-0.0"),  # the operand with fewer decimals is scaled, its sign stays
        ("-34.0", "34", "0.0"),
        ("0", "-0", "0"),
        ("-0", "0", "-0"),
        ("0", "-0.0", "-0.0"),  # a zero with fewer decimals gives way to the other operand
        ("0.1", "0.2", "0.3"),
    ],
)
def test_sum(a: str, b: str, expected: str) -> None:
    assert str(net_add(Decimal(a), Decimal(b))) == expected


def test_difference_of_equal_negatives_is_negative_zero() -> None:
    assert str(net_sub(Decimal("-3000"), Decimal("-3000"))) == "-0"
    assert str(net_sub(Decimal("3000"), Decimal("3000"))) == "0"
