"""Caps and the daily loss limit."""

from __future__ import annotations

from parameters import Parameters
from risk_manager import RiskManager


def risk(**changes: int | float) -> RiskManager:
    manager = RiskManager(Parameters(**changes))  # type: ignore[arg-type]
    manager.start_session(1_000_000.0)
    return manager


def test_each_cap_rejects_with_its_reason() -> None:
    manager = risk(max_positions=2, max_symbol_trades=1, max_symbol_dollars=50_000)
    assert manager.approve_entry("A", 500, 100.0) is None
    assert manager.approve_entry("B", 501, 100.0) == "symbol size"
    assert manager.approve_entry("B", 0, 100.0) == "no size"
    assert manager.approve_entry("B", 10, 100.0) is None
    assert manager.approve_entry("C", 10, 100.0) == "positions"
    manager.entered("B")
    manager.release("B")
    assert manager.approve_entry("B", 10, 100.0) == "symbol trades"
    assert manager.approve_entry("C", 10, 100.0) is None
    assert manager.rejections == {"symbol size": 1, "no size": 1, "positions": 1, "symbol trades": 1}


def test_the_loss_limit_stops_the_day_once_and_the_next_day_starts_afresh() -> None:
    manager = risk(daily_loss_limit_bp=45.0)
    assert not manager.check_loss(995_501.0)
    assert manager.check_loss(995_500.0)
    assert not manager.check_loss(990_000.0)
    assert manager.approve_entry("A", 1, 1.0) == "day stopped"
    assert manager.stopped_days == 1
    manager.start_session(990_000.0)
    assert not manager.stopped
    assert manager.approve_entry("A", 1, 1.0) is None
    assert manager.check_loss(985_000.0)
    assert manager.stopped_days == 2


def test_a_limit_of_zero_stops_at_the_first_loss_only() -> None:
    manager = risk(daily_loss_limit_bp=0.0)
    assert not manager.check_loss(1_000_000.0)
    assert manager.check_loss(999_999.99)


def test_a_new_day_forgets_trades_and_places() -> None:
    manager = risk(max_positions=1, max_symbol_trades=1)
    assert manager.approve_entry("A", 1, 1.0) is None
    manager.entered("A")
    manager.start_session(1_000_000.0)
    assert manager.approve_entry("A", 1, 1.0) is None
