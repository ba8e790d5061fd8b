"""Margin, order sizes and margin calls, by figures that Lean recorded or that are computed by hand."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from account_world import World

from harness.embedded.models import (
    BuyingPowerModel,
    CashBuyingPowerModel,
    ConstantBuyingPowerModel,
    GetMaximumOrderQuantityForTargetBuyingPowerParameters,
    GetMaximumOrderQuantityResult,
    HasSufficientBuyingPowerForOrderResult,
    MaintenanceMargin,
    MarginCallModel,
    PatternDayTradingMarginModel,
    SecurityMarginModel,
)
from harness.embedded.portfolio_target import PortfolioTarget


@pytest.fixture(autouse=True)
def _fresh_warning() -> None:
    PortfolioTarget.minimum_order_margin_percentage_warning_sent = None


def _percent(world: World, ticker: str, share: float) -> PortfolioTarget | None:
    return PortfolioTarget.percent(world.algorithm(), world[ticker].symbol, share, True)


def test_margin_of_a_position_is_half_its_value() -> None:
    world = World()
    world.fill("SPY", 100, "100")
    world.price("SPY", "110")
    assert world.portfolio.total_margin_used == 5_500.0
    assert world.portfolio.margin_remaining == 101_000.0 - 5_500.0
    assert world["SPY"].leverage == 2.0


def test_order_size_leaves_buffer_and_fee() -> None:
    world = World()
    world.price("SPY", "99.5")
    # 100000 less 0.25 % is 99750: 1002 shares are 99699, 1003 would be 99798.5.
    target = _percent(world, "SPY", 1.0)
    assert target is not None
    assert target.quantity == 1002.0
    short = _percent(world, "SPY", -1.0)
    assert short is not None
    assert short.quantity == -1002.0


def test_order_size_shrinks_when_the_fee_does_not_fit() -> None:
    world = World(cash=10_000)
    world.settings.free_portfolio_value_percentage = 0
    world.price("SPY", "100")
    target = _percent(world, "SPY", 1.0)
    assert target is not None
    assert target.quantity == 99.0


def test_order_size_from_a_held_position_and_to_nothing() -> None:
    world = World()
    world.price("SPY", "100")
    world.fill("SPY", 300, "100")
    up = _percent(world, "SPY", 0.5)
    assert up is not None
    assert up.quantity == 198.0
    out = _percent(world, "SPY", 0.0)
    assert out is not None
    assert out.quantity == -300.0


def test_small_changes_are_left_out_and_said_once() -> None:
    world = World()
    world.price("SPY", "100")
    world.fill("SPY", 300, "100")
    for _ in range(2):
        target = _percent(world, "SPY", 0.301)
        assert target is not None
        assert target.quantity == 0.0
    assert world.messages == [
        "Warning: Portfolio rebalance result ignored as it resulted in a single share trade recommendation which can "
        "generate high fees. To disable minimum order size checks please set "
        "self.settings.minimum_order_margin_portfolio_percentage = 0."
    ]


def test_share_out_of_range_and_missing_price_are_errors() -> None:
    world = World()
    assert _percent(world, "SPY", 0.5) is None
    assert world.messages[0].endswith("make sure you've set the 'Value' property.")
    world.price("SPY", "100")
    world.settings.max_absolute_portfolio_target_percentage = 1.5
    assert _percent(world, "SPY", 2.0) is None
    # with the flag given, a float reaches the overload for ``decimal``, which reads its text
    assert world.messages[1] == (
        "The portfolio target percent: 2.0, does not comply with the current "
        "'self.settings.max_absolute_portfolio_target_percentage': 1.5 or "
        "'self.settings.min_absolute_portfolio_target_percentage': 0.0000000001. Skipping"
    )


def test_refusal_says_what_lean_says() -> None:
    # Recorded in ib_brokerage on 2025-09-29: "Initial Margin: 43866.415, Free Margin: 11451.28."
    world = World(cash=20_000)
    world.price("SPY", "100")
    order = world.order("SPY", 500, order_id=7)
    result = world.portfolio.has_sufficient_buying_power_for_order([order])
    assert not result.is_sufficient
    assert result.reason == "Id: 7, Initial Margin: 25002.5, Free Margin: 20000"
    assert world.portfolio.has_sufficient_buying_power_for_order([world.order("SPY", 399)]).is_sufficient


def test_reducing_is_always_allowed_and_reversing_frees_margin() -> None:
    world = World(cash=10_000)
    world.price("SPY", "100")
    world.fill("SPY", 190, "100", "1")
    assert world.portfolio.has_sufficient_buying_power_for_order([world.order("SPY", -190)]).is_sufficient
    # Free: 9999 - 9500 + 9500 + 9500 = 19499; selling 389 takes 19450 + 1.945.
    assert world.portfolio.has_sufficient_buying_power_for_order([world.order("SPY", -389)]).is_sufficient
    assert not world.portfolio.has_sufficient_buying_power_for_order([world.order("SPY", -390)]).is_sufficient


def test_partly_filled_order_needs_the_rest_only() -> None:
    world = World(cash=10_000)
    world.price("SPY", "100")
    order = world.order("SPY", 300)
    assert not world.portfolio.has_sufficient_buying_power_for_order([order]).is_sufficient
    world.transactions.tickets[order.id]._quantity_filled = Decimal(150)
    assert world.portfolio.has_sufficient_buying_power_for_order([order]).is_sufficient


def test_order_without_ticket_is_refused() -> None:
    world = World()
    world.price("SPY", "100")
    order = world.order("SPY", 1, order_id=3)
    world.transactions.tickets.clear()
    assert world.portfolio.has_sufficient_buying_power_for_order([order]).reason == "Null order ticket for id: 3"


def test_warning_then_call() -> None:
    world = World(cash=10_000)
    world["SPY"].set_leverage(4)
    world.price("SPY", "100")
    world.fill("SPY", 390, "100", "0")
    model = world.portfolio._margin_call_model
    assert model._get_margin_call_orders() == ([], True)
    world.price("SPY", "80")
    # Worth 2200, margin used 7800: 5600 too much; at 20 a share of margin that is 280 shares, and the target of
    # 2200 of margin is missed by the fee of one share more.
    requests, warn = model._get_margin_call_orders()
    assert warn
    assert [(r.symbol.value, r._quantity, r.tag) for r in requests] == [("SPY", Decimal(-281), "Margin Call")]


def test_no_margin_calls_without_positions_or_with_the_null_model() -> None:
    world = World()
    assert world.portfolio._margin_call_model._get_margin_call_orders() == ([], False)
    world.portfolio.set_margin_call_model(MarginCallModel.NULL)
    world.fill("SPY", 100_000, "100")
    world.price("SPY", "1")
    assert world.portfolio._margin_call_model._get_margin_call_orders() == ([], False)


def test_user_margin_call_model() -> None:
    class Mine:
        def GetMarginCallOrders(self, warn: bool) -> tuple[list[Any], bool]:  # noqa: N802
            return [], True

        def execute_margin_call(self, requests: list[Any]) -> list[Any]:
            return requests

    world = World()
    world.portfolio.set_margin_call_model(Mine())
    assert world.portfolio._margin_call_model._get_margin_call_orders() == ([], True)


def test_pattern_day_trading_model_halves_leverage_near_the_close() -> None:
    world = World()
    world["SPY"].set_buying_power_model(PatternDayTradingMarginModel())
    world.fill("SPY", 100, "100")
    world.price("SPY", "100")
    world.at(datetime(2025, 10, 6, 12))
    assert (world["SPY"].leverage, world.portfolio.total_margin_used) == (4.0, 2_500.0)
    world.at(datetime(2025, 10, 6, 15, 50))
    assert (world["SPY"].leverage, world.portfolio.total_margin_used) == (2.0, 5_000.0)


def test_other_models() -> None:
    world = World()
    world.price("SPY", "100")
    spy = world["SPY"]
    spy.set_buying_power_model(ConstantBuyingPowerModel(7))
    world.fill("SPY", 10, "100")
    assert world.portfolio.total_margin_used == 70.0
    spy.set_buying_power_model(BuyingPowerModel.NULL)
    assert world.portfolio.total_margin_used == 0.0
    assert world.portfolio.has_sufficient_buying_power_for_order([world.order("SPY", 10**6)]).is_sufficient
    spy.set_buying_power_model(CashBuyingPowerModel())
    reason = world.portfolio.has_sufficient_buying_power_for_order([world.order("SPY", 1)]).reason
    assert reason.startswith("The 'SPY' security is not supported by this cash model.")
    with pytest.raises(RuntimeError, match="Cash accounts have no leverage"):
        spy.set_leverage(2)
    with pytest.raises(ValueError, match=r"Leverage must be greater than or equal to 1\."):
        SecurityMarginModel(Decimal("0.5"))
    with pytest.raises(ValueError, match="Initial margin requirement must be between 0 and 1"):
        BuyingPowerModel(2, 0, 0)


class LotsOfHundred(BuyingPowerModel):
    """As in Lean's own example of a custom buying power model."""

    def get_maximum_order_quantity_for_target_buying_power(
        self, parameters: GetMaximumOrderQuantityForTargetBuyingPowerParameters
    ) -> GetMaximumOrderQuantityResult:
        quantity = super().get_maximum_order_quantity_for_target_buying_power(parameters).quantity
        return GetMaximumOrderQuantityResult(quantity // 100 * 100)

    def has_sufficient_buying_power_for_order(self, parameters: Any) -> HasSufficientBuyingPowerForOrderResult:
        return HasSufficientBuyingPowerForOrderResult(True)

    def GetMaintenanceMargin(self, parameters: Any) -> MaintenanceMargin:  # noqa: N802
        return MaintenanceMargin(0)


def test_user_buying_power_model_overrides_in_both_spellings() -> None:
    world = World()
    world["SPY"].set_buying_power_model(LotsOfHundred(1))
    world.price("SPY", "99.5")
    target = _percent(world, "SPY", 1.0)
    assert target is not None
    assert target.quantity == 1000.0
    assert world.portfolio.has_sufficient_buying_power_for_order([world.order("SPY", 10**6)]).is_sufficient
    world.fill("SPY", 100, "99.5")
    assert world.portfolio.total_margin_used == 0.0
    # What a subclass inherits does not come back to its overrides, as in Lean.
    assert world["SPY"].buying_power_model.get_reserved_buying_power_for_position(world["SPY"]) == 9950.0


def test_plain_class_must_be_complete() -> None:
    class Half:
        def get_leverage(self, security: Any) -> float:
            return 1.0

    with pytest.raises(NotImplementedError, match=r"IBuyingPowerModel must be fully implemented.*on Half: SetLeverage"):
        World()["SPY"].set_buying_power_model(Half())
