"""Orders, tickets, requests and events of an algorithm."""

from harness.embedded.orders.event import OrderEvent
from harness.embedded.orders.fees import CashAmount, OrderFee, OrderFeeParameters
from harness.embedded.orders.order import (
    LimitIfTouchedOrder,
    LimitOrder,
    MarketOnCloseOrder,
    MarketOnOpenOrder,
    MarketOrder,
    Order,
    OrderSubmissionData,
    StopLimitOrder,
    StopMarketOrder,
    TrailingStopOrder,
    create_order,
    is_closed,
    is_fill,
    is_limit_order,
    is_stop_order,
)
from harness.embedded.orders.properties import (
    AlpacaOrderProperties,
    CharlesSchwabOrderProperties,
    InteractiveBrokersOrderProperties,
    OrderProperties,
    TradierOrderProperties,
)
from harness.embedded.orders.request import (
    CancelOrderRequest,
    OrderRequest,
    SubmitOrderRequest,
    UpdateOrderFields,
    UpdateOrderRequest,
)
from harness.embedded.orders.response import OrderResponse
from harness.embedded.orders.sizing import OrderSizing
from harness.embedded.orders.ticket import OrderTicket
from harness.embedded.orders.time_in_force import (
    DayTimeInForce,
    GoodTilCanceledTimeInForce,
    GoodTilDateTimeInForce,
    TimeInForce,
)

__all__ = [
    "AlpacaOrderProperties",
    "CancelOrderRequest",
    "CashAmount",
    "CharlesSchwabOrderProperties",
    "DayTimeInForce",
    "GoodTilCanceledTimeInForce",
    "GoodTilDateTimeInForce",
    "InteractiveBrokersOrderProperties",
    "LimitIfTouchedOrder",
    "LimitOrder",
    "MarketOnCloseOrder",
    "MarketOnOpenOrder",
    "MarketOrder",
    "Order",
    "OrderEvent",
    "OrderFee",
    "OrderFeeParameters",
    "OrderProperties",
    "OrderRequest",
    "OrderResponse",
    "OrderSizing",
    "OrderSubmissionData",
    "OrderTicket",
    "StopLimitOrder",
    "StopMarketOrder",
    "SubmitOrderRequest",
    "TimeInForce",
    "TradierOrderProperties",
    "TrailingStopOrder",
    "UpdateOrderFields",
    "UpdateOrderRequest",
    "create_order",
    "is_closed",
    "is_fill",
    "is_limit_order",
    "is_stop_order",
]
