"""``self.transactions``: the algorithm's view of its orders. Source: Lean's ``SecurityTransactionManager``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from harness.embedded import clr
from harness.embedded.binding import clr_call
from harness.embedded.naming import lean_api
from harness.embedded.orders.order import Order
from harness.embedded.orders.request import CancelOrderRequest, OrderRequest, SubmitOrderRequest, UpdateOrderRequest
from harness.embedded.orders.response import OrderResponse
from harness.embedded.orders.ticket import OrderTicket
from harness.embedded.reference.symbols import Symbol
from harness.embedded.securities.arithmetic import net_add
from harness.embedded.uncovered import refuses_uncovered

_MILLISECOND = timedelta(milliseconds=1)
_NOT_WHILE_WARMING_UP = (
    "This operation is not allowed in initialize or during warm up: cancel_open_orders. "
    "Please move this code to the on_warmup_finished() method."
)


@lean_api
class ProjectedHoldings:
    """Holdings of a security, and what its open orders would add."""

    __slots__ = ("_holdings_quantity", "_open_orders_quantity")

    def __init__(self, holdings_quantity: Decimal, open_orders_quantity: Decimal) -> None:
        self._holdings_quantity = holdings_quantity
        self._open_orders_quantity = open_orders_quantity

    @property
    def _projected_quantity(self) -> Decimal:
        return net_add(self._holdings_quantity, self._open_orders_quantity)

    @property
    def holdings_quantity(self) -> float:
        return clr.to_float(self._holdings_quantity)

    @property
    def open_orders_quantity(self) -> float:
        return clr.to_float(self._open_orders_quantity)

    @property
    def projected_quantity(self) -> float:
        return clr.to_float(self._projected_quantity)


def open_quantity(tickets: Iterable[OrderTicket]) -> Decimal:
    """What is still to be filled of these tickets, signed."""
    total = clr.ZERO
    for ticket in tickets:
        total = net_add(total, ticket._quantity_remaining)
    return total


def _matcher(selection: Any) -> Callable[[Any], bool] | None:
    """A predicate from what user code gives: nothing, a function, a symbol, a ticker or a security."""
    if selection is None:
        return None
    symbol = getattr(selection, "symbol", selection) if not isinstance(selection, Symbol) else selection
    if isinstance(symbol, Symbol | str):
        return lambda item: bool(item.symbol == symbol)
    if not callable(selection):
        raise TypeError("cannot convert object to target type")
    return lambda item: bool(selection(item))


def _filters(method: str) -> tuple[str, ...]:
    """The overloads of a look-up by a function."""
    return f"{method}(Func filter = null)", f"{method}(PyObject filter)"


def _filters_and_symbols(method: str) -> tuple[str, ...]:
    """The overloads of a look-up by a symbol or a function."""
    return f"{method}(Symbol symbol)", *_filters(method)


@refuses_uncovered("SecurityTransactionManager")
@lean_api
class SecurityTransactionManager:
    """Sends requests to the transaction handler, and finds orders and tickets.

    Lists of open orders come in the order in which .NET enumerates Lean's dictionary of open orders.
    """

    def __init__(self, algorithm: Any) -> None:
        self._algorithm = algorithm
        self._order_processor: Any = None
        self._order_id = 0
        self._records: dict[datetime, tuple[Decimal, bool]] = {}
        self.market_order_fill_timeout = timedelta(0)

    # -- the engine's side ----------------------------------------------------------------------------------------

    def set_order_processor(self, order_processor: Any) -> None:
        """The transaction handler that requests go to."""
        self._order_processor = order_processor

    def get_increment_order_id(self) -> int:
        self._order_id += 1
        return self._order_id

    def add_transaction_record(self, time: datetime, profit_loss: Decimal, is_win: bool) -> None:
        """Record a closed trade's profit at a UTC time; a time that is taken moves on by a millisecond."""
        while time in self._records:
            time += _MILLISECOND
        self._records[time] = (profit_loss, is_win)

    @property
    def _transaction_record(self) -> dict[datetime, Decimal]:
        return {time: profit for time, (profit, _) in self._records.items()}

    def process_request(self, request: OrderRequest) -> OrderTicket:
        """Hand a request over. Raises ``RuntimeError`` while the algorithm warms up."""
        if self._algorithm.is_warming_up:
            raise RuntimeError(str(OrderResponse.warming_up(request)))
        if isinstance(request, SubmitOrderRequest):
            self.set_order_id(request)
        ticket: OrderTicket = self._order_processor.process(request)
        return ticket

    def set_order_id(self, request: SubmitOrderRequest) -> None:
        """Give a submit request the next order id, unless it has one."""
        if request.order_id < 1:
            request.order_id = self.get_increment_order_id()

    # -- the algorithm's side ---------------------------------------------------------------------------------------

    @property
    def utc_time(self) -> datetime:
        return self._utc_time.replace(tzinfo=UTC)

    @property
    def _utc_time(self) -> datetime:
        return self._algorithm.clock.utc  # type: ignore[no-any-return]

    @property
    def last_order_id(self) -> int:
        return self._order_id

    @property
    def orders_count(self) -> int:
        return self._order_processor.orders_count  # type: ignore[no-any-return]

    @property
    def transaction_record(self) -> dict[datetime, float]:
        return {time: clr.to_float(profit) for time, (profit, _) in self._records.items()}

    @property
    def winning_transactions(self) -> dict[datetime, float]:
        return {time: clr.to_float(profit) for time, (profit, is_win) in self._records.items() if is_win}

    @property
    def losing_transactions(self) -> dict[datetime, float]:
        return {time: clr.to_float(profit) for time, (profit, is_win) in self._records.items() if not is_win}

    @property
    def win_count(self) -> int:
        return sum(is_win for _, is_win in self._records.values())

    @property
    def loss_count(self) -> int:
        return len(self._records) - self.win_count

    def add_order(self, request: SubmitOrderRequest) -> OrderTicket:
        return self.process_request(request)

    def update_order(self, request: UpdateOrderRequest) -> OrderTicket:
        return self.process_request(request)

    @clr_call("CancelOrder(int orderId, string orderTag = null)")
    def cancel_order(self, order_id: int, order_tag: str | None) -> OrderTicket:
        return self._remove_order(order_id, order_tag)

    @clr_call("RemoveOrder(int orderId, string tag = null)")
    def remove_order(self, order_id: int, tag: str | None) -> OrderTicket:
        """Ask for cancellation; without a tag the order's tag is emptied."""
        return self._remove_order(order_id, tag)

    def _remove_order(self, order_id: int, tag: str | None) -> OrderTicket:
        return self.process_request(CancelOrderRequest(self._utc_time, order_id, "" if tag is None else tag))

    @clr_call("CancelOpenOrders()", "CancelOpenOrders(Symbol symbol, string tag = null)")
    def cancel_open_orders(self, tag: str | None = None, **of: Symbol | None) -> list[OrderTicket]:
        """Ask for cancellation of all open orders, or of one symbol's. Raises ``RuntimeError`` while warming up."""
        if self._algorithm.is_warming_up:
            raise RuntimeError(_NOT_WHILE_WARMING_UP)
        if not of:
            now = self._utc_time
            tag = f"Canceled by CancelOpenOrders() at {now:%Y-%m-%dT%H:%M:%S}.{now.microsecond:06d}0Z"
            tickets = self._open_order_tickets()
        else:
            symbol = of["symbol"]
            tickets = self._open_order_tickets(lambda ticket: ticket.symbol == symbol)
        for ticket in tickets:
            ticket.cancel(tag)
        return tickets

    @clr_call("GetOrderById(int orderId)")
    def get_order_by_id(self, order_id: int) -> Order | None:
        """A copy of the order, or ``None``."""
        return self._order_processor.get_order_by_id(order_id)  # type: ignore[no-any-return]

    @clr_call("GetOrdersByBrokerageId(string brokerageId)")
    def get_orders_by_brokerage_id(self, brokerage_id: str) -> list[Order]:
        return self._order_processor.get_orders(  # type: ignore[no-any-return]
            lambda order: str(brokerage_id) in order.broker_id
        )

    @clr_call("GetOrderTicket(int orderId)")
    def get_order_ticket(self, order_id: int) -> OrderTicket | None:
        return self._order_processor.get_order_ticket(order_id)  # type: ignore[no-any-return]

    @clr_call(*_filters("GetOrders"))
    def get_orders(self, filter: Any) -> list[Order]:
        """Copies of all orders that the filter accepts."""
        return self._order_processor.get_orders(_matcher(filter))  # type: ignore[no-any-return]

    @clr_call(*_filters_and_symbols("GetOpenOrders"))
    def get_open_orders(self, symbol: Any = None, filter: Any = None) -> list[Order]:
        """Copies of the open orders of a symbol, or of those a function accepts."""
        selection = filter if symbol is None else symbol
        return self._order_processor.get_open_orders(_matcher(selection))  # type: ignore[no-any-return]

    @clr_call(*_filters("GetOrderTickets"))
    def get_order_tickets(self, filter: Any) -> list[OrderTicket]:
        return self._order_processor.get_order_tickets(_matcher(filter))  # type: ignore[no-any-return]

    @clr_call(*_filters_and_symbols("GetOpenOrderTickets"))
    def get_open_order_tickets(self, symbol: Any = None, filter: Any = None) -> list[OrderTicket]:
        return self._open_order_tickets(filter if symbol is None else symbol)

    def _open_order_tickets(self, selection: Any = None) -> list[OrderTicket]:
        return self._order_processor.get_open_order_tickets(_matcher(selection))  # type: ignore[no-any-return]

    @clr_call(*_filters_and_symbols("GetOpenOrdersRemainingQuantity"))
    def get_open_orders_remaining_quantity(self, symbol: Any = None, filter: Any = None) -> float:
        return clr.to_float(self._get_open_orders_remaining_quantity(filter if symbol is None else symbol))

    def _get_open_orders_remaining_quantity(self, selection: Any = None) -> Decimal:
        return open_quantity(self._open_order_tickets(selection))

    @clr_call("GetProjectedHoldings(Security security)")
    def get_projected_holdings(self, security: Any) -> ProjectedHoldings:
        return self._projected_holdings(security)

    def _projected_holdings(self, security: Any) -> ProjectedHoldings:
        return self._order_processor.get_projected_holdings(security)  # type: ignore[no-any-return]

    @clr_call("WaitForOrder(int orderId)")
    def wait_for_order(self, order_id: int) -> bool:
        """Whether the order is closed; a backtest never waits."""
        ticket = self.get_order_ticket(order_id)
        return ticket is not None and ticket._is_closed()
