"""The brokerage of a backtest: keeps pending orders and asks the fill models. Source: ``BacktestingBrokerage``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.embedded.enums import OrderStatus, OrderType
from harness.embedded.fills.prices import Fill, FillModelParameters
from harness.embedded.model_errors import NullReferenceError
from harness.embedded.models.wrapping import instance, message_of_raised
from harness.embedded.naming import user_method
from harness.embedded.not_supported import NotSupportedError
from harness.embedded.orders.event import OrderEvent
from harness.embedded.orders.fees import OrderFee, OrderFeeParameters
from harness.embedded.orders.order import Order, is_closed
from harness.embedded.orders.zones import to_local
from harness.embedded.transactions.messages import insufficient_buying_power


def _nothing(order: Any) -> None:
    """Trailing stops and triggered stop limits are changed in place, so there is nothing to pass on."""


class BacktestingBrokerage:
    """``on_order_events`` receives every list of events that belong together."""

    def __init__(self, algorithm: Any, on_order_events: Callable[[list[OrderEvent]], None]) -> None:
        self._algorithm = algorithm
        self._on_order_events = on_order_events
        self.pending: dict[int, Order] = {}

    def place_order(self, order: Order) -> bool:
        """Take a new order. ``False`` for any other status."""
        if order.status is not OrderStatus.NEW:
            return False
        self.pending[order.id] = order
        _add_broker_id(order)
        self._emit(order, OrderStatus.SUBMITTED)
        return True

    def update_order(self, order: Order) -> bool:
        """Acknowledge a changed order. ``False`` when it is not pending."""
        if order.id not in self.pending:
            return False
        self.pending[order.id] = order
        _add_broker_id(order)
        self._emit(order, OrderStatus.UPDATE_SUBMITTED)
        return True

    def cancel_order(self, order: Order) -> bool:
        """Cancel an order. ``False`` when it was not pending; the event is sent all the same, as Lean does."""
        was_pending = self.pending.pop(order.id, None) is not None
        _add_broker_id(order)
        self._emit(order, OrderStatus.CANCELED)
        return was_pending

    def scan(self) -> None:
        """Give every pending order, by id, its chance to expire, be refused or fill at the current time."""
        if not self.pending:
            return
        for order in [self.pending[order_id] for order_id in sorted(self.pending)]:
            if is_closed(order.status):
                self.pending.pop(order.id, None)
            elif order._time != self._algorithm.clock.utc or order.type is OrderType.MARKET:
                self._scan_order(order)

    def _scan_order(self, order: Order) -> None:
        algorithm = self._algorithm
        security = algorithm.securities[order.symbol]
        if not self._passes_pre_checks(security, order):
            return
        try:
            buying_power = algorithm.portfolio.has_sufficient_buying_power_for_order([order])
        except NotSupportedError:
            raise
        except Exception as error:
            text = message_of_raised(error)
            self._remove(order, OrderStatus.INVALID, text)
            algorithm.error(f"Order Error: ids: [{order.id}], Error executing margin models: {text}")
            return
        if buying_power.is_sufficient:
            fills = self._fill(security, order)
        elif order.status is OrderStatus.CANCEL_PENDING:
            return
        else:
            message = insufficient_buying_power(order, security, buying_power.reason)
            self._remove(order, OrderStatus.INVALID, message)
            algorithm.error(message)
            return
        if not fills:
            return
        if None in fills:
            raise NullReferenceError
        events = []
        for fill in fills:
            if fill.order_id == order.id and (order.status is not fill.status or fill._fill_quantity != 0):
                # set before the event is sent, so that a scan inside user code does not fill the order again
                order.status = fill.status
                events.append(fill)
        if events:
            self._on_order_events(events)
        if all(is_closed(fill.status) for fill in fills):
            self.pending.pop(order.id, None)

    def _passes_pre_checks(self, security: Any, order: Order) -> bool:
        if order.type is OrderType.MARKET_ON_OPEN:
            bar = security.cache.last_data()
            if bar is None or to_local(order._time, security.exchange.hours.time_zone) >= bar.end_time:
                return False
        if order.time_in_force.is_order_expired(security, order):
            self._remove(order, OrderStatus.CANCELED, "The order has expired.")
            return False
        return bool(self._algorithm._engine.engine_brokerage._can_execute_order(security, order))

    def _fill(self, security: Any, order: Order) -> list[OrderEvent]:
        """The fill model's events with their fees; nothing when a model fails, which is reported to the user."""
        algorithm = self._algorithm
        fills: list[OrderEvent] = []
        try:
            parameters = FillModelParameters(
                security,
                order,
                algorithm.subscription_manager,
                algorithm.settings.stale_price_time_span,
                {order: security},
                _nothing,
            )
            model = security.fill_model
            filled = list(instance((user_method(model, "fill") or model.fill)(parameters), Fill, "fill"))
            if all(order.time_in_force.is_fill_valid(security, order, fill) for fill in filled):
                fills.extend(filled)
            for fill in fills:
                if fill is None:
                    raise NullReferenceError
                if fill.status is OrderStatus.FILLED and fill.order_fee.value._amount == 0:
                    fill.order_fee = security._fee_model._get_order_fee(OrderFeeParameters(security, order))
        except NotSupportedError:
            raise
        except Exception as error:
            algorithm.error(
                f"Order Error: id: {order.id}, Transaction model failed to fill for order type: {order.type.lean_name} "
                f"with error: {message_of_raised(error)}"
            )
        return fills

    def _emit(self, order: Order, status: OrderStatus) -> None:
        event = OrderEvent(order, self._algorithm.clock.utc, OrderFee.ZERO)
        event.status = status
        self._on_order_events([event])

    def _remove(self, order: Order, status: OrderStatus, message: str) -> None:
        event = OrderEvent(order, self._algorithm.clock.utc, OrderFee.ZERO, message)
        event.status = status
        self.pending.pop(order.id, None)
        self._on_order_events([event])


def _add_broker_id(order: Order) -> None:
    text = str(order.id)
    if text not in order.broker_id:
        order.broker_id.append(text)
