"""The smallest step of a price, by which order prices are rounded.

Source of the rules: Lean's ``EquityPriceVariationModel`` and ``AdjustedPriceVariationModel``.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from harness.embedded import clr
from harness.embedded.naming import lean_api
from harness.embedded.orders.numbers import number

_SUB_DOLLAR_STEP = Decimal("0.0001")


@lean_api
class GetMinimumPriceVariationParameters:
    """The security and the price in question."""

    __slots__ = ("_reference_price", "security")

    def __init__(self, security: Any, reference_price: Any) -> None:
        self.security = security
        self._reference_price: Decimal = clr.from_python(reference_price)

    reference_price = number("_reference_price")


@lean_api
class AdjustedPriceVariationModel:
    """For adjusted prices, which have no step: prices are not rounded."""

    def get_minimum_price_variation(self, parameters: GetMinimumPriceVariationParameters) -> Decimal:
        return clr.ZERO


@lean_api
class EquityPriceVariationModel:
    """A hundredth of a cent below one dollar, else the security's own step."""

    def get_minimum_price_variation(self, parameters: GetMinimumPriceVariationParameters) -> Decimal:
        if parameters._reference_price < 1:
            return _SUB_DOLLAR_STEP
        step: Decimal = parameters.security.symbol_properties._minimum_price_variation
        return step
