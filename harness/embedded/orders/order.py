"""The orders of an algorithm. Source of the rules: Lean's ``Order`` and its subclasses."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Self

from harness.embedded import clr
from harness.embedded.enums import DataNormalizationMode, OrderDirection, OrderStatus, OrderType, SecurityType
from harness.embedded.naming import lean_api
from harness.embedded.not_supported import NotSupportedError
from harness.embedded.orders.numbers import currency_symbol, naive_utc, number, price_text, utc_moment
from harness.embedded.orders.properties import OrderProperties

_CLOSED = frozenset((OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.INVALID))


def is_closed(status: OrderStatus) -> bool:
    """``True`` for filled, canceled and invalid."""
    return status in _CLOSED


def is_fill(status: OrderStatus) -> bool:
    """``True`` for filled and partially filled."""
    return status is OrderStatus.FILLED or status is OrderStatus.PARTIALLY_FILLED


def is_limit_order(order_type: OrderType) -> bool:
    """``True`` for the types that carry a limit price and no group."""
    return order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.LIMIT_IF_TOUCHED)


def is_stop_order(order_type: OrderType) -> bool:
    """``True`` for the types that carry a stop price."""
    return order_type in (OrderType.STOP_MARKET, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP)


@lean_api
class OrderSubmissionData:
    """Bid, ask and last price when an order was submitted."""

    __slots__ = ("_ask_price", "_bid_price", "_last_price")

    def __init__(self, bid_price: Decimal, ask_price: Decimal, last_price: Decimal) -> None:
        self._bid_price = bid_price
        self._ask_price = ask_price
        self._last_price = last_price

    bid_price = number("_bid_price")
    ask_price = number("_ask_price")
    last_price = number("_last_price")


@lean_api(names={"id": "Id"})
class Order:
    """Base of all orders. Times are UTC, naive under ``_name``; quantities are signed, exact under ``_name``."""

    __slots__ = (
        "_canceled_time",
        "_direction",
        "_incremental_id",
        "_last_fill_time",
        "_last_update_time",
        "_price",
        "_quantity",
        "_time",
        "broker_id",
        "contingent_id",
        "group_order_manager",
        "id",
        "order_submission_data",
        "price_adjustment_mode",
        "price_currency",
        "properties",
        "status",
        "symbol",
        "tag",
    )
    type: ClassVar[OrderType]
    _own: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self, symbol: Any, quantity: Any, time: datetime, tag: str | None = "", properties: Any = None
    ) -> None:
        self.id = 0
        self.contingent_id = 0
        self.broker_id: list[str] = []
        self.symbol = symbol
        self._price = clr.ZERO
        self.price_currency = ""
        self._time = naive_utc(time)
        self._last_fill_time: datetime | None = None
        self._last_update_time: datetime | None = None
        self._canceled_time: datetime | None = None
        self.status = OrderStatus.NONE
        self.tag = tag
        self.properties = OrderProperties() if properties is None else properties
        self.order_submission_data: OrderSubmissionData | None = None
        self.group_order_manager = None
        self.price_adjustment_mode = DataNormalizationMode.RAW
        self._incremental_id = 0
        self._set_quantity(clr.from_python(quantity))

    quantity = number("_quantity")
    price = number("_price")
    time = utc_moment("_time")
    created_time = utc_moment("_time")
    last_fill_time = utc_moment("_last_fill_time")
    last_update_time = utc_moment("_last_update_time")
    canceled_time = utc_moment("_canceled_time")

    def _set_quantity(self, quantity: Decimal) -> None:
        quantity = clr.normalize(quantity)
        self._quantity = quantity
        self._direction = (
            OrderDirection.BUY if quantity > 0 else OrderDirection.SELL if quantity < 0 else OrderDirection.HOLD
        )

    @property
    def direction(self) -> OrderDirection:
        return self._direction

    @property
    def absolute_quantity(self) -> float:
        return clr.to_float(abs(self._quantity))

    @property
    def time_in_force(self) -> Any:
        return self.properties.time_in_force

    @property
    def security_type(self) -> SecurityType:
        return self.symbol.security_type  # type: ignore[no-any-return]

    @property
    def _value(self) -> Decimal:
        return self._quantity * self._price

    value = number("_value")

    @property
    def is_marketable(self) -> bool:
        return self.type is OrderType.MARKET

    def get_value(self, security: Any) -> float:
        """The order's worth at the current price in the account's currency; some types use their own price."""
        return clr.to_float(self._get_value(security))

    def _get_value(self, security: Any) -> Decimal:
        worth: Decimal = (
            self._get_value_impl(security)
            * security.quote_currency._conversion_rate
            * security.symbol_properties._contract_multiplier
        )
        return worth

    def _get_value_impl(self, security: Any) -> Decimal:
        return self._quantity * security._price  # type: ignore[no-any-return]

    def get_default_tag(self) -> str:
        return ""

    def get_new_id(self) -> int:
        """The next number of this order's events, from 1."""
        self._incremental_id += 1
        return self._incremental_id

    def apply_update_order_request(self, request: Any) -> None:
        """Take over what an update request sets. Raises ``ValueError`` for another order's request."""
        if request.order_id != self.id:
            raise ValueError("Attempted to apply updates to the incorrect order!")
        if request._quantity is not None:
            self._set_quantity(request._quantity)
        if request.tag is not None:
            self.tag = request.tag

    def clone(self) -> Self:
        """A copy, with event numbers starting again, as Lean's."""
        copy = type(self).__new__(type(self))
        for name in Order.__slots__:
            setattr(copy, name, getattr(self, name))
        for name in self._own:
            setattr(copy, name, getattr(self, name))
        copy.broker_id = list(self.broker_id)
        copy.properties = self.properties.clone()
        copy._incremental_id = 0
        return copy

    def _describe(self) -> str:
        tag = f": {self.tag}" if self.tag else ""
        quantity = clr.decimal_text(self._quantity)
        return (
            f"OrderId: {self.id} (BrokerId: {','.join(self.broker_id)}) {self.status.lean_name} {self.type.lean_name} "
            f"order for {quantity} unit{'' if self._quantity == 1 else 's'} of {self.symbol}{tag}"
        )

    def __str__(self) -> str:
        return self._describe()

    def to_string(self) -> str:
        return str(self)


