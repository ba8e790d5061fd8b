"""Order sizes in whole lots. Source of the rules: Lean's ``OrderSizing``."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from harness.embedded import clr
from harness.embedded.naming import lean_api


def adjust_by_lot_size(security: Any, quantity: Decimal) -> Decimal:
    """``quantity`` cut to whole lots towards zero; a miss of less than a millionth of a lot counts as a whole lot."""
    lot_size: Decimal = security.symbol_properties._lot_size
    size = abs(quantity)
    remainder = size % lot_size
    if lot_size - remainder < lot_size / 1_000_000:
        remainder -= lot_size
    size -= remainder
    return size if quantity > 0 else -size if quantity < 0 else clr.ZERO


@lean_api
class OrderSizing:
    """Lean's helper class of the same name."""

    @staticmethod
    def adjust_by_lot_size(security: Any, quantity: Any) -> float:
        return clr.to_float(adjust_by_lot_size(security, clr.from_python(quantity)))

    @staticmethod
    def get_unordered_quantity(algorithm: Any, target: Any) -> float:
        """What is missing to the target beyond holdings and open orders."""
        security = algorithm.securities[target.symbol]
        projected = algorithm.transactions._projected_holdings(security)._projected_quantity
        return clr.to_float(adjust_by_lot_size(security, target._quantity - projected))
