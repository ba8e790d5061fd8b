"""The handle an algorithm keeps on an order. Source of the rules: Lean's ``OrderTicket``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from harness.embedded import clr
from harness.embedded.binding import clr_call
from harness.embedded.enums import (
    OrderField,
    OrderRequestStatus,
    OrderResponseErrorCode,
    OrderStatus,
    OrderType,
    SecurityType,
)
from harness.embedded.naming import lean_api
from harness.embedded.orders.event import OrderEvent
from harness.embedded.orders.numbers import number
from harness.embedded.orders.order import Order, is_closed, is_fill
from harness.embedded.orders.request import (
    CancelOrderRequest,
    OrderRequest,
    SubmitOrderRequest,
    UpdateOrderFields,
    UpdateOrderRequest,
)
from harness.embedded.orders.response import OrderResponse
from harness.embedded.securities.arithmetic import net_add, net_sub
from harness.embedded.uncovered import refuses_uncovered

_FIELD_ATTRIBUTES = {
    OrderField.LIMIT_PRICE: "_limit_price",
    OrderField.STOP_PRICE: "_stop_price",
    OrderField.TRIGGER_PRICE: "_trigger_price",
    OrderField.TRAILING_AMOUNT: "_trailing_amount",
    OrderField.TRAILING_AS_PERCENTAGE: "trailing_as_percentage",
}
_FIELD_TYPES = {
    OrderField.LIMIT_PRICE: (OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.LIMIT_IF_TOUCHED),
    OrderField.STOP_PRICE: (OrderType.STOP_LIMIT, OrderType.STOP_MARKET, OrderType.TRAILING_STOP),
    OrderField.TRIGGER_PRICE: (OrderType.LIMIT_IF_TOUCHED,),
    OrderField.TRAILING_AMOUNT: (OrderType.TRAILING_STOP,),
    OrderField.TRAILING_AS_PERCENTAGE: (OrderType.TRAILING_STOP,),
}


class _TicketField:
    """C#'s ``Get(field)`` and ``Get<T>(field)``, which casts what it finds and converts nothing."""

    __slots__ = ("_of",)
    _NAMES: ClassVar[dict[Any, str]] = {float: "Double", int: "Int32", bool: "Boolean", str: "String", None: "Decimal"}

    def __init__(self, of: Callable[[OrderField], Decimal | bool]) -> None:
        self._of = of

    def __call__(self, field: OrderField) -> Any:
        return self._cast(field, None)

    def __getitem__(self, kind: Any) -> Callable[[OrderField], Any]:
        return lambda field: self._cast(field, kind)

    def _cast(self, field: OrderField, kind: Any) -> Any:
        value = self._of(field)
        is_flag = isinstance(value, bool)
        if kind is not (bool if is_flag else None):
            found = "Boolean" if is_flag else "Decimal"
            wanted = self._NAMES.get(kind, getattr(kind, "__name__", "Object"))
            raise TypeError(f"Unable to cast object of type 'System.{found}' to type 'System.{wanted}'.")
        return value if isinstance(value, bool) else clr.to_float(value)


