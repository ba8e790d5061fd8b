"""One symbol's orders: trailing entries, exits that cancel each other, events in any order."""

from __future__ import annotations

import pytest
from order_manager import Execution, OrderManager, cents

from tests.algorithm.fakes import FakeBroker, FakeTicket


def held(broker: FakeBroker, quantity: int = 10) -> OrderManager:
    """A manager with a position protected by target (order 2) and stop (order 3)."""
    orders = OrderManager(broker, "AAA")
    broker.on_fill = orders.on_fill
    orders.enter(quantity, 1_000_000, "entry long")
    assert orders.on_fill(1, quantity, 100.0, True) == Execution("entry", 1_000_000)
    sign = 1 if quantity > 0 else -1
    orders.protect(1_000_000 + sign * 5_000, 1_000_000 - sign * 2_500)
    return orders


def test_an_entry_trails_and_is_withdrawn() -> None:
    broker = FakeBroker()
    orders = OrderManager(broker, "AAA")
    orders.enter(-10, 999_950, "entry short")
    orders.trail_entry(1_001_049)
    (ticket,) = broker.tickets
    assert (ticket.kind, ticket.quantity, ticket.price, ticket.updates) == ("stop", -10, 100.0, [100.1])
    orders.cancel_entry("expired")
    orders.cancel_entry("again")
    assert ticket.cancelled == "expired"
    assert orders.on_ended(1) is None, "its own withdrawal is no news"


def test_prices_are_rounded_to_the_cent() -> None:
    assert [cents(price) for price in (1_234_549, 1_234_551, 10_000)] == [123.45, 123.46, 1.0]


def test_target_and_stop_guard_the_whole_position_and_cancel_each_other() -> None:
    for filled, other in ((2, 3), (3, 2)):
        broker = FakeBroker()
        orders = held(broker)
        target, stop = broker.tickets[1:]
        assert (target.kind, target.quantity, target.price) == ("limit", -10, 100.5)
        assert (stop.kind, stop.quantity, stop.price) == ("stop", -10, 99.75)
        execution = orders.on_fill(filled, -10, 100.5, True)
        assert execution == Execution("target" if filled == 2 else "stop", 1_005_000)
        assert orders.position == 0
        assert broker.tickets[other - 1].cancelled == f"{execution.role} filled"


def test_a_close_at_market_whose_fill_comes_before_its_ticket() -> None:
    broker = FakeBroker()
    orders = held(broker, -10)
    seen: list[Execution | None] = []
    broker.on_fill = lambda *fill: seen.append(orders.on_fill(*fill))
    orders.close("time")
    assert seen == [Execution("time", 1_000_000)]
    assert orders.position == 0
    assert broker.working() == ["entry long"], "the filled entry only"
    orders.close("close")
    assert len(broker.tickets) == 4, "nothing held, nothing sent"


def test_a_close_that_is_not_filled_at_once_is_not_sent_twice() -> None:
    broker = FakeBroker(fill_market_orders=False)
    orders = held(broker)
    orders.close("time")
    orders.close("close")
    assert [ticket.tag for ticket in broker.tickets[3:]] == ["time"]
    assert orders.on_fill(4, -10, 99.0, True) == Execution("time", 990_000)


def test_cancellations_that_arrive_while_an_exit_is_being_sent_are_not_taken_for_it() -> None:
    broker = FakeBroker()
    orders = held(broker)
    seen: list[object] = []

    def late(order_id: int, quantity: float, price: float, complete: bool) -> None:
        seen.extend([orders.on_ended(2), orders.on_ended(3), orders.on_fill(order_id, quantity, price, complete)])

    broker.on_fill = late
    orders.close("loss limit")
    assert seen == [None, None, Execution("loss limit", 1_000_000)]


def test_a_partial_fill_moves_the_position_and_completes_nothing() -> None:
    orders = OrderManager(FakeBroker(), "AAA")
    orders.enter(10, 1_000_000, "entry long")
    assert orders.on_fill(1, 4, 100.0, False) is None
    assert orders.position == 4
    assert orders.on_fill(1, 6, 100.0, True) == Execution("entry", 1_000_000)
    assert orders.position == 10


def test_an_order_refused_before_its_ticket_is_returned_leaves_nothing_behind() -> None:
    broker = FakeBroker()
    orders = OrderManager(broker, "AAA")
    roles: list[str | None] = []
    send = broker._send

    def refuse(kind: str, quantity: int, price: float, tag: str) -> FakeTicket:
        roles.append(orders.on_ended(len(broker.tickets) + 1))
        return send(kind, quantity, price, tag)

    broker._send = refuse  # type: ignore[method-assign]
    orders.enter(10, 1_000_000, "entry long")
    assert roles == ["entry"]
    orders.cancel_entry("nothing there")
    assert broker.tickets[0].cancelled is None


@pytest.mark.parametrize("known", [True, False])
def test_a_fill_of_something_already_withdrawn_is_booked_as_unknown(known: bool) -> None:
    orders = OrderManager(FakeBroker(), "AAA")
    orders.enter(10, 1_000_000, "entry long")
    orders.cancel_entry("vwap lost")
    execution = orders.on_fill(1 if known else 99, 10, 100.0, True)
    assert execution == Execution("unknown", 1_000_000)
    assert orders.position == 10
