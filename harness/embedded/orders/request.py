"""What an algorithm asks of the transaction handler. Source: Lean's ``OrderRequest`` and subclasses."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from harness.embedded import clr
from harness.embedded.enums import OrderRequestStatus, OrderRequestType, OrderResponseErrorCode, OrderType, SecurityType
from harness.embedded.naming import lean_api
from harness.embedded.orders.numbers import naive_utc, nullable, number, price_text, time_text, utc_moment
from harness.embedded.orders.response import OrderResponse
from harness.embedded.reference.symbols import symbol_cache


@lean_api
class OrderRequest:
    """Base of the three requests. ``_time`` is naive UTC."""

    __slots__ = ("_time", "order_id", "response", "status", "tag")
    order_request_type: ClassVar[OrderRequestType]

    def __init__(self, time: datetime, order_id: int, tag: str | None) -> None:
        self._time = naive_utc(time)
        self.order_id = order_id
        self.tag = tag
        self.response = OrderResponse.UNPROCESSED
        self.status = OrderRequestStatus.UNPROCESSED

    time = utc_moment("_time")

    def set_response(self, response: OrderResponse, status: OrderRequestStatus = OrderRequestStatus.ERROR) -> None:
        """Answer the request; an error answer always means the status ``ERROR``."""
        self.status = OrderRequestStatus.ERROR if response.is_error else status
        self.response = response

    def __str__(self) -> str:
        return (
            f"{time_text(self._time)} UTC: Order: ({self.order_id}) - {self.tag or ''} Status: {self.status.lean_name}"
        )

    def to_string(self) -> str:
        return str(self)


_PRICES = ("stop_price", "limit_price", "trigger_price", "trailing_amount", "trailing_as_percentage")
_OTHERS = ("time", "tag", "properties", "group_order_manager", "asynchronous")


def _split_arguments(rest: tuple[Any, ...], named: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The prices before the time and what follows it, by name."""
    count = next((i for i, value in enumerate(rest) if isinstance(value, datetime)), len(rest))
    if count > len(_PRICES) or len(rest) - count > len(_OTHERS):
        raise TypeError(f"SubmitOrderRequest got {len(rest)} arguments after the quantity")
    prices = dict(zip(_PRICES, rest[:count], strict=False))
    others: dict[str, Any] = {"tag": "", "properties": None, "group_order_manager": None, "asynchronous": False}
    others.update(zip(_OTHERS, rest[count:], strict=False))
    for name, value in named.items():
        if name not in _PRICES and name not in _OTHERS:
            raise TypeError(f"SubmitOrderRequest got an unexpected argument {name!r}")
        (prices if name in _PRICES else others)[name] = value
    if "time" not in others:
        raise TypeError("SubmitOrderRequest needs the time of the request")
    return prices, others


@lean_api
class SubmitOrderRequest(OrderRequest):
    """A new order. Its id is -10 (unable to find order) until one is given."""

    __slots__ = (
        "_limit_price",
        "_quantity",
        "_stop_price",
        "_trailing_amount",
        "_trigger_price",
        "asynchronous",
        "group_order_manager",
        "order_properties",
        "order_type",
        "security_type",
        "symbol",
        "trailing_as_percentage",
    )
    order_request_type = OrderRequestType.SUBMIT

    def __init__(
        self,
        order_type: OrderType,
        security_type: SecurityType,
        symbol: Any,
        quantity: Any,
        *rest: Any,
        **named: Any,
    ) -> None:
        """After the quantity: prices, then ``time, tag, properties, group_order_manager, asynchronous``.

        Prices by position are Lean's three overloads: stop and limit, also trigger, also trailing amount and whether
        it is a percentage. Raises ``TypeError`` for other arguments.
        """
        prices, others = _split_arguments(rest, named)
        super().__init__(others["time"], int(OrderResponseErrorCode.UNABLE_TO_FIND_ORDER), others["tag"])
        self.order_type = order_type
        self.security_type = security_type
        self.symbol = symbol_cache.get_symbol(symbol) if isinstance(symbol, str) else symbol
        self._quantity: Decimal = clr.from_python(quantity)
        self._stop_price: Decimal = clr.from_python(prices.get("stop_price", clr.ZERO))
        self._limit_price: Decimal = clr.from_python(prices.get("limit_price", clr.ZERO))
        self._trigger_price: Decimal = clr.from_python(prices.get("trigger_price", clr.ZERO))
        self._trailing_amount: Decimal = clr.from_python(prices.get("trailing_amount", clr.ZERO))
        self.trailing_as_percentage = bool(prices.get("trailing_as_percentage", False))
        self.order_properties = others["properties"]
        self.group_order_manager = others["group_order_manager"]
        self.asynchronous = bool(others["asynchronous"])

    quantity = number("_quantity")
    stop_price = number("_stop_price")
    limit_price = number("_limit_price")
    trigger_price = number("_trigger_price")
    trailing_amount = number("_trailing_amount")

    def __str__(self) -> str:
        from harness.embedded.orders.order import create_order

        return (
            f"{time_text(self._time)} UTC: Submit Order: ({self.order_id}) - {create_order(self)} {self.tag or ''} "
            f"Status: {self.status.lean_name} Async: {self.asynchronous}"
        )


