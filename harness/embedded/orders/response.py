"""The answer to an order request. Source of the rules: Lean's ``OrderResponse`` and its messages."""

from __future__ import annotations

from typing import Any, ClassVar

from harness.embedded.enums import OrderResponseErrorCode
from harness.embedded.naming import lean_api

_NOT_PROCESSED = -(2**31)


@lean_api
class OrderResponse:
    """Success, or an error code with its message."""

    __slots__ = ("error_code", "error_message", "order_id")

    UNPROCESSED: ClassVar[OrderResponse]
    Unprocessed: ClassVar[OrderResponse]

    def __init__(self, order_id: int, error_code: OrderResponseErrorCode, error_message: str | None) -> None:
        self.order_id = order_id
        self.error_code = error_code
        self.error_message: str | None = None
        if error_code is not OrderResponseErrorCode.NONE:
            self.error_message = "An unexpected error occurred." if error_message is None else error_message

    @property
    def is_processed(self) -> bool:
        return self is not OrderResponse.UNPROCESSED

    @property
    def is_error(self) -> bool:
        return self.is_processed and self.error_code is not OrderResponseErrorCode.NONE

    @property
    def is_success(self) -> bool:
        return self.is_processed and self.error_code is OrderResponseErrorCode.NONE

    def __str__(self) -> str:
        if not self.is_processed:
            return "Unprocessed"
        if self.is_error:
            return f"Error: {self.error_code.lean_name} - {self.error_message}"
        return "Success"

    to_string = __str__

    @staticmethod
    def success(request: Any) -> OrderResponse:
        return OrderResponse(request.order_id, OrderResponseErrorCode.NONE, None)

    @staticmethod
    def error(request: Any, error_code: OrderResponseErrorCode, error_message: str | None) -> OrderResponse:
        return OrderResponse(request.order_id, error_code, error_message)

    @staticmethod
    def invalid_status(request: Any, order: Any) -> OrderResponse:
        text = (
            f"Unable to update order with id {request.order_id} because it already has {order.status.lean_name} status."
        )
        return OrderResponse.error(request, OrderResponseErrorCode.INVALID_ORDER_STATUS, text)

    @staticmethod
    def invalid_new_status(request: Any, order: Any) -> OrderResponse:
        text = (
            f"Unable to update or cancel order with id {request.order_id} and status {order.status.lean_name} "
            "because the submit confirmation has not been received yet."
        )
        return OrderResponse.error(request, OrderResponseErrorCode.INVALID_NEW_ORDER_STATUS, text)

    @staticmethod
    def unable_to_find_order(request: Any) -> OrderResponse:
        text = f"Unable to locate order with id {request.order_id}."
        return OrderResponse.error(request, OrderResponseErrorCode.UNABLE_TO_FIND_ORDER, text)

    @staticmethod
    def zero_quantity(request: Any) -> OrderResponse:
        verb = request.order_request_type.lean_name.lower()
        text = f"Unable to {verb} order with id {request.order_id} that has zero quantity."
        return OrderResponse.error(request, OrderResponseErrorCode.ORDER_QUANTITY_ZERO, text)

    @staticmethod
    def missing_security(request: Any) -> OrderResponse:
        text = f"You haven't requested {request.symbol} data. Add this with add_security() in the initialize() method."
        return OrderResponse.error(request, OrderResponseErrorCode.MISSING_SECURITY, text)

    @staticmethod
    def warming_up(request: Any) -> OrderResponse:
        verb = request.order_request_type.lean_name.lower()
        text = (
            f"This operation is not allowed in initialize or during warm up: OrderRequest.{verb}. "
            "Please move this code to the on_warmup_finished() method."
        )
        return OrderResponse.error(request, OrderResponseErrorCode.ALGORITHM_WARMING_UP, text)


OrderResponse.UNPROCESSED = OrderResponse.Unprocessed = OrderResponse(
    _NOT_PROCESSED, OrderResponseErrorCode.NONE, "The request has not yet been processed."
)
