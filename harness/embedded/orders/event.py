"""What happened to an order. Source of the rules: Lean's ``OrderEvent``."""

from __future__ import annotations

import copy
from datetime import datetime
from decimal import Decimal
from typing import Any

from harness.embedded import clr
from harness.embedded.enums import OrderDirection, OrderStatus, SecurityType
from harness.embedded.naming import lean_api
from harness.embedded.orders.fees import OrderFee
from harness.embedded.orders.numbers import currency_symbol, naive_utc, number, price_text, time_text, utc_moment
from harness.embedded.orders.order import Order, trailing_text

_OPTIONS = (SecurityType.OPTION, SecurityType.FUTURE_OPTION, SecurityType.INDEX_OPTION)


@lean_api(names={"id": "Id"})
class OrderEvent:
    """A change of an order's status or a fill.

    Made from an order (``OrderEvent(order, utc_time, order_fee, message)``) or from its parts (``OrderEvent(order_id,
    symbol, utc_time, status, direction, fill_price, fill_quantity, order_fee, message)``). ``_utc_time`` is naive UTC.
    """

    __slots__ = (
        "_fill_price",
        "_fill_quantity",
        "_limit_price",
        "_quantity",
        "_stop_price",
        "_trailing_amount",
        "_trigger_price",
        "_utc_time",
        "direction",
        "fill_price_currency",
        "id",
        "is_assignment",
        "is_in_the_money",
        "message",
        "order_fee",
        "order_id",
        "status",
        "symbol",
        "ticket",
        "trailing_as_percentage",
    )

    def __init__(self, *args: Any, **named: Any) -> None:
        self._quantity: Decimal = clr.ZERO
        self._fill_price: Decimal = clr.ZERO
        self._fill_quantity: Decimal = clr.ZERO
        self._limit_price: Decimal | None = None
        self._stop_price: Decimal | None = None
        self._trigger_price: Decimal | None = None
        self._trailing_amount: Decimal | None = None
        self.trailing_as_percentage: bool | None = None
        self.id = 0
        self.is_assignment = False
        self.is_in_the_money = False
        self.ticket: Any = None
        if (args and isinstance(args[0], Order)) or "order" in named:
            self._from_order(*args, **named)
        else:
            self._from_parts(*args, **named)

    def _from_order(self, order: Order, utc_time: datetime, order_fee: OrderFee, message: str = "") -> None:
        self.order_id = order.id
        self.symbol = order.symbol
        self.status = order.status
        self._quantity = order._quantity
        self.direction = order._direction
        self.fill_price_currency = order.price_currency
        self._utc_time = naive_utc(utc_time)
        self.order_fee = order_fee
        self.message = message

    def _from_parts(
        self,
        order_id: int,
        symbol: Any,
        utc_time: datetime,
        status: OrderStatus,
        direction: OrderDirection,
        fill_price: Any,
        fill_quantity: Any,
        order_fee: OrderFee,
        message: str = "",
    ) -> None:
        self.order_id = order_id
        self.symbol = symbol
        self._utc_time = naive_utc(utc_time)
        self.status = status
        self.direction = direction
        self.fill_price = fill_price
        self.fill_price_currency = ""
        self.fill_quantity = fill_quantity
        self.order_fee = order_fee
        self.message = message

    utc_time = utc_moment("_utc_time")
    quantity = number("_quantity", normalised=True)
    fill_price = number("_fill_price", normalised=True)
    fill_quantity = number("_fill_quantity", normalised=True)
    limit_price = number("_limit_price", normalised=True, optional=True)
    stop_price = number("_stop_price", normalised=True, optional=True)
    trigger_price = number("_trigger_price", normalised=True, optional=True)
    trailing_amount = number("_trailing_amount", normalised=True, optional=True)

    @property
    def absolute_fill_quantity(self) -> float:
        return clr.to_float(abs(self._fill_quantity))

    def clone(self) -> OrderEvent:
        return copy.copy(self)

    def to_string(self) -> str:
        """Lean's text of the event."""
        symbol = currency_symbol(self.fill_price_currency)
        text = (
            f"Time: {time_text(self._utc_time)} OrderID: {self.order_id} EventID: {self.id} "
            f"Symbol: {self.symbol.value} Status: {self.status.lean_name} Quantity: {clr.decimal_text(self._quantity)}"
        )
        if self._fill_quantity != 0:
            quantity = clr.decimal_text(self._fill_quantity)
            text += f" FillQuantity: {quantity} FillPrice: {symbol}{price_text(self._fill_price)}"
        if self._limit_price is not None:
            text += f" LimitPrice: {symbol}{price_text(self._limit_price)}"
        if self._stop_price is not None:
            text += f" StopPrice: {symbol}{price_text(self._stop_price)}"
        if self._trailing_amount is not None:
            percentage = bool(self.trailing_as_percentage)
            # the sign takes the place of the currency here, and a sign's symbol is itself
            text += f" TrailingAmount: {trailing_text(self._trailing_amount, percentage, symbol)}"
        if self._trigger_price is not None:
            text += f" TriggerPrice: {symbol}{price_text(self._trigger_price)}"
        if self.order_fee.value._amount != 0:
            text += f" OrderFee: {self.order_fee}"
        if self.message:
            text += f" Message: {self.message}"
        if self.symbol.security_type in _OPTIONS:
            text += f" IsAssignment: {self.is_assignment}"
        return text

    def short_to_string(self) -> str:
        """Lean's short text of the event."""
        symbol = currency_symbol(self.fill_price_currency)
        text = (
            f"{time_text(self._utc_time)} OID:{self.order_id} {self.symbol.value} {self.status.lean_name} "
            f"Q:{clr.decimal_text(self._quantity)}"
        )
        if self._fill_quantity != 0:
            text += f" FQ:{clr.decimal_text(self._fill_quantity)} FP:{symbol}{price_text(self._fill_price)}"
        if self._limit_price is not None:
            text += f" LP:{symbol}{price_text(self._limit_price)}"
        if self._stop_price is not None:
            text += f" SP:{symbol}{price_text(self._stop_price)}"
        if self._trailing_amount is not None:
            text += f" TA: {trailing_text(self._trailing_amount, bool(self.trailing_as_percentage), symbol)}"
        if self._trigger_price is not None:
            text += f" TP:{symbol}{price_text(self._trigger_price)}"
        if self.order_fee.value._amount != 0:
            text += f" OF:{symbol}{self.order_fee}"
        if self.message:
            text += f" M:{self.message}"
        if self.symbol.security_type in _OPTIONS:
            text += f" IA:{self.is_assignment}"
        return text

    def __str__(self) -> str:
        return self.to_string()

    __repr__ = __str__
