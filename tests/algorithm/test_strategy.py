"""The state machine: when it arms, trails, gives up, holds and leaves."""

from __future__ import annotations

from typing import Any

import pytest
from strategy import State

from tests.algorithm.fakes import SHORT_SETUP, Desk, FakeBroker, metrics


def test_a_long_setup_sends_a_stop_entry_beyond_the_bar() -> None:
    desk = Desk(risk_per_trade_dollars=400, stop_share=0.25)
    desk.strategy.on_bar(metrics())
    (ticket,) = desk.broker.tickets
    assert desk.strategy.state is State.ARMED
    # 400 dollars at risk over a stop of a quarter of 2 dollars; the bar's high and two cents.
    assert (ticket.kind, ticket.quantity, ticket.price, ticket.tag) == ("stop", 800, 101.12, "entry long")


def test_a_short_setup_mirrors_it() -> None:
    desk = Desk()
    desk.strategy.on_bar(metrics(**SHORT_SETUP))
    (ticket,) = desk.broker.tickets
    assert (ticket.kind, ticket.quantity, ticket.price, ticket.tag) == ("stop", -800, 98.88, "entry short")


@pytest.mark.parametrize(
    "broken",
    [
        {"drop": 1_999},
        {"vwap": 1_010_000.0},
        {"mean_close": 1_010_000.0},
        {"gap_bp": 301.0},
        {"gap_bp": -301.0},
        {"recent_mean_volume": 699_999.0},
        {"session_volume": 29_999},
        {"window_volume": 9_000},
        {"session_high": 1_005_000},
        {"session_high": 1_033_000},
        {"mean_bar_range": 5_000.0},
        {"mean_range": 0.0},
    ],
    ids=str,
)
def test_every_entry_condition_is_needed(broken: dict[str, Any]) -> None:
    desk = Desk()
    desk.strategy.on_bar(metrics(**broken))
    assert desk.broker.tickets == []
    assert desk.strategy.state is State.SCANNING


def test_no_entry_before_entries_are_allowed_nor_on_a_stopped_day() -> None:
    desk = Desk()
    desk.strategy.start_session()
    desk.strategy.on_bar(metrics())
    desk.risk.check_loss(0.0)
    desk.strategy.allow_entries()
    desk.strategy.on_bar(metrics())
    assert desk.broker.tickets == []


def test_the_entry_follows_the_price_down_but_never_up() -> None:
    desk = Desk(trail_step_cents=2)
    desk.strategy.on_bar(metrics())
    for high in (1_012_000, 1_010_850, 1_010_500, 1_010_600, 1_010_200):
        desk.strategy.on_bar(metrics(high=high, close=1_009_000))
    # 2 cents are 200: 1 010 850 is too little, the others that moved by a step or more count.
    assert desk.broker.tickets[0].updates == [101.07, 101.04]


def test_a_short_entry_follows_the_price_up() -> None:
    desk = Desk()
    desk.strategy.on_bar(metrics(**SHORT_SETUP))
    desk.strategy.on_bar(metrics(**{**SHORT_SETUP, "low": 990_000}))
    assert desk.broker.tickets[0].updates == [98.98]


def test_a_lost_setup_is_withdrawn_and_cools_down() -> None:
    desk = Desk(cooldown_bars=3)
    desk.strategy.on_bar(metrics())
    desk.strategy.on_bar(metrics(close=1_005_000))
    assert desk.broker.tickets[0].cancelled == "vwap lost"
    for _ in range(3):
        assert desk.strategy.state is State.COOLING
        desk.strategy.on_bar(metrics())
    assert desk.strategy.state is State.SCANNING
    desk.strategy.on_bar(metrics())
    assert len(desk.broker.tickets) == 2


def test_an_entry_that_is_not_reached_expires() -> None:
    desk = Desk(max_armed_bars=4)
    desk.strategy.on_bar(metrics())
    for _ in range(3):
        desk.strategy.on_bar(metrics())
    assert desk.broker.tickets[0].cancelled is None
    desk.strategy.on_bar(metrics())
    assert desk.broker.tickets[0].cancelled == "expired"


def test_a_rejected_entry_is_logged_and_cools_down() -> None:
    desk = Desk(max_symbol_dollars=50_000)
    desk.strategy.on_bar(metrics())
    assert desk.broker.tickets == []
    assert desk.broker.logged == ["RISK rejected entry of 800 AAA: symbol size"]
    assert desk.strategy.state is State.COOLING


