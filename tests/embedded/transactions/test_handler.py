"""Requests, events and their order, as Lean's transaction handler gives them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from trading_fakes import FakeAlgorithm

from harness.embedded.enums import (
    DataNormalizationMode,
    DelistingType,
    OrderField,
    OrderResponseErrorCode,
    OrderStatus,
)
from harness.embedded.not_supported import NotSupportedError
from harness.embedded.orders import OrderProperties, TimeInForce, UpdateOrderFields
from harness.embedded.orders.price_variation import EquityPriceVariationModel

TEN = datetime(2025, 10, 6, 10, 0)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def algorithm() -> FakeAlgorithm:
    world = FakeAlgorithm("ALFA", "BRVO")
    for ticker in ("ALFA", "BRVO"):
        world.bar(ticker, TEN, (100, 101, 99, 100))
    return world


def test_events_are_numbered_by_order_and_kept_in_sequence(algorithm: FakeAlgorithm) -> None:
    algorithm.market_order("ALFA", 5)
    algorithm.limit_order("BRVO", -5, 101)
    assert algorithm.events == [(1, 1, "SUBMITTED", 0, 0), (1, 2, "FILLED", 5, 100), (2, 1, "SUBMITTED", 0, 0)]
    assert [event.order_id for event in algorithm.handler.order_events] == [1, 1, 2]


def test_pending_orders_fill_by_id_whatever_their_symbol(algorithm: FakeAlgorithm) -> None:
    algorithm.stop_market_order("BRVO", 1, 90)
    algorithm.limit_order("ALFA", 1, 110)
    algorithm.stop_market_order("BRVO", 2, 90)
    algorithm.events.clear()
    algorithm.at(TEN + MINUTE)
    for ticker in ("ALFA", "BRVO"):
        algorithm.security(ticker).cache.trade = _bar(algorithm, ticker)
    algorithm.handler.process_synchronous_events()
    assert [event[0] for event in algorithm.events] == [1, 2, 3]


def _bar(algorithm: FakeAlgorithm, ticker: str) -> object:
    from harness.embedded.data import TradeBar

    return TradeBar(TEN, algorithm.security(ticker).symbol, 100, 101, 99, 100, 10, MINUTE)


def test_updates_are_taken_at_once_and_done_at_the_next_step(algorithm: FakeAlgorithm) -> None:
    ticket = algorithm.limit_order("ALFA", 10, 90)
    fields = UpdateOrderFields()
    fields.limit_price = 91.5
    fields.tag = "chase"
    response = ticket.update(fields)
    assert (response.is_success, ticket.status, ticket.get(OrderField.LIMIT_PRICE)) == (True, OrderStatus.SUBMITTED, 90)
    algorithm.bar("ALFA", TEN + MINUTE, (100, 101, 99, 100))
    assert (ticket.status, ticket.get(OrderField.LIMIT_PRICE), ticket.tag) == (
        OrderStatus.UPDATE_SUBMITTED,
        91.5,
        "chase",
    )
    assert algorithm.transactions.get_order_by_id(1).last_update_time == datetime(2025, 10, 6, 14, 1, tzinfo=UTC)


def test_queued_requests_are_done_before_the_next_order(algorithm: FakeAlgorithm) -> None:
    ticket = algorithm.limit_order("ALFA", 10, 90)
    ticket.cancel("not wanted")
    assert ticket.status is OrderStatus.CANCEL_PENDING
    algorithm.market_order("BRVO", 1)
    assert (ticket.status, ticket.tag) == (OrderStatus.CANCELED, "not wanted")
    assert [(event[0], event[2]) for event in algorithm.events] == [
        (1, "SUBMITTED"),
        (1, "CANCEL_PENDING"),
        (1, "CANCELED"),
        (2, "SUBMITTED"),
        (2, "FILLED"),
    ]


def test_a_second_cancellation_is_refused(algorithm: FakeAlgorithm) -> None:
    ticket = algorithm.limit_order("ALFA", 10, 90)
    ticket.cancel()
    again = ticket.cancel()
    assert (again.error_code, again.error_message) == (
        OrderResponseErrorCode.REQUEST_CANCELED,
        "Order 1 has already received a cancellation request.",
    )
    by_manager = algorithm.transactions.cancel_order(1)
    assert by_manager.get_most_recent_order_response().is_success


def test_a_closed_order_takes_a_tag_but_nothing_else(algorithm: FakeAlgorithm) -> None:
    ticket = algorithm.market_order("ALFA", 10)
    refused = ticket.cancel("too late")
    assert refused.error_code is OrderResponseErrorCode.INVALID_ORDER_STATUS
    assert refused.error_message == "Unable to update order with id 1 because it already has Filled status."
    assert ticket.update_quantity(5).error_code is OrderResponseErrorCode.INVALID_ORDER_STATUS
    assert ticket.update_tag("after fill").is_success
    algorithm.handler.process_synchronous_events()
    assert ticket.tag == "after fill"
    assert len(algorithm.events) == 2


def test_an_update_to_zero_is_refused(algorithm: FakeAlgorithm) -> None:
    ticket = algorithm.limit_order("ALFA", 10, 90)
    response = ticket.update_quantity(0)
    assert response.error_message == "Unable to update order with id 1 that has zero quantity."


def test_unknown_orders(algorithm: FakeAlgorithm) -> None:
    ticket = algorithm.transactions.cancel_order(7)
    assert (ticket.status, ticket.order_id) == (OrderStatus.INVALID, 7)
    assert ticket.cancel_request.response.error_message == "Unable to locate order with id 7."
    assert algorithm.transactions.get_order_by_id(7) is None


def test_buying_power_refusal_consumes_an_id_and_reports_before_the_event(algorithm: FakeAlgorithm) -> None:
    algorithm.portfolio.refusal = "Id: 1, Initial Margin: 5000, Free Margin: 10"
    ticket = algorithm.limit_order("ALFA", -100, 99.5)
    text = (
        "Order Error: ids: [1], Insufficient buying power to complete orders (Value:[-10000]), "
        "Reason: Id: 1, Initial Margin: 5000, Free Margin: 10."
    )
    assert algorithm.messages == [text]
    assert (ticket.status, ticket.submit_request.response.error_code) == (
        OrderStatus.INVALID,
        OrderResponseErrorCode.INSUFFICIENT_BUYING_POWER,
    )
    assert ticket.order_events[0].message == text
    assert algorithm.handler.orders_count == 1
    assert not algorithm.handler.has_work


def test_buying_power_is_checked_again_at_every_scan(algorithm: FakeAlgorithm) -> None:
    ticket = algorithm.limit_order("ALFA", 100, 90)
    algorithm.portfolio.refusal = "Id: 1"
    algorithm.bar("ALFA", TEN + MINUTE, (100, 101, 99, 100))
    assert ticket.status is OrderStatus.INVALID
    assert not algorithm.handler.has_work


def test_an_update_that_the_account_cannot_carry_leaves_the_order(algorithm: FakeAlgorithm) -> None:
    ticket = algorithm.limit_order("ALFA", 10, 90)
    ticket.update_quantity(1000)
    algorithm.portfolio.refusal = "no money"
    algorithm.handler._process_pending_requests()
    assert ticket.quantity == 10
    assert ticket.update_requests[0].response.error_message == (
        "Brokerage failed to update order with id: 1, Symbol: ALFA, Insufficient buying power to complete order, "
        "Reason: no money."
    )


def test_nested_orders_inside_the_callback_come_before_the_outer_call_returns() -> None:
    class Nested(FakeAlgorithm):
        def on_order_event(self, event: object) -> None:
            super().on_order_event(event)
            if event.order_id == 1 and event.status == OrderStatus.FILLED:  # type: ignore[attr-defined]
                self.stop_market_order("ALFA", -5, 95)
                self.market_order("BRVO", 2)

    world = Nested("ALFA", "BRVO")
    for ticker in ("ALFA", "BRVO"):
        world.bar(ticker, TEN, (100, 101, 99, 100))
    world.market_order("ALFA", 5)
    assert [(event[0], event[2]) for event in world.events] == [
        (1, "SUBMITTED"),
        (1, "FILLED"),
        (2, "SUBMITTED"),
        (3, "SUBMITTED"),
        (3, "FILLED"),
    ]


def test_an_error_in_the_callback_ends_the_algorithm() -> None:
    class Failing(FakeAlgorithm):
        def OnOrderEvent(self, event: object) -> None:  # noqa: N802
            raise ValueError("broken callback")

    world = Failing("ALFA")
    world.bar("ALFA", TEN, (100, 101, 99, 100))
    world.market_order("ALFA", 5)
    assert world.errors == [("Order Event Handler", "broken callback")] * 2
    assert world.security("ALFA").holdings._quantity == 5


def test_day_orders_expire_at_the_close_and_dated_ones_at_the_close_of_their_day(algorithm: FakeAlgorithm) -> None:
    day, dated = OrderProperties(), OrderProperties()
    day.time_in_force = TimeInForce.DAY
    dated.TimeInForce = TimeInForce.good_til_date(datetime(2025, 10, 7))
    first = algorithm.limit_order("ALFA", 1, 10, order_properties=day)
    second = algorithm.limit_order("ALFA", 1, 10, order_properties=dated)
    algorithm.bar("ALFA", datetime(2025, 10, 6, 15, 59), (100, 101, 99, 100))
    assert first.status is OrderStatus.SUBMITTED
    algorithm.bar("ALFA", datetime(2025, 10, 6, 16, 0), (100, 101, 99, 100))
    assert (first.status, first.order_events[-1].message) == (OrderStatus.CANCELED, "The order has expired.")
    algorithm.bar("ALFA", datetime(2025, 10, 7, 15, 59), (100, 101, 99, 100))
    assert second.status is OrderStatus.SUBMITTED
    algorithm.bar("ALFA", datetime(2025, 10, 7, 16, 0), (100, 101, 99, 100))
    assert second.status is OrderStatus.CANCELED


def test_prices_are_rounded_to_the_step_with_one_warning(algorithm: FakeAlgorithm) -> None:
    algorithm.security("ALFA").price_variation_model = EquityPriceVariationModel()
    first = algorithm.limit_order("ALFA", 1, 90.125)
    second = algorithm.stop_limit_order("ALFA", 1, 110.255, 0.55555)
    assert first.get(OrderField.LIMIT_PRICE) == 90.12
    assert (second.get(OrderField.STOP_PRICE), second.get(OrderField.LIMIT_PRICE)) == (110.26, 0.5556)
    assert algorithm.messages == [
        "Warning: To meet brokerage precision requirements, order LimitPrice was rounded to 90.12 from 90.125"
    ]


def test_quantities_are_cut_to_lots_with_one_warning(algorithm: FakeAlgorithm) -> None:
    assert algorithm.market_order("ALFA", 2.7).quantity == 2
    assert algorithm.market_order("ALFA", -3.2).quantity == -3
    assert algorithm.messages == [
        "Warning: Due to brokerage limitations, orders will be rounded to the nearest lot size of 1"
    ]


def test_short_sales_beyond_what_is_lent_are_refused(algorithm: FakeAlgorithm) -> None:
    algorithm.security("ALFA")._shortable_provider = SimpleNamespace(_shortable_quantity=lambda symbol, local: 20)
    assert algorithm.market_order("ALFA", -15).status is OrderStatus.FILLED
    refused = algorithm.market_order("ALFA", -10)
    assert refused.status is OrderStatus.INVALID
    assert refused.tag == "Order exceeds shortable quantity 20 for Symbol ALFA requested -10)"


def test_a_brokerage_model_can_refuse(algorithm: FakeAlgorithm) -> None:
    algorithm._engine.engine_brokerage._can_submit_order = lambda security, order: (False, "Warning - Code: No - none")
    ticket = algorithm.market_order("ALFA", 1)
    text = "BrokerageModel declared unable to submit order: [1] Warning - Code: No - none"
    assert (ticket.status, ticket.submit_request.response.error_message) == (OrderStatus.INVALID, text)
    assert algorithm.messages == [text]


def test_delisting_sells_at_the_last_price_and_cancels_open_orders(algorithm: FakeAlgorithm) -> None:
    algorithm.market_order("ALFA", 7)
    rest = algorithm.limit_order("ALFA", 1, 50)
    gone: list[object] = []
    algorithm.handler.on_security_delisted = gone.append
    symbol = algorithm.security("ALFA").symbol
    warning = SimpleNamespace(symbol=symbol, type=DelistingType.WARNING)
    algorithm.handler.process_delistings([warning])
    assert gone == []
    algorithm.handler.process_delistings([SimpleNamespace(symbol=symbol, type=DelistingType.DELISTED)])
    sale = algorithm.transactions.get_order_ticket(3)
    assert (sale.quantity_filled, sale.tag, rest.status) == (-7, "Liquidate from delisting", OrderStatus.CANCEL_PENDING)
    assert gone == [algorithm.security("ALFA")]


def test_average_price_of_a_partially_filled_order(algorithm: FakeAlgorithm) -> None:
    ticket = algorithm.limit_order("ALFA", 30, 50)
    for quantity, price in ((10, "100"), (20, "101")):
        event = algorithm.handler._event(algorithm.handler._open[1].order)
        event.status = OrderStatus.PARTIALLY_FILLED
        event.fill_quantity, event.fill_price = quantity, Decimal(price)
        algorithm.handler._handle_order_event(event)
    assert ticket.quantity_filled == 30
    assert ticket.average_fill_price == pytest.approx(100.66666666666667, abs=0)
    assert ticket.quantity_remaining == 0


def test_projected_holdings_count_open_orders(algorithm: FakeAlgorithm) -> None:
    algorithm.market_order("ALFA", 7)
    algorithm.limit_order("ALFA", -2, 120)
    projected = algorithm.transactions._projected_holdings(algorithm.security("ALFA"))
    assert (projected.holdings_quantity, projected.open_orders_quantity, projected.projected_quantity) == (7, -2, 5)


def test_what_is_not_covered_is_not_swallowed(algorithm: FakeAlgorithm) -> None:
    def refuse(parameters: object) -> object:
        raise NotSupportedError("Something else")

    algorithm.security("ALFA").fill_model = SimpleNamespace(fill=refuse)
    with pytest.raises(NotSupportedError, match="Something else"):
        algorithm.market_order("ALFA", 1)


def test_fields_of_a_ticket_are_cast_and_not_converted(algorithm: FakeAlgorithm) -> None:
    """``OrderTicket.Get<T>`` unboxes: ``Get(field)`` is ``Get<decimal>``, and the flag is a ``bool``."""
    ticket = algorithm.trailing_stop_order("ALFA", -1, 90, 0.5, True)
    assert ticket.get(OrderField.TRAILING_AMOUNT) == 0.5
    assert ticket.get[bool](OrderField.TRAILING_AS_PERCENTAGE) is True
    with pytest.raises(TypeError, match=r"type 'System\.Boolean' to type 'System\.Decimal'"):
        ticket.get(OrderField.TRAILING_AS_PERCENTAGE)
    with pytest.raises(TypeError, match=r"type 'System\.Decimal' to type 'System\.Double'"):
        ticket.get[float](OrderField.STOP_PRICE)
    with pytest.raises(ValueError, match="Unable to access property TriggerPrice on order of type TrailingStop"):
        ticket.get(OrderField.TRIGGER_PRICE)


def test_the_normalisation_of_an_orders_prices_is_that_of_the_symbols_first_order(algorithm: FakeAlgorithm) -> None:
    """``BrokerageTransactionHandler.SetPriceAdjustmentMode`` keeps what it found first."""
    algorithm.market_order("ALFA", 1)
    algorithm.security("ALFA").subscriptions[0].data_normalization_mode = DataNormalizationMode.RAW
    algorithm.market_order("ALFA", 1)
    assert [order.price_adjustment_mode for order in algorithm.transactions.get_orders()] == [
        DataNormalizationMode.ADJUSTED,
        DataNormalizationMode.ADJUSTED,
    ]


def test_a_provider_that_fails_refuses_an_update(algorithm: FakeAlgorithm) -> None:
    """``BrokerageTransactionHandler.UpdateOrder`` turns any error into the answer; adding an order does not."""
    ticket = algorithm.limit_order("ALFA", -1, 200)

    def fail(symbol: object, local: object) -> int:
        raise ValueError("no file")

    algorithm.security("ALFA")._shortable_provider._shortable_quantity = fail
    assert str(ticket.update_limit_price(190)) == "Error: ProcessingError - no file"
    with pytest.raises(ValueError, match="no file"):
        algorithm.limit_order("ALFA", -1, 200)


def test_calls_of_tickets_and_of_the_manager_are_bound_as_pythonnet_does(algorithm: FakeAlgorithm) -> None:
    """``decimal`` parameters take what reads as a number; an update's fields do so too when they are set."""
    ticket = algorithm.limit_order("ALFA", 1, 50)
    assert ticket.update_limit_price("51.5").is_success
    with pytest.raises(TypeError, match=r"No method matches given arguments for update_quantity: \(<class 'str'>\)\."):
        ticket.update_quantity("many")
    fields = UpdateOrderFields()
    fields.limit_price = "52.25"
    assert fields.limit_price == 52.25
    with pytest.raises(TypeError, match=r"'str' value cannot be converted to System\.Decimal"):
        fields.quantity = "x"
    assert algorithm.transactions.cancel_open_orders(None) == []
    assert algorithm.transactions.cancel_order(ticket.order_id, order_tag="t").cancel_request.tag == "t"
    with pytest.raises(TypeError, match="Did you mean 'order_tag'"):
        algorithm.transactions.cancel_order(1, ordertag="t")
