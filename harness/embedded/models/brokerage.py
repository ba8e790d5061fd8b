"""What brokers accept, charge and lend, for US equities. Source: Lean's ``Common/Brokerages``.

The engine calls the methods with a leading underscore; user code may derive from any of these classes and override the
public ones in either spelling.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from harness.embedded.benchmark import FuncBenchmark, SecurityBenchmark
from harness.embedded.clr import ONE, ZERO, decimal_text, div, mul, to_float, truncate
from harness.embedded.enums import AccountType, BrokerageName, LeanEnum, OrderField, OrderType, SecurityType
from harness.embedded.model_errors import InvalidAnswerError
from harness.embedded.models.buying_power import SecurityMarginModel
from harness.embedded.models.fees import (
    AlpacaFeeModel,
    AlphaStreamsFeeModel,
    AxosFeeModel,
    CharlesSchwabFeeModel,
    ConstantFeeModel,
    ExanteFeeModel,
    EzeFeeModel,
    InteractiveBrokersFeeModel,
    PublicFeeModel,
    RBIFeeModel,
    TastytradeFeeModel,
    TDAmeritradeFeeModel,
    TradeStationFeeModel,
    WebullFeeModel,
    WolverineFeeModel,
)
from harness.embedded.models.margin_interest import MarginInterestRateModel
from harness.embedded.models.settlement import DelayedSettlementModel, ImmediateSettlementModel
from harness.embedded.models.shortable import LocalDiskShortableProvider, NullShortableProvider
from harness.embedded.models.slippage import AlphaStreamsSlippageModel, NullSlippageModel
from harness.embedded.models.wrapping import exact_value, is_engine_class, require, truth, with_out_parameter
from harness.embedded.naming import lean_api, user_method
from harness.embedded.not_supported import NotSupportedError
from harness.embedded.orders.order import is_limit_order, is_stop_order
from harness.embedded.orders.properties import (
    AlpacaOrderProperties,
    OrderProperties,
    PublicOrderProperties,
    TradeStationOrderProperties,
    TradierOrderProperties,
    WebullOrderProperties,
)
from harness.embedded.orders.request import UpdateOrderFields
from harness.embedded.reference.market_hours import MarketHoursState

if TYPE_CHECKING:
    from harness.embedded.orders.order import Order
    from harness.embedded.orders.request import UpdateOrderRequest
    from harness.embedded.orders.ticket import OrderTicket
    from harness.embedded.reference.market_hours import MarketHoursSegment
    from harness.embedded.securities.security import Security

Answer = tuple[bool, "BrokerageMessageEvent | None"]
ACCEPTED: Answer = (True, None)


class BrokerageMessageType(LeanEnum):
    """How serious a broker's message is."""

    INFORMATION = 0
    WARNING = 1
    ERROR = 2
    RECONNECT = 3
    DISCONNECT = 4
    ACTION_REQUIRED = 5


@lean_api
class BrokerageMessageEvent:
    """A message of a broker. Its text is ``Type - Code: code - message``."""

    __slots__ = ("code", "message", "type")

    def __init__(self, type: BrokerageMessageType, code: Any, message: str) -> None:
        self.type = type
        self.code = str(code)
        self.message = message

    def __str__(self) -> str:
        return f"{self.type.lean_name} - Code: {self.code} - {self.message}"

    __repr__ = __str__


@lean_api
class DefaultBrokerageMessageHandler:
    """Takes a live brokerage's messages; a backtest has none, so that its methods are there to be overridden."""

    def __init__(self, algorithm: Any, *settings: Any, **named: Any) -> None:
        """``settings`` say how long a lost connection is waited for."""
        self._algorithm = algorithm

    def handle_message(self, message: BrokerageMessageEvent) -> None:
        raise NotSupportedError("DefaultBrokerageMessageHandler.handle_message", "a backtest has no such messages")

    def handle_order(self, event_args: Any) -> bool:
        raise NotSupportedError("DefaultBrokerageMessageHandler.handle_order", "a backtest has no such orders")


def _refuse(message: str, code: str = "NotSupported") -> Answer:
    return False, BrokerageMessageEvent(BrokerageMessageType.WARNING, code, message)


def crosses_zero(held: Decimal, ordered: Decimal) -> bool:
    """Whether an order turns a long position into a short one or the other way round."""
    return (held > 0 > ordered and held + ordered < 0) or (held < 0 < ordered and held + ordered > 0)