@refuses_uncovered("OrderTicket")
@lean_api
class OrderTicket:
    """Status, fills and requests of one order, and the ways to change or cancel it."""

    __slots__ = (
        "_average_fill_price",
        "_cancel_request",
        "_filled_value",
        "_order",
        "_order_events",
        "_quantity_filled",
        "_status_override",
        "_transactions",
        "_update_requests",
        "submit_request",
    )

    def __init__(self, transactions: Any, submit_request: SubmitOrderRequest) -> None:
        self._transactions = transactions
        self.submit_request = submit_request
        self._order: Order | None = None
        self._status_override: OrderStatus | None = None
        self._cancel_request: CancelOrderRequest | None = None
        self._update_requests: list[UpdateOrderRequest] = []
        self._order_events: list[OrderEvent] = []
        self._average_fill_price = clr.ZERO
        self._quantity_filled = clr.ZERO
        self._filled_value = clr.ZERO

    @property
    def order_id(self) -> int:
        return self.submit_request.order_id

    @property
    def status(self) -> OrderStatus:
        if self._status_override is not None:
            return self._status_override
        return OrderStatus.NEW if self._order is None else self._order.status

    @property
    def symbol(self) -> Any:
        return self.submit_request.symbol

    @property
    def security_type(self) -> SecurityType:
        return self.submit_request.security_type

    @property
    def order_type(self) -> OrderType:
        return self.submit_request.order_type

    @property
    def _quantity(self) -> Decimal:
        return self.submit_request._quantity if self._order is None else self._order._quantity

    @property
    def _quantity_remaining(self) -> Decimal:
        return net_sub(self._quantity, self._quantity_filled)

    @property
    def quantity(self) -> float:
        return clr.to_float(self._quantity)

    @property
    def quantity_remaining(self) -> float:
        return clr.to_float(self._quantity_remaining)

    average_fill_price = number("_average_fill_price")
    quantity_filled = number("_quantity_filled")

    @property
    def time(self) -> datetime:
        moment: datetime = self.get_most_recent_order_request().time
        return moment

    @property
    def tag(self) -> str | None:
        return self.submit_request.tag if self._order is None else self._order.tag

    @property
    def update_requests(self) -> list[UpdateOrderRequest]:
        return list(self._update_requests)

    @property
    def cancel_request(self) -> CancelOrderRequest | None:
        return self._cancel_request

    @property
    def order_events(self) -> list[OrderEvent]:
        return list(self._order_events)

    @property
    def has_order(self) -> bool:
        return self._order is not None

    @property
    def get(self) -> _TicketField:
        """``get(field)``: a price of the order; ``get[bool](field)`` for the one field that is no number.

        Raises ``ValueError`` where the order's type has no such field, ``TypeError`` for a field of another type.
        """
        return _TicketField(self._get)

    def _get(self, field: OrderField) -> Decimal | bool:
        field = OrderField(field)
        if self.order_type not in _FIELD_TYPES[field]:
            if field in (OrderField.LIMIT_PRICE, OrderField.STOP_PRICE):
                raise ValueError(f"Unable to get field {field.lean_name} on order of type {self.order_type.lean_name}")
            if self._order is not None:
                raise ValueError(
                    f"Unable to access property {field.lean_name} on order of type {self.order_type.lean_name}"
                )
        source: Any = self.submit_request if self._order is None else self._order
        value: Decimal | bool = getattr(source, _FIELD_ATTRIBUTES[field])
        return value

    def update(self, fields: UpdateOrderFields) -> OrderResponse:
        """Ask for a change of the order; the answer says whether the request was taken, not yet whether it was done."""
        request = UpdateOrderRequest(self._transactions._utc_time, self.order_id, fields)
        ticket = self._transactions.update_order(request)
        response: OrderResponse = ticket._update_requests[-1].response
        return response

    @clr_call("UpdateTag(string tag)")
    def update_tag(self, tag: str | None) -> OrderResponse:
        return self.update(UpdateOrderFields(tag=tag))

    @clr_call("UpdateQuantity(decimal quantity, string tag = null)")
    def update_quantity(self, quantity: Decimal, tag: str | None) -> OrderResponse:
        return self.update(UpdateOrderFields(quantity=quantity, tag=tag))

    @clr_call("UpdateLimitPrice(decimal limitPrice, string tag = null)")
    def update_limit_price(self, limit_price: Decimal, tag: str | None) -> OrderResponse:
        return self.update(UpdateOrderFields(limit_price=limit_price, tag=tag))

    @clr_call("UpdateStopPrice(decimal stopPrice, string tag = null)")
    def update_stop_price(self, stop_price: Decimal, tag: str | None) -> OrderResponse:
        return self.update(UpdateOrderFields(stop_price=stop_price, tag=tag))

    @clr_call("UpdateTriggerPrice(decimal triggerPrice, string tag = null)")
    def update_trigger_price(self, trigger_price: Decimal, tag: str | None) -> OrderResponse:
        return self.update(UpdateOrderFields(trigger_price=trigger_price, tag=tag))

    @clr_call("UpdateStopTrailingAmount(decimal trailingAmount, string tag = null)")
    def update_stop_trailing_amount(self, trailing_amount: Decimal, tag: str | None) -> OrderResponse:
        return self.update(UpdateOrderFields(trailing_amount=trailing_amount, tag=tag))

    @clr_call("Cancel(string tag = null)")
    def cancel(self, tag: str | None) -> OrderResponse:
        """Ask for cancellation; a second time is an error unless the first request failed."""
        request = CancelOrderRequest(self._transactions._utc_time, self.order_id, tag)
        if self._has_cancel_request():
            text = f"Order {self.order_id} has already received a cancellation request."
            return OrderResponse.error(request, OrderResponseErrorCode.REQUEST_CANCELED, text)
        ticket = self._transactions.process_request(request)
        response: OrderResponse = ticket._cancel_request.response
        return response

    def get_most_recent_order_response(self) -> OrderResponse:
        return self.get_most_recent_order_request().response

    def get_most_recent_order_request(self) -> OrderRequest:
        if self._cancel_request is not None:
            return self._cancel_request
        return self._update_requests[-1] if self._update_requests else self.submit_request

    def _is_closed(self) -> bool:
        return any(is_closed(event.status) for event in self._order_events)

    def _has_cancel_request(self) -> bool:
        return self._cancel_request is not None and self._cancel_request.status is not OrderRequestStatus.ERROR

    def _try_set_cancel_request(self, request: CancelOrderRequest) -> bool:
        if self._has_cancel_request():
            return False
        self._cancel_request = request
        return True

    def _add_update_request(self, request: UpdateOrderRequest) -> None:
        self._update_requests.append(request)

    def _add_order_event(self, event: OrderEvent) -> None:
        """Keep the event; a fill moves the filled quantity and the average price."""
        self._order_events.append(event)
        if is_fill(event.status):
            self._filled_value += abs(event._fill_quantity) * event._fill_price
        if event._fill_quantity != 0:
            assert self._order is not None
            self._quantity_filled = net_add(self._quantity_filled, event._fill_quantity)
            self._average_fill_price = clr.div(self._filled_value, abs(self._quantity_filled))
            self._order._price = clr.normalize(self._average_fill_price)

    def _set_order(self, order: Order) -> None:
        self._order = order

    @staticmethod
    def invalid_submit_request(transactions: Any, request: SubmitOrderRequest, response: OrderResponse) -> OrderTicket:
        """The ticket of a request that was refused before it became an order."""
        request.set_response(response)
        ticket = OrderTicket(transactions, request)
        ticket._status_override = OrderStatus.INVALID
        return ticket

    @staticmethod
    def invalid_cancel_order_id(transactions: Any, request: CancelOrderRequest) -> OrderTicket:
        """The ticket of a cancellation of an order that does not exist."""
        ticket = OrderTicket._for_unknown_order(transactions, request)
        ticket._cancel_request = request
        return ticket

    @staticmethod
    def invalid_update_order_id(transactions: Any, request: UpdateOrderRequest) -> OrderTicket:
        """The ticket of an update of an order that does not exist."""
        ticket = OrderTicket._for_unknown_order(transactions, request)
        ticket._add_update_request(request)
        return ticket

    @staticmethod
    def _for_unknown_order(transactions: Any, request: OrderRequest) -> OrderTicket:
        from harness.embedded.reference.symbols import Symbol

        submit = SubmitOrderRequest(
            OrderType.MARKET, SecurityType.BASE, Symbol.EMPTY, clr.ZERO, datetime.max, request.tag
        )
        submit.set_response(OrderResponse.unable_to_find_order(request))
        submit.order_id = request.order_id
        request.set_response(OrderResponse.unable_to_find_order(request))
        ticket = OrderTicket(transactions, submit)
        ticket._status_override = OrderStatus.INVALID
        return ticket

    def __int__(self) -> int:
        response = self.get_most_recent_order_response()
        return int(response.error_code) if response.is_error else self.order_id

    def __str__(self) -> str:
        requests: list[OrderRequest] = [self.submit_request, *self._update_requests]
        if self._cancel_request is not None:
            requests.append(self._cancel_request)
        answered = sum(request.response.is_processed for request in requests)
        counts = f"Request Count: {len(requests)} Response Count: {answered}"
        return f"{self.order_id}: {counts}" if self._order is None else f"{self.order_id}: {self._order} {counts}"

    to_string = __str__
