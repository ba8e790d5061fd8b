"""Fees of an order: an amount in a currency. Source of the rules: Lean's ``OrderFee``, ``CashAmount``."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from harness.embedded import clr
from harness.embedded.naming import lean_api
from harness.embedded.orders.numbers import number

NULL_CURRENCY = "QCC"


@lean_api
class CashAmount:
    """An amount of money in one currency. ``_amount`` is exact, ``amount`` a float."""

    __slots__ = ("_amount", "currency")

    def __init__(self, amount: Any, currency: str) -> None:
        self._amount: Decimal = clr.from_python(amount)
        self.currency = currency

    amount = number("_amount")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CashAmount) and self._amount == other._amount and self.currency == other.currency

    def __hash__(self) -> int:
        return hash((self._amount, self.currency))

    def __str__(self) -> str:
        return f"{clr.decimal_text(self._amount)} {self.currency}"

    __repr__ = __str__


@lean_api
class OrderFee:
    """What an order costs. ``OrderFee.ZERO`` is no fee in no currency."""

    __slots__ = ("value",)

    ZERO: ClassVar[OrderFee]
    Zero: ClassVar[OrderFee]

    def __init__(self, order_fee: CashAmount) -> None:
        self.value = CashAmount(clr.normalize(order_fee._amount), order_fee.currency)

    def apply_to_portfolio(self, portfolio: Any, fill: Any) -> None:
        """Take the fee from the cash book."""
        portfolio.cash_book[self.value.currency].add_amount(-self.value._amount)

    def __str__(self) -> str:
        return str(self.value)

    __repr__ = __str__


OrderFee.ZERO = OrderFee.Zero = OrderFee(CashAmount(clr.ZERO, NULL_CURRENCY))


@lean_api
class OrderFeeParameters:
    """What a fee model is asked about."""

    __slots__ = ("order", "security")

    def __init__(self, security: Any, order: Any) -> None:
        self.security = security
        self.order = order
