"""Orders, targets and liquidation as ``QCAlgorithm`` methods. Source of the rules: Lean's ``QCAlgorithm.Trading``."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from harness.embedded import clr
from harness.embedded.enums import (
    AlgorithmStatus,
    OrderDirection,
    OrderResponseErrorCode,
    OrderType,
    Resolution,
    SecurityType,
)
from harness.embedded.naming import lean_api
from harness.embedded.orders.order import MarketOnCloseOrder, TrailingStopOrder
from harness.embedded.orders.request import SubmitOrderRequest
from harness.embedded.orders.response import OrderResponse
from harness.embedded.orders.sizing import adjust_by_lot_size
from harness.embedded.orders.ticket import OrderTicket
from harness.embedded.orders.time_in_force import GoodTilDateTimeInForce, TimeInForce
from harness.embedded.orders.zones import to_utc
from harness.embedded.portfolio_target import PortfolioTarget
from harness.embedded.reference.symbols import SecurityIdentifier, Symbol, symbol_cache
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


def _as_symbol(symbol: Any) -> Symbol:
    """The symbol of a symbol, ticker or security; an unknown ticker becomes a symbol of no security type.

    Raises ``TypeError`` for anything else.
    """
    if isinstance(symbol, Symbol):
        return symbol
    if isinstance(symbol, str):
        found = symbol_cache.try_get_symbol(symbol)
        return Symbol(SecurityIdentifier(symbol, 0), symbol) if found is None else found
    found = getattr(symbol, "symbol", None)
    if isinstance(found, Symbol):
        return found
    raise TypeError(f"a symbol, a ticker or a security is needed here, not {symbol!r}")


def _size(value: Any) -> Decimal:
    """A quantity or share. A Python ``float`` goes through Lean's ``double`` overload, which keeps 15 digits.

    Raises ``ValueError`` for NaN and infinity.
    """
    if not isinstance(value, float):
        return clr.from_python(value)
    if not math.isfinite(value):
        raise ValueError(
            f"It is not possible to cast a non-finite floating-point value ({clr.double_text(value)}) as decimal. "
            "Please review math operations and verify the result is valid. (Parameter 'input')"
        )
    return clr.decimal_from_double(value)


def _flag(value: Any, name: str) -> bool:
    """An argument that Lean declares as ``bool``. Raises ``TypeError`` for text, which user code passes by mistake."""
    if isinstance(value, bool) or value in (0, 1):
        return bool(value)
    raise TypeError(f"argument {name!r} expected bool, got {type(value).__name__}")


@lean_api
class TradingApi:
    """Mixin of ``QCAlgorithm``. A ``symbol`` is a symbol, a ticker or a security; quantities are signed."""

    # what the engine's QCAlgorithm brings
    securities: Any
    portfolio: Any
    transactions: Any
    settings: Any
    default_order_properties: Any
    is_warming_up: bool
    status: AlgorithmStatus
    clock: Any
    _engine: Any
    _locked: bool
    debug: Any
    error: Any

    _max_orders = 10_000
    _warned_market_on_open = False
    _warned_daily_conversion = False
    _warned_good_til_date = False
    _warned_liquidate_not_found = False

    # -- market orders ----------------------------------------------------------------------------------------------

    def buy(self, symbol: Any, quantity: Any) -> OrderTicket:
        """A market order for ``abs(quantity)``."""
        return self._market_order(symbol, abs(_size(quantity)))

    def sell(self, symbol: Any, quantity: Any) -> OrderTicket:
        """A market order for ``-abs(quantity)``."""
        return self._market_order(symbol, -abs(_size(quantity)))

    def order(
        self, symbol: Any, quantity: Any, asynchronous: bool = False, tag: str = "", order_properties: Any = None
    ) -> OrderTicket:
        """A market order."""
        return self.market_order(symbol, quantity, asynchronous, tag, order_properties)

    def market_order(
        self, symbol: Any, quantity: Any, asynchronous: bool = False, tag: str = "", order_properties: Any = None
    ) -> OrderTicket:
        """Fill at once; out of hours at the next open, with daily data alone at the close (or the next open)."""
        quantity = _size(quantity)
        return self._market_order(symbol, quantity, _flag(asynchronous, "asynchronous"), tag, order_properties)

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

    def market_on_open_order(
        self, symbol: Any, quantity: Any, asynchronous: bool = False, tag: str = "", order_properties: Any = None
    ) -> OrderTicket:
        """Fill at the next regular open."""
        quantity, asynchronous = _size(quantity), _flag(asynchronous, "asynchronous")
        return self._auction_order(OrderType.MARKET_ON_OPEN, symbol, quantity, asynchronous, tag, order_properties)

    def market_on_close_order(
        self, symbol: Any, quantity: Any, asynchronous: bool = False, tag: str = "", order_properties: Any = None
    ) -> OrderTicket:
        """Fill at the regular close."""
        quantity, asynchronous = _size(quantity), _flag(asynchronous, "asynchronous")
        return self._auction_order(OrderType.MARKET_ON_CLOSE, symbol, quantity, asynchronous, tag, order_properties)

    def _auction_order(
        self, kind: OrderType, symbol: Any, quantity: Decimal, asynchronous: bool, tag: str | None, properties: Any
    ) -> OrderTicket:
        if properties is None:
            properties = self.default_order_properties.clone()
        if isinstance(properties.time_in_force, GoodTilDateTimeInForce):
            properties.time_in_force = TimeInForce.GOOD_TIL_CANCELED
            if not self._warned_good_til_date:
                self.debug(_GOOD_TIL_DATE_AUCTION)
                self._warned_good_til_date = True
        return self._submit(kind, symbol, quantity, asynchronous, tag, properties)

    # -- resting orders ---------------------------------------------------------------------------------------------

    def limit_order(
        self,
        symbol: Any,
        quantity: Any,
        limit_price: Any,
        asynchronous: bool = False,
        tag: str = "",
        order_properties: Any = None,
    ) -> OrderTicket:
        """Fill at ``limit_price`` or better."""
        return self._submit(
            OrderType.LIMIT,
            symbol,
            _size(quantity),
            _flag(asynchronous, "asynchronous"),
            tag,
            order_properties,
            limit_price=clr.from_python(limit_price),
        )

    def stop_market_order(
        self,
        symbol: Any,
        quantity: Any,
        stop_price: Any,
        asynchronous: bool = False,
        tag: str = "",
        order_properties: Any = None,
    ) -> OrderTicket:
        """Fill at the market once ``stop_price`` is reached."""
        return self._submit(
            OrderType.STOP_MARKET,
            symbol,
            _size(quantity),
            _flag(asynchronous, "asynchronous"),
            tag,
            order_properties,
            stop_price=clr.from_python(stop_price),
        )

    def trailing_stop_order(self, symbol: Any, quantity: Any, *args: Any, **named: Any) -> OrderTicket:
        """A stop that follows the market.

        ``(symbol, quantity, trailing_amount, trailing_as_percentage, asynchronous, tag, order_properties)`` starts at
        the current price; with ``stop_price`` before ``trailing_amount`` it starts there.
        """
        if "trailing_amount" in named:
            starts_at_market = not args and "stop_price" not in named
        elif "trailing_as_percentage" in named:
            starts_at_market = len(args) == 1
        else:
            starts_at_market = len(args) > 1 and isinstance(args[1], bool)
        make = self._trailing_stop_at_market if starts_at_market else self._trailing_stop
        return make(symbol, _size(quantity), *args, **named)

    def _trailing_stop_at_market(
        self,
        symbol: Any,
        quantity: Decimal,
        trailing_amount: Any,
        trailing_as_percentage: bool,
        asynchronous: bool = False,
        tag: str = "",
        order_properties: Any = None,
    ) -> OrderTicket:
        security = self._security_for_order(symbol)
        amount, as_percentage = (
            clr.from_python(trailing_amount),
            _flag(trailing_as_percentage, "trailing_as_percentage"),
        )
        direction = OrderDirection.BUY if quantity > 0 else OrderDirection.SELL
        price = clr.ZERO if security is None else security._price
        stop_price = TrailingStopOrder.calculate_stop_price(price, amount, as_percentage, direction)
        return self._trailing_stop(
            symbol, quantity, stop_price, amount, as_percentage, asynchronous, tag, order_properties
        )

    def _trailing_stop(
        self,
        symbol: Any,
        quantity: Decimal,
        stop_price: Any,
        trailing_amount: Any,
        trailing_as_percentage: bool,
        asynchronous: bool = False,
        tag: str = "",
        order_properties: Any = None,
    ) -> OrderTicket:
        return self._submit(
            OrderType.TRAILING_STOP,
            symbol,
            quantity,
            _flag(asynchronous, "asynchronous"),
            tag,
            order_properties,
            stop_price=clr.from_python(stop_price),
            trailing_amount=clr.from_python(trailing_amount),
            trailing_as_percentage=_flag(trailing_as_percentage, "trailing_as_percentage"),
        )

    def stop_limit_order(
        self,
        symbol: Any,
        quantity: Any,
        stop_price: Any,
        limit_price: Any,
        asynchronous: bool = False,
        tag: str = "",
        order_properties: Any = None,
    ) -> OrderTicket:
        """Fill at ``limit_price`` or better once ``stop_price`` is reached."""
        return self._submit(
            OrderType.STOP_LIMIT,
            symbol,
            _size(quantity),
            _flag(asynchronous, "asynchronous"),
            tag,
            order_properties,
            stop_price=clr.from_python(stop_price),
            limit_price=clr.from_python(limit_price),
        )

    def limit_if_touched_order(
        self,
        symbol: Any,
        quantity: Any,
        trigger_price: Any,
        limit_price: Any,
        asynchronous: bool = False,
        tag: str = "",
        order_properties: Any = None,
    ) -> OrderTicket:
        """Fill at ``limit_price`` or better once ``trigger_price`` is touched."""
        return self._submit(
            OrderType.LIMIT_IF_TOUCHED,
            symbol,
            _size(quantity),
            _flag(asynchronous, "asynchronous"),
            tag,
            order_properties,
            trigger_price=clr.from_python(trigger_price),
            limit_price=clr.from_python(limit_price),
        )

    # -- targets ------------------------------------------------------------------------------------------------------

    def set_holdings(self, *args: Any, **named: Any) -> list[OrderTicket]:
        """Trade towards a share of the portfolio: ``(symbol, percentage, …)`` or ``(list of PortfolioTarget, …)``.

        Then ``liquidate_existing_holdings=False, asynchronous=False, tag=None, order_properties=None``. Targets of a
        list are traded in the order of their effect on margin: reductions first, then the largest.
        """
        if "targets" in named or (args and not isinstance(args[0], str | Symbol) and isinstance(args[0], Iterable)):
            return self._set_targets(*args, **named)
        return self._set_share(*args, **named)

    def _set_share(
        self,
        symbol: Any,
        percentage: Any,
        liquidate_existing_holdings: bool = False,
        asynchronous: bool = False,
        tag: str | None = None,
        order_properties: Any = None,
    ) -> list[OrderTicket]:
        symbol = _as_symbol(symbol)
        quantity = self._calculate_order_quantity(symbol, _size(percentage))
        liquidate = _flag(liquidate_existing_holdings, "liquidate_existing_holdings")
        return self._trade_towards(
            symbol, quantity, liquidate, _flag(asynchronous, "asynchronous"), tag, order_properties
        )

    def _set_targets(
        self,
        targets: Any,
        liquidate_existing_holdings: bool = False,
        asynchronous: bool = False,
        tag: str | None = None,
        order_properties: Any = None,
    ) -> list[OrderTicket]:
        targets = list(targets)
        asynchronous = _flag(asynchronous, "asynchronous")
        tickets: list[OrderTicket] = []
        if _flag(liquidate_existing_holdings, "liquidate_existing_holdings"):
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
            existing = self.transactions.get_projected_holdings(security)._projected_quantity
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

    def calculate_order_quantity(self, symbol: Any, target: Any) -> float:
        """The order that makes ``symbol`` the share ``target`` of the portfolio; 0 where that is not possible."""
        return clr.to_float(self._calculate_order_quantity(_as_symbol(symbol), _size(target)))

    def _calculate_order_quantity(self, symbol: Symbol, target: Decimal) -> Decimal:
        percent = PortfolioTarget.percent(self, symbol, target, True)
        return clr.ZERO if percent is None else percent._quantity

    # -- liquidation --------------------------------------------------------------------------------------------------

    def liquidate(
        self,
        symbol: Any = None,
        asynchronous: Any = False,
        tag: str | None = None,
        order_properties: Any = None,
        **named: Any,
    ) -> list[Any]:
        """Cancel the open orders and close the positions of a symbol, of several, or of all securities.

        Returns the closing orders' tickets; ``liquidate(symbol, "tag")``, Lean's obsolete form, returns their ids.
        """
        if "symbols" in named:
            symbol = named.pop("symbols")
        if "symbol_to_liquidate" in named:
            symbol = named.pop("symbol_to_liquidate")
        if named:
            raise TypeError(f"liquidate() got an unexpected keyword argument {next(iter(named))!r}")
        if isinstance(asynchronous, str):
            return [ticket.order_id for ticket in self.liquidate(symbol, False, asynchronous)]
        asynchronous = _flag(asynchronous, "asynchronous")
        symbols: list[Symbol]
        if symbol is None:
            symbols = sorted(self.securities.keys(), key=lambda each: each.value)
        elif isinstance(symbol, str | Symbol) or not isinstance(symbol, Iterable):
            symbols = [_as_symbol(symbol)]
        else:
            symbols = [_as_symbol(each) for each in symbol]
        return self._liquidate(symbols, asynchronous, tag, order_properties)

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

    def is_market_open(self, symbol: Any) -> bool:
        """Whether the regular session of the symbol's exchange is open now."""
        symbol = _as_symbol(symbol)
        security = self.securities.get(symbol)
        hours = self._engine.market_hours(symbol) if security is None else security.exchange.hours
        if security is not None:
            return bool(hours.is_open(security.local_time, False))
        return bool(hours.is_open(hours.zone.utc_to_local(self.clock.utc), False))

    def set_maximum_orders(self, max: int) -> None:
        """How many orders a backtest may have; a local backtest of Lean puts its own limit in its place."""
        if not self._locked:
            self._max_orders = int(max)

    def shortable(self, symbol: Any, short_quantity: Any = 0, update_order_id: int | None = None) -> bool:
        """Whether the brokerage lends enough of the symbol to sell this quantity short."""
        return self._shortable(_as_symbol(symbol), clr.from_python(short_quantity), update_order_id)

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

    def shortable_quantity(self, symbol: Any) -> int:
        """How many units can be sold short; 0 also where the brokerage does not say."""
        security = self.securities[_as_symbol(symbol)]
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
        properties: Any,
        **prices: Any,
    ) -> OrderTicket:
        if properties is None:
            properties = self.default_order_properties.clone()
        security = self._security_for_order(symbol)
        key = _as_symbol(symbol) if security is None else security.symbol
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

    def _security_for_order(self, symbol: Any) -> Any:
        """The security, ``None`` for an unknown ticker; one that is not tradable is added and seeded first."""
        key = _as_symbol(symbol)
        security = self.securities.get(key)
        if security is None and key.security_type is SecurityType.BASE:
            return None
        if security is None or not (security.is_tradable or security.is_delisted):
            security = self.add_security(key)  # type: ignore[attr-defined]
            if not self.settings.seed_initial_prices:
                self._engine.seed(security)
        return security


def _is_daily_only(security: Any) -> bool:
    own = [config.resolution for config in security.subscriptions if not config.is_internal_feed]
    return bool(own) and all(resolution is Resolution.DAILY for resolution in own)


def _buffer_text() -> str:
    buffer: timedelta = MarketOnCloseOrder.submission_time_buffer
    return clr.time_span_text(buffer)