def _limit_value(quantity: Decimal, limit_price: Decimal, price: Decimal) -> Decimal:
    """A sale is valued at the higher of limit and market, a purchase at the lower."""
    if quantity < 0:
        return quantity * max(limit_price, price)
    if quantity > 0:
        return quantity * min(limit_price, price)
    return clr.ZERO


def is_marketable_at(order: Any, limit_price: Decimal) -> bool:
    """Whether a limit order at this price would have met the other side's price when it was submitted."""
    data = order.order_submission_data
    if data is None:
        return False
    if order.direction is OrderDirection.BUY:
        return bool(limit_price >= data._ask_price)
    return order.direction is OrderDirection.SELL and bool(limit_price <= data._bid_price)


@lean_api
class MarketOrder(Order):
    """Fills at the current price."""

    __slots__ = ()
    type = OrderType.MARKET


@lean_api
class LimitOrder(Order):
    """Fills at ``limit_price`` or better."""

    __slots__ = ("_limit_price",)
    type = OrderType.LIMIT
    _own = ("_limit_price",)

    def __init__(
        self, symbol: Any, quantity: Any, limit_price: Any, time: datetime, tag: str | None = "", properties: Any = None
    ) -> None:
        super().__init__(symbol, quantity, time, tag, properties)
        self._limit_price = clr.from_python(limit_price)

    limit_price = number("_limit_price")

    @property
    def is_marketable(self) -> bool:
        return is_marketable_at(self, self._limit_price)

    def _get_value_impl(self, security: Any) -> Decimal:
        return _limit_value(self._quantity, self._limit_price, security._price)

    def apply_update_order_request(self, request: Any) -> None:
        super().apply_update_order_request(request)
        if request._limit_price is not None:
            self._limit_price = request._limit_price

    def __str__(self) -> str:
        return f"{self._describe()} at limit {currency_symbol(self.price_currency)}{price_text(self._limit_price)}"


@lean_api
class StopMarketOrder(Order):
    """Becomes a market order once ``stop_price`` is reached."""

    __slots__ = ("_stop_price",)
    type = OrderType.STOP_MARKET
    _own: ClassVar[tuple[str, ...]] = ("_stop_price",)

    def __init__(
        self, symbol: Any, quantity: Any, stop_price: Any, time: datetime, tag: str | None = "", properties: Any = None
    ) -> None:
        super().__init__(symbol, quantity, time, tag, properties)
        self._stop_price = clr.from_python(stop_price)

    stop_price = number("_stop_price")

    def _get_value_impl(self, security: Any) -> Decimal:
        return _limit_value(self._quantity, self._stop_price, security._price)

    def apply_update_order_request(self, request: Any) -> None:
        super().apply_update_order_request(request)
        if request._stop_price is not None:
            self._stop_price = request._stop_price

    def __str__(self) -> str:
        return f"{self._describe()} at stop {currency_symbol(self.price_currency)}{price_text(self._stop_price)}"