@pytest.mark.parametrize(
    ("setup", "entry", "target", "stop"), [({}, 101.12, 101.72, 100.62), (SHORT_SETUP, 98.88, 98.28, 99.38)]
)
def test_a_filled_entry_is_protected_by_shares_of_the_daily_range(
    setup: dict[str, Any], entry: float, target: float, stop: float
) -> None:
    desk = Desk(target_share=0.3, stop_share=0.25)
    desk.strategy.on_bar(metrics(**setup))
    desk.fill_last(entry)
    assert desk.strategy.state is State.HOLDING
    assert [(t.tag, t.price) for t in desk.broker.tickets[1:]] == [("target", target), ("stop", stop)]


@pytest.mark.parametrize(("order", "kind"), [(2, "target"), (3, "stop")])
def test_an_exit_makes_room_again_and_is_counted(order: int, kind: str) -> None:
    desk = Desk(max_positions=1)
    desk.strategy.on_bar(metrics())
    desk.fill_last(101.12)
    assert desk.risk.approve_entry("BBB", 1, 1.0) == "positions"
    desk.fill(order, -800, 100.0)
    assert desk.exits == {kind: 1}
    assert desk.strategy.state is State.COOLING
    assert desk.risk.approve_entry("BBB", 1, 1.0) is None


def test_a_position_is_left_when_its_time_is_up() -> None:
    desk = Desk(max_hold_bars=5)
    desk.strategy.on_bar(metrics())
    desk.fill_last(101.12)
    for _ in range(5):
        assert desk.orders.position == 800
        desk.strategy.on_bar(metrics())
    assert desk.orders.position == 0
    assert desk.exits == {"time": 1}
    assert desk.broker.working() == ["entry long"]


def test_the_last_entry_time_withdraws_entries_and_keeps_positions() -> None:
    armed, holding = Desk(), Desk()
    armed.strategy.on_bar(metrics())
    armed.strategy.end_entries()
    assert armed.broker.tickets[0].cancelled == "last entry"
    holding.strategy.on_bar(metrics())
    holding.fill_last(101.12)
    holding.strategy.end_entries()
    assert holding.strategy.state is State.HOLDING
    assert holding.orders.position == 800


def test_flat_before_the_close() -> None:
    desk = Desk()
    desk.strategy.on_bar(metrics())
    desk.fill_last(101.12)
    desk.strategy.flatten("close")
    assert (desk.orders.position, desk.exits) == (0, {"close": 1})
    for _ in range(100):
        desk.strategy.on_bar(metrics())
    assert len(desk.broker.tickets) == 4


def test_target_and_stop_filled_in_one_bar_leave_no_position() -> None:
    desk = Desk()
    desk.strategy.on_bar(metrics())
    desk.fill_last(101.12)
    desk.fill(2, -800, 101.72)
    desk.fill(3, -800, 100.62)
    assert desk.orders.position == 0
    assert desk.exits == {"target": 1, "unknown": 1, "surplus": 1}


def test_an_entry_filled_while_its_cancellation_is_under_way_is_sold_again() -> None:
    desk = Desk()
    desk.strategy.on_bar(metrics())
    desk.strategy.on_bar(metrics(close=1_005_000))
    desk.fill(1, 800, 101.12)
    assert desk.orders.position == 0
    assert desk.exits == {"unknown": 1, "surplus": 1}


def test_a_refused_entry_makes_room_again() -> None:
    desk = Desk(max_positions=1)
    desk.strategy.on_bar(metrics())
    desk.strategy.on_order_ended(desk.orders.on_ended(1) or "")
    assert desk.strategy.state is State.COOLING
    assert desk.risk.approve_entry("BBB", 1, 1.0) is None
    assert desk.broker.logged == ["ORDER of AAA ended unfilled: entry"]


def test_a_position_whose_stop_was_refused_is_not_kept_unprotected() -> None:
    desk = Desk()
    desk.strategy.on_bar(metrics())
    desk.fill_last(101.12)
    desk.strategy.on_order_ended(desk.orders.on_ended(3) or "")
    assert desk.orders.position == 0


def test_a_market_exit_that_waits_is_not_repeated_by_the_next_bar() -> None:
    desk = Desk(FakeBroker(fill_market_orders=False), max_hold_bars=2)
    desk.strategy.on_bar(metrics())
    desk.fill_last(101.12)
    for _ in range(10):
        desk.strategy.on_bar(metrics())
    assert [ticket.kind for ticket in desk.broker.tickets].count("market") == 1