_MARKET, _LIMIT = OrderType.MARKET, OrderType.LIMIT
_STOP, _STOP_LIMIT, _TRAILING = OrderType.STOP_MARKET, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP
_MOO, _MOC = OrderType.MARKET_ON_OPEN, OrderType.MARKET_ON_CLOSE
_COMBO_MARKET, _COMBO_LIMIT = OrderType.COMBO_MARKET, OrderType.COMBO_LIMIT


def _trades_outside_hours(order: Order, kind: type[OrderProperties]) -> bool:
    """Whether an order asks for extended hours in its broker's own properties: other brokers' do not count."""
    properties = order.properties
    return isinstance(properties, kind) and bool(properties.outside_regular_trading_hours)


def _clock_text(moment: timedelta | time) -> str:
    """A time of day in .NET's format `` hh\\:mm``: hours of a twelve-hour clock."""
    hour, minute = (
        (moment.hour, moment.minute)
        if isinstance(moment, time)
        else divmod(int(moment.total_seconds()) // 60 % 1440, 60)
    )
    return f" {hour % 12 or 12:02d}:{minute:02d}"


def _within(moment: timedelta, start: timedelta, end: timedelta) -> bool:
    """``TimeOnly.IsBetween``: start included, end not, over midnight when the end is before the start."""
    return start <= moment < end if start <= end else start <= moment or moment < end


@lean_api
class DefaultBrokerageModel:
    """Accepts everything; two to one on margin accounts; fees of Interactive Brokers; SPY as benchmark."""

    supported_order_types: ClassVar[tuple[OrderType, ...] | None] = None
    """Order types the broker takes, in the order in which Lean names them; ``None``: all."""
    supported_time_in_forces: ClassVar[tuple[str, ...] | None] = None
    fee_model_class: ClassVar[Callable[[], Any]] = InteractiveBrokersFeeModel
    benchmark_ticker: ClassVar[str | None] = "SPY"
    """Stock the results are compared with unless the algorithm sets a benchmark; ``None``: a flat zero."""
    margin_only: ClassVar[str | None] = None
    """What is raised for a cash account."""

    def __init__(self, account_type: AccountType = AccountType.MARGIN) -> None:
        if self.margin_only is not None and account_type == AccountType.CASH:
            raise ValueError(self.margin_only)
        self.account_type = AccountType(account_type)

    @property
    def _lean_name(self) -> str:
        """Lean's name of the class; of a class of user code, that of the Lean class it derives from."""
        return next(cls.__name__ for cls in type(self).__mro__ if cls.__module__ == __name__)

    @property
    def required_free_buying_power_percent(self) -> float:
        return 0.0

    @property
    def default_markets(self) -> dict[SecurityType, str]:
        return {SecurityType.EQUITY: "usa"}

    # -- the engine's side ---------------------------------------------------------------------------------------

    def _can_submit_order(self, security: Security, order: Order) -> Answer:
        return self._check_order(security, order)

    def _check_order(self, security: Security, order: Order) -> Answer:
        types = self.supported_order_types
        if types is not None and order.type not in types:
            return _refuse(self._unsupported_type(order, types))
        forces = self.supported_time_in_forces
        if forces is not None and type(order.time_in_force).__name__ not in forces:
            return _refuse(
                f"The {self._lean_name} does not support {type(order.time_in_force).__name__} time in force."
            )
        return ACCEPTED

    def _unsupported_type(self, order: Order, types: tuple[OrderType, ...]) -> str:
        listed = ",".join(item.lean_name for item in types)
        return f"The {self._lean_name} does not support {order.type.lean_name} order type. Only supports [{listed}]"

    def _check_crossing(
        self, security: Security, order: Order, refused: tuple[OrderType, ...] = (_MOO, _MOC)
    ) -> Answer:
        if order.type in refused and crosses_zero(security.holdings._quantity, order._quantity):
            return _refuse(
                f"Order type '{order.type.lean_name}' is not supported for orders that cross the zero holdings "
                f"threshold in the {self._lean_name}. This means you cannot change a position from positive to "
                "negative or vice versa using this order type. Please close the existing position first."
            )
        return ACCEPTED

    def _check_market_on_open(
        self, security: Security, order: Order, window: Callable[[MarketHoursSegment], tuple[timedelta, timedelta]]
    ) -> Answer:
        if order.type != _MOO:
            return ACCEPTED
        local = security.local_time
        segments = security.exchange.hours.get_market_hours(local).segments
        regular = next((segment for segment in segments if segment.state == MarketHoursState.MARKET), None)
        if regular is None:
            start, end = timedelta(0), timedelta(days=1) - timedelta(microseconds=1)
        else:
            start, end = window(regular)
        now = local - datetime(local.year, local.month, local.day)
        if _within(now, start, end):
            return ACCEPTED
        return _refuse(
            f"MarketOnOpen submission time is invalid. Valid local times are {_clock_text(start)}\u2013"
            f"{_clock_text(end)}. Consider setting daily_precise_end_time = false or using self.schedule.on."
        )

    def _check_minimum_size(self, security: Security, order: Order) -> Answer:
        minimum = security.symbol_properties._minimum_order_size
        if minimum is not None and abs(order._quantity) < minimum:
            return _refuse(
                f"The minimum order size (in quote currency) for {security.symbol.value} is {decimal_text(minimum)}. "
                f"Order quantity was {decimal_text(order._quantity)}."
            )
        return ACCEPTED

    def _check_whole_shares(self, order: Order) -> Answer:
        if order._quantity % 1 != 0:
            return _refuse(f"Order Quantity must be Integer, but provided {decimal_text(abs(order._quantity))}.")
        return ACCEPTED

    def _can_update_order(self, security: Security, order: Order, request: UpdateOrderRequest) -> Answer:
        return ACCEPTED

    def _can_execute_order(self, security: Security, order: Order) -> bool:
        return True

    def _apply_split(self, tickets: list[OrderTicket], split: Any) -> None:
        """Scale quantity and prices of open orders as a split scales the shares."""
        factor: Decimal = split._split_factor
        for ticket in tickets:
            kind = ticket.order_type

            def scaled(field: OrderField, ticket: OrderTicket = ticket) -> Decimal:
                return mul(Decimal(ticket._get(field)), factor)

            fields = UpdateOrderFields()
            fields._quantity = truncate(div(ticket._quantity, factor))
            if is_limit_order(kind):
                fields._limit_price = scaled(OrderField.LIMIT_PRICE)
            if is_stop_order(kind):
                fields._stop_price = scaled(OrderField.STOP_PRICE)
            if kind == OrderType.LIMIT_IF_TOUCHED:
                fields._trigger_price = scaled(OrderField.TRIGGER_PRICE)
            if kind == _TRAILING and not ticket._get(OrderField.TRAILING_AS_PERCENTAGE):
                fields._trailing_amount = scaled(OrderField.TRAILING_AMOUNT)
            ticket.update(fields)

    def _get_leverage(self, security: Security | None) -> Decimal:
        return ONE if self.account_type == AccountType.CASH else Decimal(2)

    def _get_fill_model(self, security: Security) -> Any:
        from harness.embedded.fills import EquityFillModel

        return EquityFillModel()

    def _get_fee_model(self, security: Security) -> Any:
        return type(self).fee_model_class()

    def _get_slippage_model(self, security: Security) -> Any:
        return NullSlippageModel.INSTANCE

    def _get_settlement_model(self, security: Security) -> Any:
        if self.account_type == AccountType.CASH:
            return DelayedSettlementModel(1, timedelta(hours=6))
        return ImmediateSettlementModel()

    def _get_buying_power_model(self, security: Security) -> Any:
        return SecurityMarginModel(self._get_leverage(security), ZERO)

    def _get_shortable_provider(self, security: Security) -> Any:
        return NullShortableProvider.INSTANCE

    def _get_margin_interest_rate_model(self, security: Security) -> Any:
        return MarginInterestRateModel.NULL

    # -- what user code calls or overrides -----------------------------------------------------------------------

    def can_submit_order(self, security: Security, order: Order, message: Any = None) -> Answer:
        return self._can_submit_order(security, order)

    def can_update_order(
        self, security: Security, order: Order, request: UpdateOrderRequest, message: Any = None
    ) -> Answer:
        return self._can_update_order(security, order, request)

    def can_execute_order(self, security: Security, order: Order) -> bool:
        return self._can_execute_order(security, order)

    def apply_split(self, tickets: list[OrderTicket], split: Any) -> None:
        self._apply_split(tickets, split)

    def get_leverage(self, security: Security) -> float:
        return to_float(self._get_leverage(security))

    def get_fill_model(self, security: Security) -> Any:
        return self._get_fill_model(security)

    def get_fee_model(self, security: Security) -> Any:
        return self._get_fee_model(security)

    def get_slippage_model(self, security: Security) -> Any:
        return self._get_slippage_model(security)

    def get_settlement_model(self, security: Security) -> Any:
        return self._get_settlement_model(security)

    def get_buying_power_model(self, security: Security) -> Any:
        return self._get_buying_power_model(security)

    def get_shortable_provider(self, security: Security) -> Any:
        return self._get_shortable_provider(security)

    def get_margin_interest_rate_model(self, security: Security) -> Any:
        return self._get_margin_interest_rate_model(security)

    def get_benchmark(self, securities: Any) -> Any:
        raise NotSupportedError("IBrokerageModel.get_benchmark", "use set_benchmark, or override it")


def _first(*answers: Callable[[], Answer]) -> Answer:
    """The first refusal, or consent."""
    for answer in answers:
        accepted, message = answer()
        if not accepted:
            return accepted, message
    return ACCEPTED


@lean_api
class InteractiveBrokersBrokerageModel(DefaultBrokerageModel):
    """Interactive Brokers."""

    supported_order_types: ClassVar[tuple[OrderType, ...] | None] = (
        *(_MARKET, _MOO, _MOC, _LIMIT, _STOP, _STOP_LIMIT, _TRAILING, OrderType.LIMIT_IF_TOUCHED),
        *(_COMBO_MARKET, _COMBO_LIMIT, OrderType.COMBO_LEG_LIMIT, OrderType.OPTION_EXERCISE),
    )
    supported_time_in_forces: ClassVar[tuple[str, ...] | None] = (
        "GoodTilCanceledTimeInForce",
        "DayTimeInForce",
        "GoodTilDateTimeInForce",
    )
    benchmark_ticker = None

    def _check_order(self, security: Security, order: Order) -> Answer:
        types = self.supported_order_types
        if types is not None and order.type not in types:
            return _refuse(self._unsupported_type(order, types))
        return _first(
            lambda: self._check_market_on_open(security, order, _until_two_minutes_before_open),
            lambda: super(InteractiveBrokersBrokerageModel, self)._check_order(security, order),
        )


def _until_two_minutes_before_open(hours: MarketHoursSegment) -> tuple[timedelta, timedelta]:
    return hours.end, hours.start - timedelta(minutes=2)


@lean_api
class InteractiveBrokersFixModel(InteractiveBrokersBrokerageModel):
    """Interactive Brokers through FIX."""

    supported_order_types = (
        *(_MARKET, _MOO, _MOC, _LIMIT, _STOP, _STOP_LIMIT, _TRAILING),
        *(_COMBO_MARKET, _COMBO_LIMIT),
    )
    supported_time_in_forces = ("GoodTilCanceledTimeInForce", "DayTimeInForce")


@lean_api
class AlpacaBrokerageModel(DefaultBrokerageModel):
    """Alpaca: margin accounts, no commission."""

    supported_order_types = (_MARKET, _LIMIT, _STOP, _STOP_LIMIT, _TRAILING, _MOO, _MOC)
    fee_model_class = AlpacaFeeModel

    def __init__(self) -> None:
        super().__init__(AccountType.MARGIN)

    def _check_order(self, security: Security, order: Order) -> Answer:
        def outside_hours() -> Answer:
            if not _trades_outside_hours(order, AlpacaOrderProperties):
                return ACCEPTED
            force = order.time_in_force
            if order.type == _LIMIT and type(force).__name__ == "DayTimeInForce":
                return ACCEPTED
            return _refuse(
                f"The {self._lean_name} does not support {order.type.lean_name} orders with "
                f"QuantConnect.Orders.TimeInForces.{type(force).__name__} TIF outside "
                "regular hours. Only Limit orders with QuantConnect.Orders.TimeInForces.DayTimeInForce TIF are "
                "supported outside regular trading hours."
            )

        return _first(
            lambda: super(AlpacaBrokerageModel, self)._check_order(security, order),
            outside_hours,
            lambda: self._check_crossing(security, order),
            lambda: self._check_market_on_open(
                security, order, lambda hours: (timedelta(hours=19), hours.start - timedelta(minutes=2))
            ),
        )


@lean_api
class AxosClearingBrokerageModel(DefaultBrokerageModel):
    """Axos: 0.0035 USD a share, whole shares."""

    supported_order_types = (_LIMIT, _MARKET, _MOC)
    fee_model_class = AxosFeeModel
    benchmark_ticker = None

    def _check_order(self, security: Security, order: Order) -> Answer:
        return _first(
            lambda: super(AxosClearingBrokerageModel, self)._check_order(security, order), lambda: self._whole(order)
        )

    def _whole(self, order: Order) -> Answer:
        if order._quantity % 1 != 0:
            return _refuse(f"Order Quantity must be Integer, but provided {decimal_text(order._quantity)}.")
        return ACCEPTED

    def _get_shortable_provider(self, security: Security) -> Any:
        return LocalDiskShortableProvider("axos")


@lean_api
class CharlesSchwabBrokerageModel(DefaultBrokerageModel):
    """Charles Schwab: stocks without commission."""

    supported_order_types = (_MARKET, _LIMIT, _STOP, _COMBO_MARKET, _COMBO_LIMIT, _MOC, _MOO, _STOP_LIMIT)
    fee_model_class = CharlesSchwabFeeModel


@lean_api
class EzeBrokerageModel(DefaultBrokerageModel):
    """Eze: margin accounts, whole shares, no commission."""

    supported_order_types = (_MARKET, _LIMIT, _STOP, _STOP_LIMIT, _MOO, _MOC)
    fee_model_class = EzeFeeModel
    margin_only = "Eze brokerage can only be used with a Margin account type"

    def _check_order(self, security: Security, order: Order) -> Answer:
        return _first(
            lambda: super(EzeBrokerageModel, self)._check_order(security, order),
            lambda: self._check_whole_shares(order),
        )


@lean_api
class ExanteBrokerageModel(DefaultBrokerageModel):
    """Exante: a cash account unless asked otherwise; 1.2 to one on margin."""

    fee_model_class = ExanteFeeModel

    def __init__(self, account_type: AccountType = AccountType.CASH) -> None:
        super().__init__(account_type)

    def _check_order(self, security: Security, order: Order) -> Answer:
        return _refuse("Price is not set.") if order._price == 0 else ACCEPTED

    def _get_leverage(self, security: Security | None) -> Decimal:
        return ONE if self.account_type == AccountType.CASH else Decimal("1.2")


_TRADIER_EXTENDED = (
    (timedelta(hours=4), timedelta(hours=9, minutes=24)),
    (timedelta(hours=16), timedelta(hours=19, minutes=55)),
)


@lean_api
class TradierBrokerageModel(DefaultBrokerageModel):
    """Tradier: no commission; short sales are day orders of stocks above 5 USD."""

    supported_order_types = (_LIMIT, _MARKET, _STOP, _STOP_LIMIT)

    def _get_fee_model(self, security: Security) -> Any:
        return ConstantFeeModel(0)

    def _check_order(self, security: Security, order: Order) -> Answer:
        types = self.supported_order_types
        if types is not None and order.type not in types:
            return _refuse(self._unsupported_type(order, types))
        force = type(order.time_in_force).__name__
        if force not in ("GoodTilCanceledTimeInForce", "DayTimeInForce"):
            return _refuse(
                "This model only supports orders with the following time in force types: "
                "QuantConnect.Orders.TimeInForces.DayTimeInForce and "
                "QuantConnect.Orders.TimeInForces.GoodTilCanceledTimeInForce"
            )
        if security.holdings._quantity + order._quantity < 0:
            if force == "GoodTilCanceledTimeInForce":
                return _refuse(
                    "You cannot place short stock orders with GTC, only day orders are allowed", "ShortOrderIsGtc"
                )
            if security._price < 5:
                return _refuse(
                    "Sell Short order cannot be placed for stock priced below $5", "SellShortOrderLastPriceBelow5"
                )
        if not 1 <= abs(order._quantity) <= 10_000_000:
            return _refuse("Quantity should be between 1 and 10,000,000", "IncorrectOrderQuantity")
        executes, can_submit = self._executes(security, order)
        if not executes and not can_submit:
            return _refuse(
                "Tradier does not support explicitly placing out-of-regular-hours orders if not currently during the "
                "pre or post market session. PreMarket: 04:00:00-09:24:00. PostMarket: 16:00:00-19:55:00. Only equity "
                "limit orders are allowed during extended market hours.",
                "ExtendedMarket",
            )
        return self._check_crossing(security, order)

    def _executes(self, security: Security, order: Order) -> tuple[bool, bool]:
        """Whether the order can be filled now, and if not, whether it can wait for the open."""
        if security.exchange.exchange_open:
            return True, True
        outside = _trades_outside_hours(order, TradierOrderProperties)
        local = security.local_time
        now = local - datetime(local.year, local.month, local.day)
        if outside and order.type == _LIMIT and any(start <= now < end for start, end in _TRADIER_EXTENDED):
            return True, True
        return False, not outside

    def _can_execute_order(self, security: Security, order: Order) -> bool:
        return self._executes(security, order)[0]

    def _can_update_order(self, security: Security, order: Order, request: UpdateOrderRequest) -> Answer:
        if request._quantity is not None and request._quantity != order._quantity:
            return _refuse("Tradier does not support updating order quantities.", "UpdateRejected")
        return ACCEPTED

    def _apply_split(self, tickets: list[OrderTicket], split: Any) -> None:
        if split._split_factor > 1:
            for ticket in tickets:
                ticket.cancel("Tradier Brokerage cancels open orders on reverse split symbols")
        else:
            super()._apply_split(tickets, split)


@lean_api
class TradeStationBrokerageModel(DefaultBrokerageModel):
    """TradeStation: no commission for residents of the United States."""

    supported_order_types = (
        *(_MARKET, _LIMIT, _STOP, _STOP_LIMIT, _COMBO_MARKET),
        *(_COMBO_LIMIT, _MOO, _MOC, _TRAILING),
    )
    fee_model_class = TradeStationFeeModel

    def _check_order(self, security: Security, order: Order) -> Answer:
        if _trades_outside_hours(order, TradeStationOrderProperties) and order.type != _LIMIT:
            return _refuse(
                "To place an order outside regular trading hours, please use a limit order and ensure the security is "
                "an equity.",
                "NotSupportedOutsideRegularMarketHours",
            )
        return _first(
            lambda: super(TradeStationBrokerageModel, self)._check_order(security, order),
            lambda: self._check_crossing(security, order, (_COMBO_MARKET, _COMBO_LIMIT, _MOO, _MOC)),
            lambda: self._check_market_on_open(
                security, order, lambda hours: (timedelta(hours=6), hours.start - timedelta(minutes=1))
            ),
        )

    def _can_update_order(self, security: Security, order: Order, request: UpdateOrderRequest) -> Answer:
        changes = request._quantity is not None and request._quantity != order._quantity
        if changes and crosses_zero(security.holdings._quantity, order._quantity):
            return _refuse(
                f"Unfortunately, the {self._lean_name} brokerage model does not support updating the quantity of "
                "Cross Zero Orders.",
                "UpdateRejected",
            )
        return ACCEPTED


@lean_api
class TastytradeBrokerageModel(DefaultBrokerageModel):
    """Tastytrade: stocks without commission."""

    supported_order_types = (_MARKET, _LIMIT, _STOP, _STOP_LIMIT, _COMBO_LIMIT)
    fee_model_class = TastytradeFeeModel


@lean_api
class WebullBrokerageModel(DefaultBrokerageModel):
    """Webull: stocks without commission."""

    supported_order_types = (_MARKET, _LIMIT, _STOP, _STOP_LIMIT, _TRAILING)
    fee_model_class = WebullFeeModel

    def _check_order(self, security: Security, order: Order) -> Answer:
        accepted, message = super()._check_order(security, order)
        if accepted and order.type == _MARKET and _trades_outside_hours(order, WebullOrderProperties):
            return _refuse("Market orders are not supported outside regular trading hours.")
        return accepted, message


@lean_api
class PublicBrokerageModel(DefaultBrokerageModel):
    """Public: 2.99 USD for orders outside the regular session."""

    supported_order_types = (_MARKET, _LIMIT, _STOP, _STOP_LIMIT, _COMBO_LIMIT)
    fee_model_class = PublicFeeModel

    def _check_order(self, security: Security, order: Order) -> Answer:
        accepted, message = super()._check_order(security, order)
        if accepted and order.type != _LIMIT and _trades_outside_hours(order, PublicOrderProperties):
            return _refuse(
                "Orders for extended market must be of type 'Limit' and with 'DAY' time-in-force, but "
                f"{order.type.lean_name} was specified."
            )
        if accepted and isinstance(order.properties, PublicOrderProperties):
            # no margin in a cash account; else what was chosen, or margin
            chosen = order.properties.use_margin
            order.properties.use_margin = self.account_type != AccountType.CASH and (chosen is None or chosen)
        return accepted, message


class _SizedBrokerageModel(DefaultBrokerageModel):
    """A broker with a smallest order."""

    def _check_order(self, security: Security, order: Order) -> Answer:
        return _first(
            lambda: self._check_minimum_size(security, order),
            lambda: super(_SizedBrokerageModel, self)._check_order(security, order),
        )


@lean_api
class RBIBrokerageModel(_SizedBrokerageModel):
    """RBI."""

    supported_order_types = (_MARKET, _LIMIT, _STOP, _STOP_LIMIT)
    fee_model_class = RBIFeeModel

    def _unsupported_type(self, order: Order, types: tuple[OrderType, ...]) -> str:
        return (
            f"{order.type.lean_name} order is not supported by RBI. Currently, only Market Order, Limit Order, "
            "StopMarket Order and StopLimit Order are supported."
        )


@lean_api
class TDAmeritradeBrokerageModel(_SizedBrokerageModel):
    """TD Ameritrade: stocks without commission."""

    supported_order_types = (_MARKET, _LIMIT, _STOP, _STOP_LIMIT)
    fee_model_class = TDAmeritradeFeeModel


class _NoUpdates(DefaultBrokerageModel):
    """A broker whose orders cannot be changed."""

    update_refusal_code: ClassVar[str] = "NotSupported"

    def _can_update_order(self, security: Security, order: Order, request: UpdateOrderRequest) -> Answer:
        return _refuse(
            "Brokerage does not support update. You must cancel and re-create instead.", self.update_refusal_code
        )


@lean_api
class WolverineBrokerageModel(_NoUpdates, _SizedBrokerageModel):
    """Wolverine."""

    supported_order_types = (_MARKET, _MOC, _LIMIT, _STOP, _STOP_LIMIT)
    fee_model_class = WolverineFeeModel
    update_refusal_code = "0"


@lean_api
class TerminalLinkBrokerageModel(_NoUpdates):
    """Terminal Link."""

    supported_order_types = (_MARKET, _MOO, _LIMIT, _STOP, _STOP_LIMIT)


@lean_api
class BloombergFixBrokerageModel(DefaultBrokerageModel):
    """Bloomberg through FIX: margin accounts."""

    supported_order_types = (_MARKET, _MOO, _MOC, _LIMIT, _STOP, _STOP_LIMIT)
    margin_only = "Bloomberg FIX brokerage can only be used with a Margin account type"


@lean_api
class TradingTechnologiesBrokerageModel(DefaultBrokerageModel):
    """Trading Technologies: takes futures only, so that every order of a stock is refused."""

    benchmark_ticker = None

    @property
    def default_markets(self) -> dict[SecurityType, str]:
        return {SecurityType.FUTURE: "cme"}

    def _get_fee_model(self, security: Security) -> Any:
        return ConstantFeeModel(0)

    def _check_order(self, security: Security, order: Order) -> Answer:
        return _refuse(f"The {self._lean_name} does not support {security.type.lean_name} security type.")

    def _can_execute_order(self, security: Security, order: Order) -> bool:
        return False


@lean_api
class AlphaStreamsBrokerageModel(DefaultBrokerageModel):
    """Alpha Streams: no leverage, a little slippage."""

    fee_model_class = AlphaStreamsFeeModel
    margin_only = "The Alpha Streams brokerage does not currently support Cash trading. (Parameter 'accountType')"

    def _get_slippage_model(self, security: Security) -> Any:
        return AlphaStreamsSlippageModel()

    def _get_leverage(self, security: Security | None) -> Decimal:
        return ONE

    def _get_settlement_model(self, security: Security) -> Any:
        return ImmediateSettlementModel()


_MODELS: dict[int, type[DefaultBrokerageModel]] = {
    BrokerageName.DEFAULT: DefaultBrokerageModel,
    BrokerageName.TERMINAL_LINK: TerminalLinkBrokerageModel,
    BrokerageName.INTERACTIVE_BROKERS_BROKERAGE: InteractiveBrokersBrokerageModel,
    BrokerageName.INTERACTIVE_BROKERS_FIX: InteractiveBrokersFixModel,
    BrokerageName.TRADIER_BROKERAGE: TradierBrokerageModel,
    BrokerageName.ALPHA_STREAMS: AlphaStreamsBrokerageModel,
    BrokerageName.AXOS: AxosClearingBrokerageModel,
    BrokerageName.TRADING_TECHNOLOGIES: TradingTechnologiesBrokerageModel,
    BrokerageName.EXANTE: ExanteBrokerageModel,
    BrokerageName.WOLVERINE: WolverineBrokerageModel,
    BrokerageName.TD_AMERITRADE: TDAmeritradeBrokerageModel,
    BrokerageName.RBI: RBIBrokerageModel,
    BrokerageName.EZE: EzeBrokerageModel,
    BrokerageName.TRADE_STATION: TradeStationBrokerageModel,
    BrokerageName.CHARLES_SCHWAB: CharlesSchwabBrokerageModel,
    BrokerageName.TASTYTRADE: TastytradeBrokerageModel,
    BrokerageName.WEBULL: WebullBrokerageModel,
    BrokerageName.PUBLIC: PublicBrokerageModel,
    BrokerageName.BLOOMBERG_FIX: BloombergFixBrokerageModel,
}


def create_brokerage_model(
    brokerage: BrokerageName, account_type: AccountType = AccountType.MARGIN
) -> DefaultBrokerageModel:
    """The model of a broker by its name. Raises for brokers that do not trade US equities."""
    if brokerage == BrokerageName.ALPACA:
        return AlpacaBrokerageModel()
    model = _MODELS.get(int(brokerage))
    if model is None:
        raise NotSupportedError(f"BrokerageName.{brokerage}", "the broker does not trade US equities")
    return model(account_type)


_INTERFACE = (
    "account_type",
    "can_submit_order",
    "can_update_order",
    "can_execute_order",
    "apply_split",
    "get_leverage",
    "get_fill_model",
    "get_fee_model",
    "get_slippage_model",
    "get_settlement_model",
    "get_buying_power_model",
    "get_shortable_provider",
    "get_margin_interest_rate_model",
)


class UserBrokerageModel(DefaultBrokerageModel):
    """User code's brokerage model. Source: Lean's ``BrokerageModelPythonWrapper``."""

    def __init__(self, model: Any) -> None:
        self._model = model
        account_type = getattr(model, "account_type", None)
        super().__init__(AccountType.MARGIN if account_type is None else account_type)

    @property
    def model(self) -> Any:
        """The object that user code gave."""
        return self._model

    @property
    def default_markets(self) -> dict[SecurityType, str]:
        markets: dict[SecurityType, str] | None = getattr(self._model, "default_markets", None)
        return super().default_markets if markets is None else markets

    def _ask(self, name: str, *arguments: Any) -> Any:
        method = user_method(self._model, name)
        return (method or getattr(self._model, f"_{name}"))(*arguments)

    def _ask_with_message(self, name: str, *arguments: Any) -> Answer:
        method = user_method(self._model, name)
        if method is None:
            inherited: Answer = getattr(self._model, f"_{name}")(*arguments)
            return inherited
        accepted, message = with_out_parameter(method(*arguments, None), name)
        accepted = truth(accepted, name)
        if message is not None and not isinstance(message, BrokerageMessageEvent):
            raise InvalidAnswerError(
                f"Invalid out parameter type in method '{name}'. Out parameter in position 0 expected type is "
                f"'BrokerageMessageEvent' but was '{type(message).__name__}'."
            )
        return accepted, message

    def _can_submit_order(self, security: Security, order: Order) -> Answer:
        return self._ask_with_message("can_submit_order", security, order)

    def _can_update_order(self, security: Security, order: Order, request: UpdateOrderRequest) -> Answer:
        return self._ask_with_message("can_update_order", security, order, request)

    def _can_execute_order(self, security: Security, order: Order) -> bool:
        return truth(self._ask("can_execute_order", security, order), "can_execute_order")

    def _apply_split(self, tickets: list[OrderTicket], split: Any) -> None:
        self._ask("apply_split", tickets, split)

    def _get_leverage(self, security: Security | None) -> Decimal:
        return exact_value(self._ask("get_leverage", security), "get_leverage")

    def _get_fill_model(self, security: Security) -> Any:
        return self._ask("get_fill_model", security)

    def _get_fee_model(self, security: Security) -> Any:
        return self._ask("get_fee_model", security)

    def _get_slippage_model(self, security: Security) -> Any:
        return self._ask("get_slippage_model", security)

    def _get_settlement_model(self, security: Security) -> Any:
        return self._ask("get_settlement_model", security)

    def _get_buying_power_model(self, security: Security) -> Any:
        return self._ask("get_buying_power_model", security)

    def _get_shortable_provider(self, security: Security) -> Any:
        return self._ask("get_shortable_provider", security)

    def _get_margin_interest_rate_model(self, security: Security) -> Any:
        return self._ask("get_margin_interest_rate_model", security)


def engine_brokerage_model(model: Any) -> DefaultBrokerageModel:
    """The model as the engine calls it."""
    if is_engine_class(model):
        engine: DefaultBrokerageModel = model
        return engine
    require(model, "IBrokerageModel", _INTERFACE)
    return UserBrokerageModel(model)


def brokerage_benchmark(model: Any, securities: Any) -> FuncBenchmark | SecurityBenchmark | str:
    """What results are compared with unless the algorithm says so: user code's own benchmark, or a stock's ticker."""
    inner = getattr(model, "model", model)
    method = user_method(inner, "get_benchmark")
    if method is not None:
        own = method(securities)
        return own if isinstance(own, (FuncBenchmark, SecurityBenchmark)) else FuncBenchmark(_evaluate_of(own))
    ticker: str | None = getattr(inner, "benchmark_ticker", "SPY")
    return FuncBenchmark(lambda time: 0) if ticker is None else ticker


def _evaluate_of(benchmark: Any) -> Callable[[datetime], Any]:
    """``evaluate`` of a benchmark written in Python. Source: Lean's ``BenchmarkPythonWrapper``."""
    require(benchmark, "IBenchmark", ("evaluate",))
    evaluate: Callable[[datetime], Any] = user_method(benchmark, "evaluate")
    return evaluate