@lean_api
class TrailingStopOrder(StopMarketOrder):
    """A stop that follows the market at ``trailing_amount`` (money, or a fraction if ``trailing_as_percentage``)."""

    __slots__ = ("_trailing_amount", "trailing_as_percentage")
    type = OrderType.TRAILING_STOP
    _own = ("_stop_price", "_trailing_amount", "trailing_as_percentage")

    def __init__(
        self,
        symbol: Any,
        quantity: Any,
        stop_price: Any,
        trailing_amount: Any,
        trailing_as_percentage: bool,
        time: datetime,
        tag: str | None = "",
        properties: Any = None,
    ) -> None:
        super().__init__(symbol, quantity, stop_price, time, tag, properties)
        self._trailing_amount = clr.from_python(trailing_amount)
        self.trailing_as_percentage = bool(trailing_as_percentage)

    trailing_amount = number("_trailing_amount")

    def get_default_tag(self) -> str:
        return (
            f"Trailing Amount: {trailing_text(self._trailing_amount, self.trailing_as_percentage, self.price_currency)}"
        )

    def apply_update_order_request(self, request: Any) -> None:
        super().apply_update_order_request(request)
        if request._trailing_amount is not None:
            self._trailing_amount = request._trailing_amount

    @staticmethod
    def calculate_stop_price(
        market_price: Decimal, trailing_amount: Decimal, as_percentage: bool, direction: OrderDirection
    ) -> Decimal:
        """The stop that belongs to a market price: below it for a sale, above it for a purchase."""
        sign = 1 if direction is OrderDirection.BUY else -1
        if as_percentage:
            return clr.mul(market_price, 1 + sign * trailing_amount)
        return market_price + sign * trailing_amount

    @staticmethod
    def updated_stop_price(
        market_price: Decimal,
        stop_price: Decimal,
        trailing_amount: Decimal,
        as_percentage: bool,
        direction: OrderDirection,
    ) -> Decimal | None:
        """The new stop if the market has moved away by more than the trailing amount, else ``None``."""
        distance = market_price - stop_price if direction is OrderDirection.SELL else stop_price - market_price
        reference = clr.mul(market_price, trailing_amount) if as_percentage else trailing_amount
        if distance <= reference:
            return None
        return TrailingStopOrder.calculate_stop_price(market_price, trailing_amount, as_percentage, direction)

    def __str__(self) -> str:
        symbol = currency_symbol(self.price_currency)
        amount = trailing_text(self._trailing_amount, self.trailing_as_percentage, self.price_currency)
        return f"{self._describe()} at stop {symbol}{price_text(self._stop_price)}. Trailing amount: {amount}"


def trailing_text(amount: Decimal, as_percentage: bool, currency: str) -> str:
    """A trailing amount as Lean's messages show it: ``0.40%`` of the market price, or money."""
    if as_percentage:
        return f"{clr.decimal_text(amount * 100)}%"
    return f"{currency_symbol(currency)}{clr.decimal_text(amount)}"


@lean_api
class StopLimitOrder(Order):
    """Becomes a limit order at ``limit_price`` once ``stop_price`` is reached."""

    __slots__ = ("_limit_price", "_stop_price", "stop_triggered")
    type = OrderType.STOP_LIMIT
    _own = ("_limit_price", "_stop_price", "stop_triggered")

    def __init__(
        self,
        symbol: Any,
        quantity: Any,
        stop_price: Any,
        limit_price: Any,
        time: datetime,
        tag: str | None = "",
        properties: Any = None,
    ) -> None:
        super().__init__(symbol, quantity, time, tag, properties)
        self._stop_price = clr.from_python(stop_price)
        self._limit_price = clr.from_python(limit_price)
        self.stop_triggered = False

    stop_price = number("_stop_price")
    limit_price = number("_limit_price")

    def _get_value_impl(self, security: Any) -> Decimal:
        return _limit_value(self._quantity, self._limit_price, security._price)

    def apply_update_order_request(self, request: Any) -> None:
        super().apply_update_order_request(request)
        if request._stop_price is not None:
            self._stop_price = request._stop_price
        if request._limit_price is not None:
            self._limit_price = request._limit_price

    def __str__(self) -> str:
        symbol = currency_symbol(self.price_currency)
        stop, limit = price_text(self._stop_price), price_text(self._limit_price)
        return f"{self._describe()} at stop {symbol}{stop} limit {symbol}{limit}"


