"""Orders, their texts and their values, as Lean gives them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace

import pytest
from trading_fakes import FakeAlgorithm

from harness.embedded.enums import OrderDirection, OrderStatus, OrderType, SecurityType
from harness.embedded.not_supported import NotSupportedError
from harness.embedded.orders import (
    CashAmount,
    LimitIfTouchedOrder,
    LimitOrder,
    MarketOnCloseOrder,
    MarketOrder,
    OrderEvent,
    OrderFee,
    OrderProperties,
    OrderSubmissionData,
    StopLimitOrder,
    StopMarketOrder,
    SubmitOrderRequest,
    TrailingStopOrder,
    UpdateOrderFields,
    UpdateOrderRequest,
    create_order,
)
from harness.embedded.orders.numbers import price_text, smart_rounding
from harness.embedded.orders.sizing import adjust_by_lot_size

NOON = datetime(2025, 10, 6, 16, 0)
ALFA = FakeAlgorithm("ALFA").security("ALFA").symbol


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("316.5200", "316.52"),
        ("1234.56785", "1234.5678"),  # above 1000: four decimals, ties to even
        ("0.123456789", "0.1234568"),  # else seven significant digits
        ("-165000.00", "-165000"),
        ("-12345.678", "-12345.68"),
        ("0", "0"),
        ("1000", "1000"),
    ],
)
def test_smart_rounding(value: str, text: str) -> None:
    assert price_text(Decimal(value)) == text


def test_smart_rounding_keeps_small_values_exact() -> None:
    assert smart_rounding(Decimal("0.0000001234567")) == Decimal("0.0000001234567")


def test_texts_of_orders() -> None:
    def text(order: object) -> str:
        order.id, order.price_currency, order.status = 3, "USD", OrderStatus.SUBMITTED  # type: ignore[attr-defined]
        order.broker_id = ["3"]  # type: ignore[attr-defined]
        return str(order)

    head = "OrderId: 3 (BrokerId: 3) Submitted"
    assert text(MarketOrder(ALFA, 1, NOON)) == f"{head} Market order for 1 unit of ALFA"
    assert text(MarketOrder(ALFA, -2, NOON, "why")) == f"{head} Market order for -2 units of ALFA: why"
    assert text(LimitOrder(ALFA, 5, 99.5, NOON)) == f"{head} Limit order for 5 units of ALFA at limit $99.5"
    assert text(StopMarketOrder(ALFA, 5, 99, NOON)) == f"{head} StopMarket order for 5 units of ALFA at stop $99"
    assert text(StopLimitOrder(ALFA, 5, 99, 98, NOON)).endswith(
        "StopLimit order for 5 units of ALFA at stop $99 limit $98"
    )
    assert text(LimitIfTouchedOrder(ALFA, 5, 99, 98, NOON)).endswith("at trigger $99 limit $98")
    assert text(TrailingStopOrder(ALFA, 5, 99, 0.015, True, NOON)).endswith("at stop $99. Trailing amount: 1.500%")
    assert text(TrailingStopOrder(ALFA, 5, 99, 0.25, False, NOON)).endswith("at stop $99. Trailing amount: $0.25")


@pytest.mark.parametrize(
    ("quantity", "price", "value"), [(10, 90, 900), (10, 110, 1000), (-10, 90, -1000), (-10, 110, -1100), (0, 110, 0)]
)
def test_a_resting_order_is_valued_at_the_price_worse_for_it(quantity: int, price: int, value: int) -> None:
    algorithm = FakeAlgorithm("ALFA")
    algorithm.bar("ALFA", datetime(2025, 10, 6, 10, 0), (100, 100, 100, 100))
    security = algorithm.security("ALFA")
    for order in (LimitOrder(ALFA, quantity, price, NOON), StopMarketOrder(ALFA, quantity, price, NOON)):
        assert order.get_value(security) == value
    assert MarketOrder(ALFA, quantity, NOON).get_value(security) == quantity * 100


def test_numbers_are_floats_outside_and_exact_inside() -> None:
    order = LimitOrder(ALFA, 2.50, 0.1, NOON)
    assert (order._quantity, order.quantity, order._limit_price, order.limit_price) == (
        Decimal("2.5"),
        2.5,
        Decimal("0.1"),
        0.1,
    )
    assert (order.Quantity, order.LimitPrice, order.Type, order.direction) == (
        2.5,
        0.1,
        OrderType.LIMIT,
        OrderDirection.BUY,
    )


def test_utc_times_are_aware_for_user_code() -> None:
    order = MarketOrder(ALFA, 1, NOON.replace(tzinfo=UTC))
    assert (order._time, order.time, order.created_time) == (NOON, NOON.replace(tzinfo=UTC), NOON.replace(tzinfo=UTC))
    assert order.last_fill_time is None


def test_marketable_limit_orders_cross_the_quote_of_their_submission() -> None:
    order = LimitOrder(ALFA, 1, 100, NOON)
    assert not order.is_marketable
    order.order_submission_data = OrderSubmissionData(Decimal(99), Decimal(100), Decimal("99.5"))
    assert order.is_marketable
    sale = LimitOrder(ALFA, -1, 100, NOON)
    sale.order_submission_data = order.order_submission_data
    assert not sale.is_marketable


def test_a_clone_is_independent() -> None:
    order = TrailingStopOrder(ALFA, 5, 99, 0.01, True, NOON)
    order.get_new_id()
    copy = order.clone()
    fields = UpdateOrderFields(quantity=7, stop_price=98, trailing_amount=0.02, tag="new")
    copy.apply_update_order_request(UpdateOrderRequest(NOON, 0, fields))
    copy.properties.time_in_force = None
    copy.broker_id.append("x")
    assert (order.quantity, order.stop_price, order.trailing_amount, order.tag, order.broker_id) == (
        5,
        99,
        0.01,
        "",
        [],
    )
    assert (copy.quantity, copy.stop_price, copy.trailing_amount, copy.tag) == (7, 98, 0.02, "new")
    assert order.properties.time_in_force is not None
    assert copy.get_new_id() == 1


def test_updates_for_another_order_are_refused() -> None:
    with pytest.raises(ValueError, match="incorrect order"):
        MarketOrder(ALFA, 1, NOON).apply_update_order_request(UpdateOrderRequest(NOON, 4, UpdateOrderFields()))


@pytest.mark.parametrize(
    ("market", "stop", "amount", "percentage", "direction", "expected"),
    [
        ("100", "95", "0.04", True, OrderDirection.SELL, "96.00"),
        ("100", "96", "0.04", True, OrderDirection.SELL, None),
        ("100", "105", "4", False, OrderDirection.BUY, "104"),
        ("100", "104", "4", False, OrderDirection.BUY, None),
    ],
)
def test_trailing(
    market: str, stop: str, amount: str, percentage: bool, direction: OrderDirection, expected: str | None
) -> None:
    updated = TrailingStopOrder.updated_stop_price(
        Decimal(market), Decimal(stop), Decimal(amount), percentage, direction
    )
    assert updated == (None if expected is None else Decimal(expected))


def test_combo_orders_say_which_engine_has_them() -> None:
    request = SubmitOrderRequest(OrderType.COMBO_MARKET, SecurityType.EQUITY, ALFA, Decimal(1), NOON, "")
    with pytest.raises(NotSupportedError, match=r"OrderType\.ComboMarket .*--engine launcher"):
        create_order(request)


def test_the_submission_buffer_is_set_for_the_class_under_both_names() -> None:
    before = MarketOnCloseOrder.submission_time_buffer
    try:
        MarketOnCloseOrder.SubmissionTimeBuffer = before * 2
        assert MarketOnCloseOrder.submission_time_buffer == before * 2
        MarketOnCloseOrder.submission_time_buffer = before * 3
        assert before * 3 == MarketOnCloseOrder.SubmissionTimeBuffer
    finally:
        MarketOnCloseOrder.submission_time_buffer = before


def test_text_of_an_event() -> None:
    order = StopLimitOrder(ALFA, -5, 99, 98, NOON)
    order.id, order.status, order.price_currency = 4, OrderStatus.FILLED, "USD"
    event = OrderEvent(order, NOON, OrderFee(CashAmount(1.5, "USD")), "gap")
    event.fill_quantity, event.fill_price, event.stop_price, event.id = -5, 98.5, 99, 2
    assert str(event) == (
        "Time: 10/06/2025 16:00:00 OrderID: 4 EventID: 2 Symbol: ALFA Status: Filled Quantity: -5 FillQuantity: -5 "
        "FillPrice: $98.5 StopPrice: $99 OrderFee: 1.5 USD Message: gap"
    )
    assert (
        event.short_to_string() == "10/06/2025 16:00:00 OID:4 ALFA Filled Q:-5 FQ:-5 FP:$98.5 SP:$99 OF:$1.5 USD M:gap"
    )
    assert (event.utc_time, event.limit_price, event.absolute_fill_quantity) == (NOON.replace(tzinfo=UTC), None, 5)


def test_events_can_be_made_from_their_parts() -> None:
    event = OrderEvent(1, ALFA, NOON, OrderStatus.FILLED, OrderDirection.BUY, 10.50, 3, OrderFee.ZERO, "m")
    assert (event.order_id, event._fill_price, event._fill_quantity, event.message) == (1, Decimal("10.5"), 3, "m")


def test_properties_answer_to_both_spellings() -> None:
    properties = OrderProperties()
    properties.TimeInForce = "x"
    assert (properties.time_in_force, properties.TimeInForce, properties.clone().time_in_force) == ("x", "x", "x")
    with pytest.raises(AttributeError):
        properties.Nothing  # noqa: B018


@pytest.mark.parametrize(("quantity", "adjusted"), [("7.9", "7"), ("-7.9", "-7"), ("6.9999999", "7"), ("0", "0")])
def test_lots(quantity: str, adjusted: str) -> None:
    security = SimpleNamespace(symbol_properties=SimpleNamespace(_lot_size=Decimal(1)))
    assert adjust_by_lot_size(security, Decimal(quantity)) == Decimal(adjusted)