def _optional(value: Any) -> Decimal | None:
    return None if value is None else clr.from_python(value)


@lean_api
class UpdateOrderFields:
    """What to change in an order; ``None`` leaves a field as it is."""

    __slots__ = ("_limit_price", "_quantity", "_stop_price", "_trailing_amount", "_trigger_price", "tag")

    def __init__(
        self,
        quantity: Any = None,
        limit_price: Any = None,
        stop_price: Any = None,
        trigger_price: Any = None,
        trailing_amount: Any = None,
        tag: str | None = None,
    ) -> None:
        self._quantity = _optional(quantity)
        self._limit_price = _optional(limit_price)
        self._stop_price = _optional(stop_price)
        self._trigger_price = _optional(trigger_price)
        self._trailing_amount = _optional(trailing_amount)
        self.tag = tag

    quantity = nullable("_quantity")
    limit_price = nullable("_limit_price")
    stop_price = nullable("_stop_price")
    trigger_price = nullable("_trigger_price")
    trailing_amount = nullable("_trailing_amount")


@lean_api
class UpdateOrderRequest(OrderRequest):
    """A change of an open order (of a closed one: the tag alone)."""

    __slots__ = ("_limit_price", "_quantity", "_stop_price", "_trailing_amount", "_trigger_price")
    order_request_type = OrderRequestType.UPDATE

    def __init__(self, time: datetime, order_id: int, fields: Any) -> None:
        super().__init__(time, order_id, fields.tag)
        self._quantity: Decimal | None = fields._quantity
        self._limit_price: Decimal | None = fields._limit_price
        self._stop_price: Decimal | None = fields._stop_price
        self._trigger_price: Decimal | None = fields._trigger_price
        self._trailing_amount: Decimal | None = fields._trailing_amount

    quantity = nullable("_quantity")
    limit_price = nullable("_limit_price")
    stop_price = nullable("_stop_price")
    trigger_price = nullable("_trigger_price")
    trailing_amount = nullable("_trailing_amount")

    def is_allowed_for_closed_order(self) -> bool:
        return (
            self._quantity is None
            and self._limit_price is None
            and self._stop_price is None
            and self._trigger_price is None
            and self._trailing_amount is None
        )

    def __str__(self) -> str:
        updates = [] if self._quantity is None else [f"Quantity: {clr.decimal_text(self._quantity)}"]
        for name, value in (
            ("LimitPrice", self._limit_price),
            ("StopPrice", self._stop_price),
            ("TrailingAmount", self._trailing_amount),
            ("TriggerPrice", self._trigger_price),
        ):
            if value is not None:
                updates.append(f"{name}: {price_text(value)}")
        return (
            f"{time_text(self._time)} UTC: Update Order: ({self.order_id}) - {', '.join(updates)} {self.tag or ''} "
            f"Status: {self.status.lean_name}"
        )


@lean_api
class CancelOrderRequest(OrderRequest):
    """A wish to cancel an order."""

    __slots__ = ()
    order_request_type = OrderRequestType.CANCEL

    def __init__(self, time: datetime, order_id: int, tag: str | None) -> None:
        super().__init__(time, order_id, tag)

    def __str__(self) -> str:
        status = self.status.lean_name
        return f"{time_text(self._time)} UTC: Cancel Order: ({self.order_id}) - {self.tag or ''} Status: {status}"