@lean_api
class LimitIfTouchedOrder(Order):
    """Becomes a limit order at ``limit_price`` once ``trigger_price`` is touched from the better side."""

    __slots__ = ("_limit_price", "_trigger_price", "trigger_touched")
    type = OrderType.LIMIT_IF_TOUCHED
    _own = ("_limit_price", "_trigger_price", "trigger_touched")

    def __init__(
        self,
        symbol: Any,
        quantity: Any,
        trigger_price: Any,
        limit_price: Any,
        time: datetime,
        tag: str | None = "",
        properties: Any = None,
    ) -> None:
        super().__init__(symbol, quantity, time, tag, properties)
        self._trigger_price = clr.from_python(trigger_price)
        self._limit_price = clr.from_python(limit_price)
        self.trigger_touched = False

    trigger_price = number("_trigger_price")
    limit_price = number("_limit_price")

    def _get_value_impl(self, security: Any) -> Decimal:
        return _limit_value(self._quantity, self._limit_price, security._price)

    def apply_update_order_request(self, request: Any) -> None:
        super().apply_update_order_request(request)
        if request._trigger_price is not None:
            self._trigger_price = request._trigger_price
        if request._limit_price is not None:
            self._limit_price = request._limit_price

    def __str__(self) -> str:
        symbol = currency_symbol(self.price_currency)
        trigger, limit = price_text(self._trigger_price), price_text(self._limit_price)
        return f"{self._describe()} at trigger {symbol}{trigger} limit {symbol}{limit}"


@lean_api
class MarketOnOpenOrder(Order):
    """Fills at the next regular open."""

    __slots__ = ()
    type = OrderType.MARKET_ON_OPEN


class _ClosingOrderType(type):
    """Sets the class-wide submission buffer under both of Lean's spellings."""

    def __setattr__(cls, name: str, value: Any) -> None:
        if name in ("submission_time_buffer", "SubmissionTimeBuffer"):
            super().__setattr__("submission_time_buffer", value)
            name = "SubmissionTimeBuffer"
        super().__setattr__(name, value)


@lean_api
class MarketOnCloseOrder(Order, metaclass=_ClosingOrderType):
    """Fills at the regular close. ``submission_time_buffer``: how long before the close it must be sent."""

    __slots__ = ()
    type = OrderType.MARKET_ON_CLOSE
    DEFAULT_SUBMISSION_TIME_BUFFER: ClassVar[timedelta] = timedelta(minutes=15, seconds=30)
    submission_time_buffer: ClassVar[timedelta] = DEFAULT_SUBMISSION_TIME_BUFFER


def create_order(request: Any) -> Order:
    """The order that a submit request asks for. Raises ``NotSupportedError`` for combo and exercise orders."""
    kind: OrderType = request.order_type
    common = (request._time, request.tag, request.order_properties)
    symbol, quantity = request.symbol, request._quantity
    order: Order
    if kind is OrderType.MARKET:
        order = MarketOrder(symbol, quantity, *common)
    elif kind is OrderType.LIMIT:
        order = LimitOrder(symbol, quantity, request._limit_price, *common)
    elif kind is OrderType.STOP_MARKET:
        order = StopMarketOrder(symbol, quantity, request._stop_price, *common)
    elif kind is OrderType.STOP_LIMIT:
        order = StopLimitOrder(symbol, quantity, request._stop_price, request._limit_price, *common)
    elif kind is OrderType.TRAILING_STOP:
        order = TrailingStopOrder(
            symbol, quantity, request._stop_price, request._trailing_amount, request.trailing_as_percentage, *common
        )
    elif kind is OrderType.LIMIT_IF_TOUCHED:
        order = LimitIfTouchedOrder(symbol, quantity, request._trigger_price, request._limit_price, *common)
    elif kind is OrderType.MARKET_ON_OPEN:
        order = MarketOnOpenOrder(symbol, quantity, *common)
    elif kind is OrderType.MARKET_ON_CLOSE:
        order = MarketOnCloseOrder(symbol, quantity, *common)
    else:
        raise NotSupportedError(f"OrderType.{kind.lean_name}")
    order.status = OrderStatus.NEW
    order.id = request.order_id
    return order
