"""Processes order requests and applies order events.

Source of the rules: Lean's ``BrokerageTransactionHandler`` and ``BacktestingTransactionHandler``. A backtest has one
thread: a submitted order is processed, and the brokerage scanned, before the submitting call returns; updates and
cancellations are queued until the next submission or the next step of the loop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from harness.embedded import clr
from harness.embedded.enums import (
    AlgorithmStatus,
    DataNormalizationMode,
    DelistingType,
    OrderDirection,
    OrderRequestStatus,
    OrderResponseErrorCode,
    OrderStatus,
    SecurityType,
)
from harness.embedded.models.wrapping import message_of_raised
from harness.embedded.naming import user_method
from harness.embedded.not_supported import NotSupportedError
from harness.embedded.orders.event import OrderEvent
from harness.embedded.orders.fees import OrderFee
from harness.embedded.orders.order import (
    LimitIfTouchedOrder,
    LimitOrder,
    MarketOnCloseOrder,
    MarketOrder,
    Order,
    OrderSubmissionData,
    StopLimitOrder,
    StopMarketOrder,
    TrailingStopOrder,
    create_order,
    is_closed,
    is_fill,
)
from harness.embedded.orders.price_variation import GetMinimumPriceVariationParameters
from harness.embedded.orders.request import CancelOrderRequest, OrderRequest, SubmitOrderRequest, UpdateOrderRequest
from harness.embedded.orders.response import OrderResponse
from harness.embedded.orders.ticket import OrderTicket
from harness.embedded.runtime_errors import USER_ERRORS
from harness.embedded.transactions.brokerage import BacktestingBrokerage
from harness.embedded.transactions.int_dictionary import IntDictionary
from harness.embedded.transactions.look_out import LookOut
from harness.embedded.transactions.manager import ProjectedHoldings, open_quantity
from harness.embedded.transactions.messages import (
    exceeds_shortable_quantity,
    insufficient_buying_power,
    insufficient_buying_power_for_update,
    lot_size_warning,
    price_rounding_warning,
)

if TYPE_CHECKING:
    from harness.embedded.transactions.price_watch import PriceWatch

LIQUIDATE_FROM_DELISTING_TAG = "Liquidate from delisting"


class _OpenOrder:
    """An open order with its ticket and security."""

    __slots__ = ("order", "security", "ticket")

    def __init__(self, order: Order, ticket: OrderTicket, security: Any) -> None:
        self.order = order
        self.ticket = ticket
        self.security = security


class BacktestingTransactionHandler:
    """``algorithm.transactions`` sends its requests here; the loop calls :meth:`process_synchronous_events`.

    ``results``, if given, gets ``order_event(event)`` for every event that user code sees.
    ``on_security_delisted(security)`` is the loop's hook to end a delisted security's subscriptions.
    """

    def __init__(self, algorithm: Any, results: Any = None) -> None:
        self._algorithm = algorithm
        self._results = results
        self._brokerage = BacktestingBrokerage(algorithm, self._handle_order_events)
        self._queue: deque[OrderRequest] = deque()
        self._open: IntDictionary[_OpenOrder] = IntDictionary()
        self._complete: IntDictionary[Order] = IntDictionary()
        self._tickets: IntDictionary[OrderTicket] = IntDictionary()
        self._before_cancel: dict[int, OrderStatus] = {}
        self._price_adjustment_modes: dict[Any, DataNormalizationMode] = {}
        self._warned_lot_size = False
        self._warned_price_rounding = False
        self.order_events: list[OrderEvent] = []
        self.orders_count = 0
        self.version = 0
        """Grows with every request and event; a price watch holds for one version."""
        self.on_security_delisted: Callable[[Any], None] | None = None
        self._look_out = LookOut(self, algorithm)
        MarketOnCloseOrder.submission_time_buffer = MarketOnCloseOrder.DEFAULT_SUBMISSION_TIME_BUFFER

    # -- for the loop and the results -------------------------------------------------------------------------------

    @property
    def has_work(self) -> bool:
        """Whether this step has something to do: queued requests, or pending orders that it may affect."""
        if self._queue:
            return True
        return bool(self._brokerage.pending) and not self._look_out.is_quiet()

    @property
    def orders(self) -> dict[int, Order]:
        """All orders that reached the handler, by id."""
        return {order_id: self._complete[order_id] for order_id in sorted(self._complete)}

    @property
    def order_tickets(self) -> dict[int, OrderTicket]:
        return {order_id: self._tickets[order_id] for order_id in sorted(self._tickets)}

    def price_watch(self) -> PriceWatch | None:
        """Until when and within which prices a step needs no scan; ``None``: scan every step."""
        if self._queue:
            return None
        from harness.embedded.transactions.price_watch import price_watch

        entries = ((order, self._algorithm.securities[order.symbol]) for order in self._brokerage.pending.values())
        return price_watch(self._algorithm, entries)

    def process_synchronous_events(self) -> None:
        """Process queued requests, then scan the pending orders."""
        self._process_pending_requests()
        self._brokerage.scan()
        if self._brokerage.pending:
            self._look_out.look_ahead()

    def process_delistings(self, delistings: Iterable[Any]) -> None:
        """Sell what is held of delisted securities at the last price, and cancel their orders."""
        for delisting in delistings:
            if delisting.type == DelistingType.WARNING:
                continue
            security = self._algorithm.securities[delisting.symbol]
            self._liquidate_delisted(security)
            if self.on_security_delisted is not None:
                self.on_security_delisted(security)
            if not self._algorithm.is_warming_up:
                self._algorithm.transactions.cancel_open_orders(delisting.symbol)

    # -- for the transaction manager --------------------------------------------------------------------------------

    def process(self, request: OrderRequest) -> OrderTicket:
        """Take a request; the ticket carries the answer."""
        self.version += 1
        if isinstance(request, SubmitOrderRequest):
            return self._add_order(request)
        if isinstance(request, UpdateOrderRequest):
            return self._update_order(request)
        assert isinstance(request, CancelOrderRequest)
        return self._cancel_order(request)

    def get_order_by_id(self, order_id: int) -> Order | None:
        order = self._complete.get(order_id)
        return None if order is None else order.clone()

    def get_order_ticket(self, order_id: int) -> OrderTicket | None:
        return self._tickets.get(order_id)

    def get_orders(self, accepts: Callable[[Any], bool] | None = None) -> list[Order]:
        return [order.clone() for order in self._complete.values() if accepts is None or accepts(order)]

    def get_open_orders(self, accepts: Callable[[Any], bool] | None = None) -> list[Order]:
        return [entry.order.clone() for entry in self._open.values() if accepts is None or accepts(entry.order)]

    def get_order_tickets(self, accepts: Callable[[Any], bool] | None = None) -> list[OrderTicket]:
        return [ticket for ticket in self._tickets.values() if accepts is None or accepts(ticket)]

    def get_open_order_tickets(self, accepts: Callable[[Any], bool] | None = None) -> list[OrderTicket]:
        return [entry.ticket for entry in self._open.values() if accepts is None or accepts(entry.ticket)]

    def get_projected_holdings(self, security: Any) -> ProjectedHoldings:
        symbol = security.symbol
        tickets = (entry.ticket for entry in self._open.values() if entry.ticket.symbol == symbol)
        return ProjectedHoldings(security.holdings._quantity, open_quantity(tickets))

    # -- taking requests --------------------------------------------------------------------------------------------

    def _add_order(self, request: SubmitOrderRequest) -> OrderTicket:
        algorithm = self._algorithm
        response = OrderResponse.warming_up(request) if algorithm.is_warming_up else OrderResponse.success(request)
        if request._quantity < 0 and not algorithm._shortable(request.symbol, request._quantity):
            response = self._not_shortable(request, request.symbol, request._quantity)
        request.set_response(response)
        ticket = OrderTicket(algorithm.transactions, request)
        security = algorithm.securities[request.symbol]
        order = create_order(request)
        self.orders_count += 1
        self._tickets[ticket.order_id] = ticket
        if response.is_success:
            order.order_submission_data = OrderSubmissionData(security._bid_price, security._ask_price, security._close)
            self._open[order.id] = _OpenOrder(order, ticket, security)
            self._queue.append(request)
            self._process_pending_requests()
        else:
            warming_up = response.error_code is OrderResponseErrorCode.ALGORITHM_WARMING_UP
            order.price_currency = security.symbol_properties.quote_currency
            order.status = OrderStatus.INVALID
            order.tag = "Algorithm warming up." if warming_up else response.error_message
            ticket._set_order(order)
            self._complete[order.id] = order
            self._handle_order_event(self._event(order, order.tag or ""))
        return ticket

    def _update_order(self, request: UpdateOrderRequest) -> OrderTicket:
        algorithm = self._algorithm
        found = self._find(request.order_id)
        if found is None:
            return OrderTicket.invalid_update_order_id(algorithm.transactions, request)
        order, ticket = found.order, found.ticket
        ticket._add_update_request(request)
        quantity = ticket._quantity if request._quantity is None else request._quantity
        shortable = True
        if order._direction is OrderDirection.SELL or quantity < 0:
            try:
                shortable = algorithm._shortable(ticket.symbol, quantity, order.id)
            except NotSupportedError:
                raise
            except Exception as error:
                code = OrderResponseErrorCode.PROCESSING_ERROR
                request.set_response(OrderResponse.error(request, code, message_of_raised(error)))
                return ticket
        if order.status is OrderStatus.NEW:
            request.set_response(OrderResponse.invalid_new_status(request, order))
        elif is_closed(order.status) and not request.is_allowed_for_closed_order():
            request.set_response(OrderResponse.invalid_status(request, order))
        elif request._quantity is not None and request._quantity == 0:
            request.set_response(OrderResponse.zero_quantity(request))
        elif algorithm.is_warming_up:
            request.set_response(OrderResponse.warming_up(request))
        elif not shortable:
            request.set_response(self._not_shortable(request, ticket.symbol, ticket._quantity))
        else:
            request.set_response(OrderResponse.success(request), OrderRequestStatus.PROCESSING)
            self._queue.append(request)
        return ticket

    def _cancel_order(self, request: CancelOrderRequest) -> OrderTicket:
        found = self._find(request.order_id)
        if found is None:
            return OrderTicket.invalid_cancel_order_id(self._algorithm.transactions, request)
        order, ticket = found.order, found.ticket
        if not ticket._try_set_cancel_request(request):
            text = "Cancellation is already in progress."
            request.set_response(OrderResponse.error(request, OrderResponseErrorCode.INVALID_REQUEST, text))
            return ticket
        if request.tag is not None:
            order.tag = request.tag
        if order.status is OrderStatus.NEW:
            request.set_response(OrderResponse.invalid_new_status(request, order))
        elif is_closed(order.status):
            request.set_response(OrderResponse.invalid_status(request, order))
        elif self._algorithm.is_warming_up:
            request.set_response(OrderResponse.warming_up(request))
        else:
            self._before_cancel[order.id] = order.status
            order.status = OrderStatus.CANCEL_PENDING
            self._handle_order_event(self._event(order))
            request.set_response(OrderResponse.success(request), OrderRequestStatus.PROCESSING)
            self._queue.append(request)
        return ticket

    def _not_shortable(self, request: OrderRequest, symbol: Any, quantity: Decimal) -> OrderResponse:
        text = exceeds_shortable_quantity(symbol, self._algorithm.shortable_quantity(symbol), quantity)
        return OrderResponse.error(request, OrderResponseErrorCode.EXCEEDS_SHORTABLE_QUANTITY, text)

    def _find(self, order_id: int) -> _OpenOrder | None:
        entry = self._open.get(order_id)
        if entry is not None:
            return entry
        order, ticket = self._complete.get(order_id), self._tickets.get(order_id)
        return None if order is None or ticket is None else _OpenOrder(order, ticket, None)

    # -- processing requests ----------------------------------------------------------------------------------------

    def _process_pending_requests(self) -> None:
        """Process what is queued, scanning the brokerage after each request; user code may queue more meanwhile."""
        try:
            while self._queue:
                request = self._queue.popleft()
                if isinstance(request, SubmitOrderRequest):
                    response = self._handle_submit(request)
                elif isinstance(request, UpdateOrderRequest):
                    response = self._handle_update(request)
                else:
                    response = self._handle_cancel(request)
                request.set_response(response, OrderRequestStatus.PROCESSED)
                self._brokerage.scan()
        except NotSupportedError:
            raise
        except USER_ERRORS as error:
            self._algorithm.set_runtime_error(error, "HandleOrderRequest")

    def _handle_submit(self, request: SubmitOrderRequest) -> OrderResponse:
        algorithm = self._algorithm
        entry = self._open[request.order_id]
        order, security = entry.order, entry.security
        self._complete[order.id] = order
        order.price_currency = security.symbol_properties.quote_currency
        if not order.tag:
            order.tag = order.get_default_tag()
        self._round_off_quantity(order, security)
        self._round_prices(order, security)
        order.price_adjustment_mode = self._price_adjustment_mode(security)
        entry.ticket._set_order(order)
        if order._quantity == 0:
            response = OrderResponse.zero_quantity(request)
            algorithm.error(response.error_message)
            self._invalidate(order, response.error_message or "")
            return response
        refusal = self._check_buying_power(order, security, request)
        if refusal is not None:
            return refusal
        accepted, message = algorithm._engine.engine_brokerage._can_submit_order(security, order)
        if not accepted:
            text = f"BrokerageModel declared unable to submit order: [{order.id}] " + (
                "Warning - Code: InvalidOrder - " if message is None else str(message)
            )
            response = OrderResponse.error(
                request, OrderResponseErrorCode.BROKERAGE_MODEL_REFUSED_TO_SUBMIT_ORDER, text
            )
            self._invalidate(order, text)
            algorithm.error(text)
            return response
        if not self._brokerage.place_order(order):
            text = f"Brokerage failed to place orders: [{order.id}]"
            self._invalidate(order, text)
            algorithm.error(text)
            return OrderResponse.error(request, OrderResponseErrorCode.BROKERAGE_FAILED_TO_SUBMIT_ORDER, text)
        return OrderResponse.success(request)

    def _handle_update(self, request: UpdateOrderRequest) -> OrderResponse:
        algorithm = self._algorithm
        found = self._find(request.order_id)
        if found is None:
            return OrderResponse.unable_to_find_order(request)
        order, ticket = found.order, found.ticket
        if order.status is OrderStatus.NEW:
            return OrderResponse.invalid_new_status(request, order)
        was_closed = is_closed(order.status)
        if was_closed and not request.is_allowed_for_closed_order():
            return OrderResponse.invalid_status(request, order)
        security = algorithm.securities[order.symbol] if found.security is None else found.security
        self._round_off_quantity(order, security)
        accepted, message = algorithm._engine.engine_brokerage._can_update_order(security, order, request)
        if not accepted:
            if message is None:
                message = f"Warning - Code: InvalidRequest - BrokerageModel declared unable to update order: {order.id}"
            text = f"OrderID: {order.id} {message}"
            response = OrderResponse.error(
                request, OrderResponseErrorCode.BROKERAGE_MODEL_REFUSED_TO_UPDATE_ORDER, text
            )
            algorithm.error(text)
            self._handle_order_event(self._event(order, "BrokerageModel declared unable to update order"))
            return response
        updated = order.clone()
        updated.apply_update_order_request(request)
        refusal = self._check_buying_power(updated, security, request)
        if refusal is not None:
            return refusal
        order.apply_update_order_request(request)
        self._round_prices(order, security)
        ticket._set_order(order)
        if not was_closed and not self._brokerage.update_order(order):
            text = f"Brokerage failed to update order with id {request.order_id}"
            algorithm.error(text)
            self._handle_order_event(self._event(order, "Brokerage failed to update order"))
            return OrderResponse.error(request, OrderResponseErrorCode.BROKERAGE_FAILED_TO_UPDATE_ORDER, text)
        return OrderResponse.success(request)

    def _handle_cancel(self, request: OrderRequest) -> OrderResponse:
        found = self._find(request.order_id)
        if found is None:
            return OrderResponse.unable_to_find_order(request)
        order, ticket = found.order, found.ticket
        if order.status is OrderStatus.NEW:
            self._fall_back(order)
            return OrderResponse.invalid_new_status(request, order)
        if is_closed(order.status):
            self._fall_back(order)
            return OrderResponse.invalid_status(request, order)
        ticket._set_order(order)
        if not self._brokerage.cancel_order(order):
            text = f"Brokerage failed to cancel order with id {order.id}"
            self._algorithm.error(text)
            self._fall_back(order)
            return OrderResponse.error(request, OrderResponseErrorCode.BROKERAGE_FAILED_TO_CANCEL_ORDER, text)
        if request.tag is not None:
            order.tag = request.tag
        return OrderResponse.success(request)

    def _price_adjustment_mode(self, security: Any) -> DataNormalizationMode:
        """How prices were normalised when the symbol was first traded: Lean looks once."""
        symbol = security.symbol
        if symbol not in self._price_adjustment_modes:
            configs = security.subscriptions or security._streams
            if not configs:
                raise RuntimeError(f"Unable to locate subscription data config for {symbol}")
            self._price_adjustment_modes[symbol] = configs[0].data_normalization_mode
        return self._price_adjustment_modes[symbol]

    def _fall_back(self, order: Order) -> None:
        """Undo a cancellation that did not happen."""
        status = self._before_cancel.pop(order.id, None)
        if status is not None:
            order.status = status

    def _check_buying_power(self, order: Order, security: Any, request: OrderRequest) -> OrderResponse | None:
        """The refusal, already reported, of an order that the account cannot carry, else ``None``."""
        algorithm = self._algorithm
        try:
            result = algorithm.portfolio.has_sufficient_buying_power_for_order([order])
        except NotSupportedError:
            raise
        except Exception as error:
            text = message_of_raised(error)
            algorithm.error(f"Order Error: id: {order.id}, Error executing margin models: {text}")
            self._handle_order_event(self._event(order, "Error executing margin models"))
            text = "An error occurred while checking sufficient buying power for the orders."
            return OrderResponse.error(request, OrderResponseErrorCode.PROCESSING_ERROR, text)
        if result.is_sufficient:
            return None
        if isinstance(request, UpdateOrderRequest):
            text = insufficient_buying_power_for_update(order, result.reason)
            algorithm.error(text)
            self._handle_order_event(self._event(order, text))
            return OrderResponse.error(request, OrderResponseErrorCode.BROKERAGE_FAILED_TO_UPDATE_ORDER, text)
        text = insufficient_buying_power(order, security, result.reason)
        algorithm.error(text)
        self._invalidate(order, text)
        return OrderResponse.error(request, OrderResponseErrorCode.INSUFFICIENT_BUYING_POWER, text)

    def _invalidate(self, order: Order, message: str) -> None:
        if not is_closed(order.status):
            order.status = OrderStatus.INVALID
        self._handle_order_event(self._event(order, message))

    def _round_off_quantity(self, order: Order, security: Any) -> None:
        """Cut the quantity to whole lots, towards zero."""
        lot_size = security.symbol_properties._lot_size
        remainder = order._quantity % lot_size
        if remainder != 0:
            order._set_quantity(order._quantity - remainder)
            if not self._warned_lot_size:
                self._warned_lot_size = True
                self._algorithm.error(lot_size_warning(lot_size))

    def _round_prices(self, order: Order, security: Any) -> None:
        """Round the order's prices to the security's step, if its prices have one."""
        names: tuple[tuple[str, str], ...] = ()
        if isinstance(order, TrailingStopOrder):
            names = (("_stop_price", "StopPrice"),)
            if not order.trailing_as_percentage:
                names += (("_trailing_amount", "TrailingAmount"),)
        elif isinstance(order, LimitOrder):
            names = (("_limit_price", "LimitPrice"),)
        elif isinstance(order, StopMarketOrder):
            names = (("_stop_price", "StopPrice"),)
        elif isinstance(order, StopLimitOrder):
            names = (("_limit_price", "LimitPrice"), ("_stop_price", "StopPrice"))
        elif isinstance(order, LimitIfTouchedOrder):
            names = (("_limit_price", "LimitPrice"), ("_trigger_price", "TriggerPrice"))
        for attribute, name in names:
            price: Decimal = getattr(order, attribute)
            step: Decimal = security.price_variation_model.get_minimum_price_variation(
                GetMinimumPriceVariationParameters(security, price)
            )
            if step > 0:
                rounded = clr.mul(clr.round_half_even(clr.div(price, step), 0), step)
                setattr(order, attribute, rounded)
                if rounded != price and not self._warned_price_rounding:
                    self._warned_price_rounding = True
                    self._algorithm.error(price_rounding_warning(name, rounded, price))

    # -- events -----------------------------------------------------------------------------------------------------

    def _event(self, order: Order, message: str = "") -> OrderEvent:
        return OrderEvent(order, self._algorithm.clock.utc, OrderFee.ZERO, message)

    def _handle_order_event(self, event: OrderEvent) -> None:
        self._handle_order_events([event])

    def _handle_order_events(self, events: list[OrderEvent]) -> None:
        """Apply events to orders, portfolio, trades and tickets, then tell user code, one event after the other."""
        self.version += 1
        algorithm = self._algorithm
        securities = []
        fills = []
        for event in events:
            entry = self._open.pop(event.order_id) if is_closed(event.status) else None
            if entry is None:
                entry = self._find(event.order_id)
                if entry is None:
                    return
            event.ticket = entry.ticket
            securities.append(algorithm.securities[event.symbol] if entry.security is None else entry.security)
            self._apply_to_order(event, entry.order, entry.ticket)
            if is_fill(event.status):
                fills.append(event)
        if fills:
            try:
                algorithm.portfolio.process_fills(fills)
            except NotSupportedError:
                raise
            except Exception as error:
                algorithm.error(f"Fill error: error in TradeBuilder.ProcessFill: {message_of_raised(error)}")
        for event, security in zip(events, securities, strict=True):
            if is_fill(event.status):
                self._build_trade(event, security)
            event.ticket._add_order_event(event)
        for event in events:
            if event.status is not OrderStatus.NONE:
                self.order_events.append(event)
                if self._results is not None:
                    self._results.order_event(event)
                self._tell_user(event)

    def _apply_to_order(self, event: OrderEvent, order: Order, ticket: OrderTicket) -> None:
        status = event.status
        if order.id in self._before_cancel:
            if is_closed(status):
                del self._before_cancel[order.id]
            elif status is not OrderStatus.CANCEL_PENDING:
                self._before_cancel[order.id] = status
        if order.status not in (OrderStatus.FILLED, OrderStatus.CANCELED) or status is not OrderStatus.INVALID:
            order.status = status
        event.id = order.get_new_id()
        if status is OrderStatus.CANCELED:
            order._canceled_time = event._utc_time
        elif is_fill(status):
            order._last_fill_time = event._utc_time
        elif status in (OrderStatus.UPDATE_SUBMITTED, OrderStatus.SUBMITTED) and ticket._update_requests:
            order._last_update_time = event._utc_time
        event._quantity = order._quantity
        if isinstance(order, LimitOrder | StopLimitOrder | LimitIfTouchedOrder):
            event._limit_price = clr.normalize(order._limit_price)
        if isinstance(order, StopMarketOrder | StopLimitOrder):
            event._stop_price = clr.normalize(order._stop_price)
        if isinstance(order, TrailingStopOrder):
            event._trailing_amount = clr.normalize(order._trailing_amount)
        if isinstance(order, LimitIfTouchedOrder):
            event._trigger_price = clr.normalize(order._trigger_price)

    def _build_trade(self, event: OrderEvent, security: Any) -> None:
        algorithm = self._algorithm
        if algorithm.trade_builder is None:
            return
        fee = event.order_fee.value
        amount = fee._amount
        if amount != 0 and fee.currency != algorithm.account_currency:
            amount = algorithm.portfolio.cash_book._to_account_currency(fee)
        algorithm.trade_builder.process_fill(
            event,
            security.quote_currency._conversion_rate,
            amount,
            security.symbol_properties._contract_multiplier,
        )

    def _tell_user(self, event: OrderEvent) -> None:
        algorithm = self._algorithm
        try:
            (user_method(algorithm, "on_order_event") or algorithm.on_order_event)(event)
        except USER_ERRORS as error:
            algorithm.set_runtime_error(error, "Order Event Handler")

    # -- delistings ---------------------------------------------------------------------------------------------------

    def _liquidate_delisted(self, security: Any) -> None:
        algorithm = self._algorithm
        quantity = -security.holdings._quantity
        if quantity == 0 or algorithm.status is not AlgorithmStatus.RUNNING:
            return
        tag = LIQUIDATE_FROM_DELISTING_TAG
        order = MarketOrder(security.symbol, quantity, algorithm.clock.utc, tag)
        order.status = OrderStatus.SUBMITTED
        order.id = algorithm.transactions.get_increment_order_id()
        order.price_adjustment_mode = self._price_adjustment_mode(security)
        request = SubmitOrderRequest(
            order.type, SecurityType.EQUITY, order.symbol, order._quantity, order._time, order.tag, order.properties
        )
        request.order_id = order.id
        ticket = OrderTicket(algorithm.transactions, request)
        ticket._set_order(order)
        self._open[order.id] = _OpenOrder(order, ticket, security)
        self._complete[order.id] = order
        self._tickets[order.id] = ticket
        self.orders_count += 1
        fill = self._event(order, tag)
        fill.status = OrderStatus.FILLED
        fill._fill_price = clr.normalize(security._price)
        fill._fill_quantity = order._quantity
        self._handle_order_event(fill)
