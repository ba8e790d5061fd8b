"""When and at which price each order type fills, with the rules of Lean's equity fill model."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from trading_fakes import FakeAlgorithm

from harness.embedded.data import Bar, QuoteBar
from harness.embedded.enums import OrderStatus, Resolution, TickType
from harness.embedded.feed.config import SubscriptionDataConfig
from harness.embedded.fills import FillModel

TEN = datetime(2025, 10, 6, 10, 0)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def algorithm() -> FakeAlgorithm:
    world = FakeAlgorithm("ALFA")
    world.bar("ALFA", TEN, (100, 101, 99, "100.5"))
    return world


def test_market_order_fills_at_once_at_the_last_close(algorithm: FakeAlgorithm) -> None:
    ticket = algorithm.market_order("ALFA", 10)
    assert (ticket.status, ticket.quantity_filled, ticket.average_fill_price) == (OrderStatus.FILLED, 10, 100.5)
    assert [event[2] for event in algorithm.events] == ["SUBMITTED", "FILLED"]
    assert ticket.order_events[1].message == (
        "Warning: No quote information available at 10/06/2025 10:00:00 America/New_York, "
        "order filled using TradeBar data"
    )


def test_market_order_takes_the_quote_of_its_side(algorithm: FakeAlgorithm) -> None:
    security = algorithm.security("ALFA")
    security.subscriptions.append(SubscriptionDataConfig(security.symbol, Resolution.MINUTE, TickType.QUOTE))
    quote = QuoteBar(TEN - MINUTE, security.symbol, Bar(1, 1, 1, 100.4), 5, Bar(1, 1, 1, 100.7), 6, MINUTE)
    security.cache.quote = quote
    assert algorithm.market_order("ALFA", 10).average_fill_price == 100.7
    sale = algorithm.market_order("ALFA", -10)
    assert sale.average_fill_price == 100.4
    assert sale.order_events[1].message == ""


def test_slippage_is_paid_on_both_sides(algorithm: FakeAlgorithm) -> None:
    algorithm.security("ALFA").slip = Decimal("0.03")
    assert algorithm.market_order("ALFA", 1).average_fill_price == 100.53
    assert algorithm.market_order("ALFA", -1).average_fill_price == 100.47


def test_market_order_on_data_older_than_an_hour_waits_for_the_next_bar(algorithm: FakeAlgorithm) -> None:
    algorithm.at(datetime(2025, 10, 6, 11, 30))
    ticket = algorithm.market_order("ALFA", 5)
    assert ticket.status is OrderStatus.SUBMITTED
    algorithm.bar("ALFA", datetime(2025, 10, 6, 11, 31), (103, 104, 102, 103.5))
    assert ticket.average_fill_price == 103.5


def test_daily_data_alone_turns_an_open_market_order_into_market_on_close() -> None:
    world = FakeAlgorithm("ALFA", resolution=Resolution.DAILY)
    world.bar("ALFA", datetime(2025, 10, 3, 16, 0), (90, 91, 89, 90.5), timedelta(hours=6.5))
    world.at(TEN)
    ticket = world.market_order("ALFA", 3)
    assert ticket.order_type.name == "MARKET_ON_CLOSE"
    assert world.messages[-1].startswith("Warning: market orders on daily resolution data")
    world.bar("ALFA", datetime(2025, 10, 6, 16, 0), (92, 93, 91, 92.5), timedelta(hours=6.5))
    assert ticket.average_fill_price == 92.5


@pytest.mark.parametrize(
    ("quantity", "limit", "bar", "price", "gap"),
    [
        (10, 100, (100.5, 101, 99.9, 100.2), 100.0, ""),  # passes the limit
        (10, 100, (100.5, 101, 100, 100.2), None, ""),  # touches it only
        (10, 100, (99.5, 101, 99.4, 100.2), 99.5, "a favorable"),  # opens beyond it
        (-10, 101, (100.5, 101.1, 99.9, 100.2), 101.0, ""),
        (-10, 101, (100.5, 101, 99.9, 100.2), None, ""),
        (-10, 101, (101.2, 101.3, 99.9, 100.2), 101.2, "a favorable"),
    ],
)
def test_limit(
    algorithm: FakeAlgorithm, quantity: int, limit: float, bar: tuple[float, ...], price: float | None, gap: str
) -> None:
    ticket = algorithm.limit_order("ALFA", quantity, limit)
    assert ticket.status is OrderStatus.SUBMITTED
    algorithm.bar("ALFA", TEN + MINUTE, bar)
    _check(ticket, quantity, price, gap)


@pytest.mark.parametrize(
    ("quantity", "stop", "bar", "price", "gap"),
    [
        (10, 101, (100.5, 101, 99.9, 100.2), 101.0, ""),  # touched is enough
        (10, 101, (100.5, 100.9, 99.9, 100.2), None, ""),
        (10, 101, (101.4, 101.9, 101.1, 101.5), 101.4, "an unfavorable"),
        (-10, 99, (99.5, 100, 99, 99.2), 99.0, ""),
        (-10, 99, (99.5, 100, 99.1, 99.2), None, ""),
        (-10, 99, (98.5, 98.6, 98, 98.2), 98.5, "an unfavorable"),
    ],
)
def test_stop_market(
    algorithm: FakeAlgorithm, quantity: int, stop: float, bar: tuple[float, ...], price: float | None, gap: str
) -> None:
    ticket = algorithm.stop_market_order("ALFA", quantity, stop)
    algorithm.bar("ALFA", TEN + MINUTE, bar)
    _check(ticket, quantity, price, gap)


def _check(ticket: object, quantity: int, price: float | None, gap: str) -> None:
    if price is None:
        assert ticket.status is OrderStatus.SUBMITTED  # type: ignore[attr-defined]
        return
    assert (ticket.status, ticket.quantity_filled, ticket.average_fill_price) == (OrderStatus.FILLED, quantity, price)  # type: ignore[attr-defined]
    message = ticket.order_events[-1].message  # type: ignore[attr-defined]
    if gap:
        when = "10/06/2025 10:01:00 America/New_York"
        assert message == f"Due to {gap} gap at {when}, order filled using the open price ({price})"
    else:
        assert message == ""


def test_resting_orders_never_fill_at_their_own_time(algorithm: FakeAlgorithm) -> None:
    ticket = algorithm.limit_order("ALFA", 10, 200)
    algorithm.handler.process_synchronous_events()
    assert ticket.status is OrderStatus.SUBMITTED


def test_stop_limit_needs_the_stop_passed_then_a_price_below_the_limit(algorithm: FakeAlgorithm) -> None:
    ticket = algorithm.stop_limit_order("ALFA", 10, 101, 101.2)
    algorithm.bar("ALFA", TEN + MINUTE, (100.5, 101, 100, 100.9))
    assert ticket.status is OrderStatus.SUBMITTED
    algorithm.bar("ALFA", TEN + 2 * MINUTE, (101, 102, 100, 101.5))
    assert ticket.status is OrderStatus.SUBMITTED
    assert algorithm.transactions.get_order_by_id(1).stop_triggered
    algorithm.bar("ALFA", TEN + 3 * MINUTE, (101, 101.1, 100, 100.8))
    assert ticket.average_fill_price == 101.1


def test_trailing_stop_follows_the_better_extreme_and_fills_at_the_worse_price(algorithm: FakeAlgorithm) -> None:
    ticket = algorithm.trailing_stop_order("ALFA", -10, 0.01, True)
    order = algorithm.handler._open[1].order
    assert order.stop_price == 99.495
    algorithm.bar("ALFA", TEN + MINUTE, (101, 103, 100, 102))
    assert order.stop_price == 101.97
    algorithm.bar("ALFA", TEN + 2 * MINUTE, (102, 102.5, 101.9, 101.95))
    assert ticket.average_fill_price == 101.95
    assert ticket.tag == "Trailing Amount: 1.00%"


def test_trailing_stop_by_amount_with_its_own_start(algorithm: FakeAlgorithm) -> None:
    ticket = algorithm.trailing_stop_order("ALFA", 10, 102, 0.5, False)
    assert (ticket.submit_request.stop_price, ticket.submit_request.trailing_amount) == (102, 0.5)
    assert ticket.tag == "Trailing Amount: $0.5"


def test_limit_if_touched_fills_at_the_close_within_the_limit(algorithm: FakeAlgorithm) -> None:
    ticket = algorithm.limit_if_touched_order("ALFA", 10, 99.5, 99.8)
    algorithm.bar("ALFA", TEN + MINUTE, (100, 100.2, 99.4, 99.9))
    assert ticket.status is OrderStatus.SUBMITTED
    assert algorithm.transactions.get_order_by_id(1).trigger_touched
    algorithm.bar("ALFA", TEN + 2 * MINUTE, (99.9, 100.2, 99.6, 99.7))
    assert ticket.average_fill_price == 99.7


def test_market_on_open_fills_at_the_open_of_the_next_session(algorithm: FakeAlgorithm) -> None:
    algorithm.bar("ALFA", datetime(2025, 10, 6, 16, 0), (100, 101, 99, 100))
    algorithm.at(datetime(2025, 10, 6, 20, 0))
    ticket = algorithm.market_on_open_order("ALFA", 10)
    algorithm.bar("ALFA", datetime(2025, 10, 7, 9, 30), (105, 106, 104, 105.5))  # pre-market
    assert ticket.status is OrderStatus.SUBMITTED
    algorithm.bar("ALFA", datetime(2025, 10, 7, 9, 31), (107, 108, 106, 107.5))
    assert ticket.average_fill_price == 107


def test_market_on_close_fills_at_the_last_close(algorithm: FakeAlgorithm) -> None:
    ticket = algorithm.market_on_close_order("ALFA", -10)
    algorithm.bar("ALFA", datetime(2025, 10, 6, 15, 59), (107, 108, 106, 107.5))
    assert ticket.status is OrderStatus.SUBMITTED
    algorithm.bar("ALFA", datetime(2025, 10, 6, 16, 0), (109, 110, 108, 109.5))
    assert ticket.average_fill_price == 109.5


def test_stops_wait_for_regular_hours_and_limits_for_subscribed_ones(algorithm: FakeAlgorithm) -> None:
    stop = algorithm.stop_market_order("ALFA", 10, 101)
    limit = algorithm.limit_order("ALFA", 10, 100)
    algorithm.bar("ALFA", datetime(2025, 10, 7, 8, 0), (101.5, 102, 98, 101))
    assert (stop.status, limit.status) == (OrderStatus.SUBMITTED, OrderStatus.SUBMITTED)
    algorithm.security("ALFA").subscriptions[0].extended_market_hours = True
    algorithm.bar("ALFA", datetime(2025, 10, 7, 8, 1), (101.5, 102, 98, 101))
    assert (stop.status, limit.status) == (OrderStatus.SUBMITTED, OrderStatus.FILLED)


class _Half(FillModel):
    """Overrides one method in Lean's C# spelling, another in Python's."""

    def MarketFill(self, asset, order):  # type: ignore[no-untyped-def]  # noqa: N802
        fill = super().MarketFill(asset, order)
        fill.FillPrice = fill.FillPrice / 2
        return fill

    def limit_fill(self, asset, order):  # type: ignore[no-untyped-def]
        fill = super().limit_fill(asset, order)
        if fill.status == OrderStatus.FILLED:
            fill.message = "half"
        return fill


def test_user_models_override_under_either_spelling(algorithm: FakeAlgorithm) -> None:
    algorithm.security("ALFA").fill_model = _Half()
    assert algorithm.market_order("ALFA", 2).average_fill_price == 50.25
    limit = algorithm.limit_order("ALFA", 2, 100)
    algorithm.bar("ALFA", TEN + MINUTE, (99, 99.5, 98, 99.2))
    assert (limit.average_fill_price, limit.order_events[-1].message) == (99.5, "half")


class _Broken(FillModel):
    def market_fill(self, asset, order):  # type: ignore[no-untyped-def]
        raise ValueError("no fills today")


def test_a_failing_user_model_is_reported_and_leaves_the_order_open(algorithm: FakeAlgorithm) -> None:
    algorithm.security("ALFA").fill_model = _Broken()
    ticket = algorithm.market_order("ALFA", 2)
    assert ticket.status is OrderStatus.SUBMITTED
    assert algorithm.messages == [
        "Order Error: id: 1, Transaction model failed to fill for order type: Market with error: no fills today"
    ]


def test_base_model_stops_fill_at_the_worse_of_stop_and_close(algorithm: FakeAlgorithm) -> None:
    algorithm.security("ALFA").fill_model = FillModel()
    ticket = algorithm.stop_market_order("ALFA", 10, 101)
    algorithm.bar("ALFA", TEN + MINUTE, (100.5, 101.5, 100, 101.3))
    assert ticket.average_fill_price == 101.3
