"""Orders, targets and liquidation as ``QCAlgorithm`` methods. Source of the rules: Lean's ``QCAlgorithm.Trading``."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from harness.embedded import clr
from harness.embedded.binding import clr_call, sized, symbols_of
from harness.embedded.enums import (
    AlgorithmStatus,
    OrderDirection,
    OrderResponseErrorCode,
    OrderType,
    Resolution,
    SecurityType,
)
from harness.embedded.model_errors import NullReferenceError
from harness.embedded.models.brokerage import DefaultBrokerageMessageHandler
from harness.embedded.models.wrapping import require
from harness.embedded.naming import lean_api, user_method
from harness.embedded.not_supported import NotSupportedError
from harness.embedded.orders.order import MarketOnCloseOrder, TrailingStopOrder
from harness.embedded.orders.request import SubmitOrderRequest
from harness.embedded.orders.response import OrderResponse
from harness.embedded.orders.sizing import adjust_by_lot_size
from harness.embedded.orders.ticket import OrderTicket
from harness.embedded.orders.time_in_force import GoodTilDateTimeInForce, TimeInForce
from harness.embedded.orders.zones import to_utc
from harness.embedded.portfolio_target import PortfolioTarget
from harness.embedded.reference.symbols import Symbol
from harness.embedded.securities.messages import zero_price_message

_MARKET_CLOSED = (
    "Warning: market orders submitted while the market is closed are automatically converted into MarketOnOpen orders "
    "to fill at the next market open."
)
_DAILY_CONVERSION = (
    "Warning: market orders on daily resolution data sent during market hours are automatically converted into "
    "MarketOnClose orders (or MarketOnOpen near the close) to avoid filling at the stale previous close. Note: in live "
    "trading this conversion is not applied, as the order fills at the current market price."
)
_GOOD_TIL_DATE_AUCTION = (
    "Warning: Good-Til-Date Time-In-Force is not supported for MOO and MOC orders. "
    "The time-in-force will be reset to Good-Til-Canceled (GTC)."
)
_LIQUIDATE_DISABLED = (
    "Liquidate() is currently disabled by settings. To re-enable please set 'Settings.LiquidateEnabled' to true"
)


_REST = 'bool asynchronous = false, string tag = "", IOrderProperties orderProperties = null)'
_REST_WITHOUT_TAG = "bool asynchronous = false, string tag = null, IOrderProperties orderProperties = null)"
_HOLDINGS_REST = f"bool liquidateExistingHoldings = false, {_REST_WITHOUT_TAG}"


@lean_api
class TradingApi:
    """Mixin of ``QCAlgorithm``. A ``symbol`` is a symbol, a ticker or a security; quantities are signed.

    The signatures above the methods are those of Lean's C# methods, by which Python's arguments are bound.
    """

    # what the engine's QCAlgorithm brings
    securities: Any
    portfolio: Any
    transactions: Any
    settings: Any
    default_order_properties: Any
    universe_settings: Any
    get_last_known_prices: Any
    is_warming_up: bool
    status: AlgorithmStatus
    clock: Any
    _engine: Any
    _locked: bool
    debug: Any
    error: Any

    _brokerage_message_handler: Any = None
    _max_orders = 10_000
    _warned_market_on_open = False
    _warned_daily_conversion = False
    _warned_good_til_date = False
    _warned_liquidate_not_found = False

    # -- market orders ----------------------------------------------------------------------------------------------

    @clr_call(
        *sized("Buy(Symbol symbol, {} quantity)", ("int", "double", "decimal", "float")),
        f"Buy(OptionStrategy strategy, int quantity, {_REST}",
    )
    def buy(self, symbol: Symbol, quantity: Decimal) -> OrderTicket:
        """A market order for ``abs(quantity)``."""
        return self._market_order(symbol, abs(quantity))

    @clr_call(
        *sized("Sell(Symbol symbol, {} quantity)", ("int", "double", "float", "decimal")),
        f"Sell(OptionStrategy strategy, int quantity, {_REST}",
    )
    def sell(self, symbol: Symbol, quantity: Decimal) -> OrderTicket:
        """A market order for ``-abs(quantity)``."""
        return self._market_order(symbol, -abs(quantity))

    @clr_call(
        *sized("Order(Symbol symbol, {} quantity)", ("double", "int", "decimal")),
        f"Order(Symbol symbol, decimal quantity, {_REST}",
        f"Order(OptionStrategy strategy, int quantity, {_REST}",
        f"Order(Symbol symbol, int quantity, OrderType type, {_REST}",
        *sized("Order(Symbol symbol, {} quantity, OrderType type)", ("decimal", "int")),
    )
    def order(
        self,
        symbol: Symbol,
        quantity: Decimal,
        asynchronous: bool = False,
        tag: str | None = "",
        order_properties: Any = None,
        type: OrderType = OrderType.MARKET,
    ) -> OrderTicket:
        """A market order. An order type, as Lean's obsolete forms take it, changes nothing."""
        return self._market_order(symbol, quantity, asynchronous, tag, order_properties)

    @clr_call(*sized(f"MarketOrder(Symbol symbol, {{}} quantity, {_REST}"))
    def market_order(
        self, symbol: Symbol, quantity: Decimal, asynchronous: bool, tag: str | None, order_properties: Any
    ) -> OrderTicket:
        """Fill at once; out of hours at the next open, with daily data alone at the close (or the next open)."""
        return self._market_order(symbol, quantity, asynchronous, tag, order_properties)

    def _market_order(
        self, symbol: Any, quantity: Decimal, asynchronous: bool = False, tag: str | None = "", properties: Any = None
    ) -> OrderTicket:
        security = self._security_for_order(symbol)
        if security is None:
            return self._submit(OrderType.MARKET, symbol, quantity, asynchronous, tag, properties)
        hours = security.exchange.hours
        if not hours.is_open(security.local_time, False):
            ticket = self._auction_order(OrderType.MARKET_ON_OPEN, symbol, quantity, asynchronous, tag, properties)
            if not self._warned_market_on_open and ticket.submit_request.response.is_success:
                self.debug(_MARKET_CLOSED)
                self._warned_market_on_open = True
            return ticket
        if not hours.is_market_always_open and _is_daily_only(security):
            late = self._is_too_late_for_close(security)
            kind = OrderType.MARKET_ON_OPEN if late else OrderType.MARKET_ON_CLOSE
            ticket = self._auction_order(kind, symbol, quantity, asynchronous, tag, properties)
            if not self._warned_daily_conversion and ticket.submit_request.response.is_success:
                self.debug(_DAILY_CONVERSION)
                self._warned_daily_conversion = True
            return ticket
        return self._submit(OrderType.MARKET, symbol, quantity, asynchronous, tag, properties)

    @clr_call(*sized(f"MarketOnOpenOrder(Symbol symbol, {{}} quantity, {_REST}", ("double", "int", "decimal")))
    def market_on_open_order(
        self, symbol: Symbol, quantity: Decimal, asynchronous: bool, tag: str | None, order_properties: Any
    ) -> OrderTicket:
        """Fill at the next regular open."""
        return self._auction_order(OrderType.MARKET_ON_OPEN, symbol, quantity, asynchronous, tag, order_properties)

    @clr_call(*sized(f"MarketOnCloseOrder(Symbol symbol, {{}} quantity, {_REST}"))
    def market_on_close_order(
        self, symbol: Symbol, quantity: Decimal, asynchronous: bool, tag: str | None, order_properties: Any
    ) -> OrderTicket:
        """Fill at the regular close."""
        return self._auction_order(OrderType.MARKET_ON_CLOSE, symbol, quantity, asynchronous, tag, order_properties)

    def _auction_order(
        self, kind: OrderType, symbol: Any, quantity: Decimal, asynchronous: bool, tag: str | None, properties: Any
    ) -> OrderTicket:
        if properties is None:
            if self.default_order_properties is None:
                raise NullReferenceError
            properties = self.default_order_properties.clone()
        if isinstance(properties.time_in_force, GoodTilDateTimeInForce):
            properties.time_in_force = TimeInForce.GOOD_TIL_CANCELED
            if not self._warned_good_til_date:
                self.debug(_GOOD_TIL_DATE_AUCTION)
                self._warned_good_til_date = True
        return self._submit(kind, symbol, quantity, asynchronous, tag, properties)

    # -- resting orders ---------------------------------------------------------------------------------------------

    @clr_call(*sized(f"LimitOrder(Symbol symbol, {{}} quantity, decimal limitPrice, {_REST}"))
    def limit_order(self, symbol: Symbol, limit_price: Decimal, **order: Any) -> OrderTicket:
        """Fill at ``limit_price`` or better."""
        return self._submit(OrderType.LIMIT, symbol, **order, limit_price=limit_price)

    @clr_call(*sized(f"StopMarketOrder(Symbol symbol, {{}} quantity, decimal stopPrice, {_REST}"))
    def stop_market_order(self, symbol: Symbol, stop_price: Decimal, **order: Any) -> OrderTicket:
        """Fill at the market once ``stop_price`` is reached."""
        return self._submit(OrderType.STOP_MARKET, symbol, **order, stop_price=stop_price)

    @clr_call(
        *sized(
            "TrailingStopOrder(Symbol symbol, {} quantity, decimal trailingAmount, "
            f"bool trailingAsPercentage, {_REST}"
        ),
        *sized(
            "TrailingStopOrder(Symbol symbol, {} quantity, decimal stopPrice, decimal trailingAmount, "
            f"bool trailingAsPercentage, {_REST}"
        ),
    )
    def trailing_stop_order(
        self,
        symbol: Symbol,
        quantity: Decimal,
        trailing_amount: Decimal,
        trailing_as_percentage: bool,
        stop_price: Decimal | None = None,
        **order: Any,
    ) -> OrderTicket:
        """A stop that follows the market.

        ``(symbol, quantity, trailing_amount, trailing_as_percentage, asynchronous, tag, order_properties)`` starts at
        the current price; with ``stop_price`` before ``trailing_amount`` it starts there.
        """
        if stop_price is None:
            security = self._security_for_order(symbol)
            direction = OrderDirection.BUY if quantity > 0 else OrderDirection.SELL
            price = clr.ZERO if security is None else security._price
            stop_price = TrailingStopOrder.calculate_stop_price(
                price, trailing_amount, trailing_as_percentage, direction
            )
        return self._submit(
            OrderType.TRAILING_STOP,
            symbol,
            quantity,
            **order,
            stop_price=stop_price,
            trailing_amount=trailing_amount,
            trailing_as_percentage=trailing_as_percentage,
        )

    @clr_call(*sized(f"StopLimitOrder(Symbol symbol, {{}} quantity, decimal stopPrice, decimal limitPrice, {_REST}"))
    def stop_limit_order(self, symbol: Symbol, stop_price: Decimal, limit_price: Decimal, **order: Any) -> OrderTicket:
        """Fill at ``limit_price`` or better once ``stop_price`` is reached."""
        return self._submit(OrderType.STOP_LIMIT, symbol, **order, stop_price=stop_price, limit_price=limit_price)

    @clr_call(
        *sized(f"LimitIfTouchedOrder(Symbol symbol, {{}} quantity, decimal triggerPrice, decimal limitPrice, {_REST}")
    )
    def limit_if_touched_order(
        self, symbol: Symbol, trigger_price: Decimal, limit_price: Decimal, **order: Any
    ) -> OrderTicket:
        """Fill at ``limit_price`` or better once ``trigger_price`` is touched."""
        return self._submit(
            OrderType.LIMIT_IF_TOUCHED, symbol, **order, trigger_price=trigger_price, limit_price=limit_price
        )

    # -- targets ------------------------------------------------------------------------------------------------------

    @clr_call(
        f"SetHoldings(List<PortfolioTarget> targets, {_HOLDINGS_REST}",
        *sized(f"SetHoldings(Symbol symbol, {{}} percentage, {_HOLDINGS_REST}", ("double", "float", "int", "decimal")),
    )
    def set_holdings(
        self,
        liquidate_existing_holdings: bool,
        asynchronous: bool,
        tag: str | None,
        order_properties: Any,
        symbol: Symbol | None = None,
        percentage: Decimal = clr.ZERO,
        **targets: Any,
    ) -> list[OrderTicket]:
        """Trade towards a share of the portfolio: ``(symbol, percentage, …)`` or ``(list of PortfolioTarget, …)``.

        Then ``liquidate_existing_holdings=False, asynchronous=False, tag=None, order_properties=None``. Targets of a
        list are traded in the order of their effect on margin: reductions first, then the largest.
        """
        if "targets" in targets:
            return self._set_targets(
                targets["targets"], liquidate_existing_holdings, asynchronous, tag, order_properties
            )
        if symbol is None:
            raise NullReferenceError
        quantity = self._calculate_order_quantity(symbol, percentage)
        return self._trade_towards(symbol, quantity, liquidate_existing_holdings, asynchronous, tag, order_properties)

    def _set_targets(
        self,
        targets: list[Any],
        liquidate_existing_holdings: bool,
        asynchronous: bool,
        tag: str | None,
        order_properties: Any,
    ) -> list[OrderTicket]:
        if targets is None or None in targets:
            raise NullReferenceError
        tickets: list[OrderTicket] = []
        if liquidate_existing_holdings:
            others = self._symbols_except(target.symbol for target in targets)
            tickets = self._liquidate(others, False, tag, order_properties)
        for symbol, quantity in self._by_margin_impact(targets):
            tickets.extend(self._trade_towards(symbol, quantity, False, asynchronous, tag, order_properties))
        return tickets

    def _by_margin_impact(self, targets: list[Any]) -> list[tuple[Symbol, Decimal]]:
        """Order quantities of the targets, in the order of Lean's ``OrderTargetsByMarginImpact``."""
        if self.is_warming_up:
            return []
        rows = []
        for target in targets:
            delta = self._calculate_order_quantity(target.symbol, target._quantity)
            security = self.securities[target.symbol]
            size = adjust_by_lot_size(security, delta)
            existing = self.transactions._projected_holdings(security)._projected_quantity
            if security.has_data and security.is_tradable and abs(size) >= security.symbol_properties._lot_size:
                reduces = existing != 0 and abs(size + existing) < abs(existing)
                rows.append((not reduces, -abs(size * security._price), target.symbol, delta))
        rows.sort(key=lambda row: row[:2])
        return [(symbol, delta) for _, _, symbol, delta in rows]

    def _trade_towards(
        self,
        symbol: Symbol,
        order_quantity: Decimal,
        liquidate_existing_holdings: bool,
        asynchronous: bool,
        tag: str | None,
        properties: Any,
    ) -> list[OrderTicket]:
        """Order what is missing beyond open market orders; at the open when the market is closed."""
        tickets: list[OrderTicket] = []
        if liquidate_existing_holdings:
            tickets = self._liquidate(self._symbols_except([symbol]), False, tag, properties)
        tag = "" if tag is None else tag
        quantity = order_quantity - self.transactions._get_open_orders_remaining_quantity(
            lambda ticket: ticket.symbol == symbol and ticket.order_type in (OrderType.MARKET, OrderType.MARKET_ON_OPEN)
        )
        if quantity != 0:
            security = self.securities.get(symbol)
            if security is None:
                self.error(f"{symbol} not found in portfolio. Request this data when initializing the algorithm.")
                return tickets
            if security.exchange.hours.is_open(security.local_time, False):
                tickets.append(self._market_order(symbol, quantity, asynchronous, tag, properties))
            else:
                tickets.append(
                    self._auction_order(OrderType.MARKET_ON_OPEN, symbol, quantity, asynchronous, tag, properties)
                )
        return tickets

    @clr_call(*sized("CalculateOrderQuantity(Symbol symbol, {} target)", ("double", "decimal")))
    def calculate_order_quantity(self, symbol: Symbol, target: Decimal) -> float:
        """The order that makes ``symbol`` the share ``target`` of the portfolio; 0 where that is not possible."""
        return clr.to_float(self._calculate_order_quantity(symbol, target))

    def _calculate_order_quantity(self, symbol: Symbol, target: Decimal) -> Decimal:
        percent = PortfolioTarget.percent(self, symbol, target, True)
        return clr.ZERO if percent is None else percent._quantity

    # -- liquidation --------------------------------------------------------------------------------------------------

    @clr_call(
        'Liquidate(PyObject symbols, bool asynchronous = false, string tag = "Liquidated", '
        "IOrderProperties orderProperties = null)",
        f"Liquidate(Symbol symbol = null, {_REST_WITHOUT_TAG}",
        f"Liquidate(IEnumerable<Symbol> symbols, {_REST_WITHOUT_TAG}",
        "Liquidate(Symbol symbolToLiquidate, string tag)",
    )
    def liquidate(
        self,
        asynchronous: bool = False,
        tag: str | None = None,
        order_properties: Any = None,
        symbol: Symbol | None = None,
        **selection: Any,
    ) -> list[Any]:
        """Cancel the open orders and close the positions of a symbol, of several, or of all securities.

        Returns the closing orders' tickets; ``liquidate(symbol, "tag")``, Lean's obsolete form, returns their ids.
        """
        if "symbol_to_liquidate" in selection:
            symbol = selection["symbol_to_liquidate"]
            symbols: Iterable[Symbol] = self._everything() if symbol is None else [symbol]
            return [ticket.order_id for ticket in self._liquidate(symbols, False, tag, None)]
        if "symbols" in selection:
            symbols = symbols_of(selection["symbols"])
        else:
            symbols = self._everything() if symbol is None else [symbol]
        return self._liquidate(symbols, asynchronous, tag, order_properties)

    def _everything(self) -> list[Symbol]:
        return sorted(self.securities.keys(), key=lambda each: each.value)

    def _liquidate(
        self, symbols: Iterable[Symbol], asynchronous: bool, tag: str | None, properties: Any
    ) -> list[OrderTicket]:
        tickets: list[OrderTicket] = []
        if not self.settings.liquidate_enabled:
            self.debug(_LIQUIDATE_DISABLED)
            return tickets
        tag = "Liquidated" if tag is None else tag
        for symbol in symbols:
            security = self.securities.get(symbol)
            if security is None:
                if not self._warned_liquidate_not_found:
                    self._warned_liquidate_not_found = True
                    self.debug(
                        f"Warning: liquidate ignored symbol '{symbol}' because it has not been added to the algorithm. "
                        "Add the security before liquidating it."
                    )
                continue
            orders = self.transactions.get_open_orders(symbol)
            quantity = security.holdings._quantity if security.holdings.invested else clr.ZERO
            closing = [order for order in orders if order.type is OrderType.MARKET and order._quantity == -quantity]
            if len(orders) == 1 and closing and quantity != 0:
                continue
            pending = clr.ZERO
            for order in orders:
                if order.type is OrderType.MARKET:
                    ticket = self.transactions.get_order_ticket(order.id)
                    if ticket is not None:
                        pending += ticket._quantity_remaining
                else:
                    self.transactions.cancel_order(order.id, tag)
            if quantity != 0:
                tickets.append(self._market_order(symbol, -quantity - pending, asynchronous, tag, properties))
        return tickets

    def _symbols_except(self, symbols: Iterable[Symbol]) -> list[Symbol]:
        kept = set(symbols)
        return sorted((each for each in list(self.securities.keys()) if each not in kept), key=lambda each: each.value)

    # -- questions and settings ---------------------------------------------------------------------------------

    @clr_call("IsMarketOpen(Symbol symbol)")
    def is_market_open(self, symbol: Symbol) -> bool:
        """Whether the regular session of the symbol's exchange is open now."""
        security = self.securities.get(symbol)
        hours = self._engine.market_hours(symbol) if security is None else security.exchange.hours
        if security is not None:
            return bool(hours.is_open(security.local_time, False))
        return bool(hours.is_open(hours.zone.utc_to_local(self.clock.utc), False))

    @property
    def brokerage_message_handler(self) -> Any:
        """Who would get a brokerage's messages; a backtest has none."""
        if self._brokerage_message_handler is None:
            self._brokerage_message_handler = DefaultBrokerageMessageHandler(self)
        return self._brokerage_message_handler

    def set_brokerage_message_handler(self, handler: Any) -> None:
        """Raises ``NotImplementedError`` for a handler that leaves out a method, ``ValueError`` for ``None``."""
        if handler is None:
            raise ValueError("Value cannot be null. (Parameter 'handler')")
        require(handler, "IBrokerageMessageHandler", ("handle_message", "handle_order"))
        self._brokerage_message_handler = handler

    @clr_call("SetMaximumOrders(int max)")
    def set_maximum_orders(self, max: int) -> None:
        """How many orders a backtest may have; a local backtest of Lean puts its own limit in its place."""
        if not self._locked:
            self._max_orders = max

    @clr_call("Shortable(Symbol symbol)", "Shortable(Symbol symbol, decimal shortQuantity, int? updateOrderId = null)")
    def shortable(self, symbol: Symbol, short_quantity: Decimal = clr.ZERO, update_order_id: int | None = None) -> bool:
        """Whether the brokerage lends enough of the symbol to sell this quantity short."""
        return self._shortable(symbol, short_quantity, update_order_id)

    def _shortable(self, symbol: Symbol, short_quantity: Decimal, update_order_id: int | None = None) -> bool:
        security = self.securities[symbol]
        available = security._shortable_provider._shortable_quantity(symbol, security.local_time)
        if available is None:
            return True
        open_quantity = self.transactions._get_open_orders_remaining_quantity(
            lambda ticket: ticket.symbol == symbol and ticket.order_id != update_order_id
        )
        committed: Decimal = security.holdings._quantity + open_quantity
        if committed <= -available:
            return False
        return bool(committed - abs(short_quantity) >= -available)

    @clr_call("ShortableQuantity(Symbol symbol)")
    def shortable_quantity(self, symbol: Symbol) -> int:
        """How many units can be sold short; 0 also where the brokerage does not say."""
        security = self.securities[symbol]
        return security._shortable_provider._shortable_quantity(security.symbol, security.local_time) or 0

    # -- submission ---------------------------------------------------------------------------------

    def submit_order_request(self, request: SubmitOrderRequest) -> OrderTicket:
        """Check a request and hand it over; the ticket of a refused one is invalid and has no id."""
        response = self._pre_order_checks(request)
        if response is not None:
            self.error(response.error_message)
            return OrderTicket.invalid_submit_request(self.transactions, request, response)
        ticket: OrderTicket = self.transactions.add_order(request)
        return ticket

    def _submit(
        self,
        kind: OrderType,
        symbol: Any,
        quantity: Decimal,
        asynchronous: bool,
        tag: str | None,
        order_properties: Any,
        **prices: Any,
    ) -> OrderTicket:
        properties = order_properties
        if properties is None and self.default_order_properties is not None:
            properties = self.default_order_properties.clone()
        security = self._security_for_order(symbol)
        key = symbol if security is None else security.symbol
        request = SubmitOrderRequest(
            kind,
            key.security_type,
            key,
            quantity,
            self.clock.utc,
            tag,
            properties,
            asynchronous=asynchronous,
            **prices,
        )
        if security is None:
            # Lean adds a security without data for an unknown ticker, and then misses its price.
            response = OrderResponse.error(
                request, OrderResponseErrorCode.SECURITY_PRICE_ZERO, zero_price_message(key.value)
            )
            self.error(response.error_message)
            return OrderTicket.invalid_submit_request(self.transactions, request, response)
        return self.submit_order_request(request)

    def _pre_order_checks(self, request: SubmitOrderRequest) -> OrderResponse | None:
        """Why a request cannot become an order, or ``None``."""
        if self.is_warming_up:
            return OrderResponse.warming_up(request)
        security = self.securities.get(request.symbol)
        if security is None:
            return OrderResponse.missing_security(request)
        if request._quantity == 0:
            return OrderResponse.zero_quantity(request)
        refuse = OrderResponse.error
        lot_size = security.symbol_properties._lot_size
        if abs(request._quantity) < lot_size:
            text = (
                f"Unable to submit order with id {request.order_id} which quantity "
                f"({clr.decimal_text(abs(request._quantity))}) is less than lot size ({clr.decimal_text(lot_size)})."
            )
            return refuse(request, OrderResponseErrorCode.ORDER_QUANTITY_LESS_THAN_LOT_SIZE, text)
        if not security.is_tradable:
            text = f"The security with symbol '{request.symbol}' is marked as non-tradable."
            return refuse(request, OrderResponseErrorCode.NON_TRADABLE_SECURITY, text)
        if security._price == 0:
            return refuse(request, OrderResponseErrorCode.SECURITY_PRICE_ZERO, zero_price_message(request.symbol))
        currency = security.quote_currency
        if currency._conversion_rate == 0:
            text = (
                f"{request.symbol.value}: requires {currency.symbol} to have a non-zero conversion rate. "
                "This can be caused by lack of data."
            )
            return refuse(request, OrderResponseErrorCode.CONVERSION_RATE_ZERO, text)
        if not security.has_data:
            text = (
                "There is no data for this symbol yet, please check the security.HasData flag to ensure there is at "
                "least one data point."
            )
            return refuse(request, OrderResponseErrorCode.SECURITY_HAS_NO_DATA, text)
        if self.transactions.orders_count > self._max_orders:
            self.status = AlgorithmStatus.STOPPED
            text = (
                f"You have exceeded maximum number of orders ({self._max_orders}), "
                "for unlimited orders upgrade your account."
            )
            return refuse(request, OrderResponseErrorCode.EXCEEDED_MAXIMUM_ORDERS, text)
        return self._auction_checks(request, security)

    def _auction_checks(self, request: SubmitOrderRequest, security: Any) -> OrderResponse | None:
        hours = security.exchange.hours
        kind = request.order_type
        if kind not in (OrderType.MARKET_ON_OPEN, OrderType.MARKET_ON_CLOSE):
            return None
        if hours.is_market_always_open:
            raise RuntimeError(
                f"Market never closes for this symbol {security.symbol}, can no submit a {kind.lean_name} order."
            )
        if kind is OrderType.MARKET_ON_OPEN:
            if hours.is_open(security.local_time, False) and not _is_daily_only(security):
                text = "Cannot submit a MarketOnOpen order while the market is open."
                code = OrderResponseErrorCode.MARKET_ON_OPEN_NOT_ALLOWED_DURING_REGULAR_HOURS
                return OrderResponse.error(request, code, text)
        elif self._is_too_late_for_close(security):
            text = (
                f"MarketOnClose orders must be placed within {_buffer_text()} before market close. Override this "
                "TimeSpan buffer by setting Orders.MarketOnCloseOrder.SubmissionTimeBuffer in QCAlgorithm.Initialize()."
            )
            return OrderResponse.error(request, OrderResponseErrorCode.MARKET_ON_CLOSE_ORDER_TOO_LATE, text)
        return None

    def _is_too_late_for_close(self, security: Any) -> bool:
        """Whether the next regular close is nearer than the submission buffer of market-on-close orders."""
        hours = security.exchange.hours
        if hours.is_market_always_open:
            return False
        close = to_utc(hours.get_next_market_close(security.local_time, False), hours.time_zone)
        return bool(self.clock.utc > close - MarketOnCloseOrder.submission_time_buffer)

    def _security_for_order(self, symbol: Symbol | None) -> Any:
        """The security, ``None`` for an unknown ticker; one that is not tradable is added and seeded first."""
        if symbol is None:
            raise NullReferenceError
        security = self.securities.get(symbol)
        if security is None and symbol.security_type is SecurityType.BASE:
            if user_method(self, "on_securities_changed") is not None:
                raise NotSupportedError(
                    "trading an unknown ticker",
                    f"Lean adds {symbol.value} without data and tells on_securities_changed",
                )
            return None
        if security is None or not (security.is_tradable or security.is_delisted):
            security = self.add_security(symbol)  # type: ignore[attr-defined]
            if not self.settings.seed_initial_prices:
                self._engine.seed(security)
        return security


def _is_daily_only(security: Any) -> bool:
    own = [config.resolution for config in security.subscriptions if not config.is_internal_feed]
    return bool(own) and all(resolution is Resolution.DAILY for resolution in own)


def _buffer_text() -> str:
    buffer: timedelta = MarketOnCloseOrder.submission_time_buffer
    return clr.time_span_text(buffer)
