"""What brokers accept and set, and what they say when they refuse."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from account_world import NOON, World

from harness.embedded.benchmark import FuncBenchmark
from harness.embedded.enums import AccountType, BrokerageName, OrderType
from harness.embedded.models import (
    AlphaStreamsBrokerageModel,
    CharlesSchwabFeeModel,
    DefaultBrokerageModel,
    DelayedSettlementModel,
    ImmediateSettlementModel,
    InteractiveBrokersBrokerageModel,
    InteractiveBrokersFeeModel,
    create_brokerage_model,
)
from harness.embedded.models.brokerage import brokerage_benchmark, engine_brokerage_model
from harness.embedded.not_supported import NotSupportedError
from harness.embedded.orders import (
    AlpacaOrderProperties,
    InteractiveBrokersOrderProperties,
    LimitOrder,
    MarketOnOpenOrder,
    OrderProperties,
    PublicOrderProperties,
    StopLimitOrder,
    TimeInForce,
    TradeStationOrderProperties,
    WebullOrderProperties,
)
from harness.embedded.securities import (
    BrokerageModelSecurityInitializer,
    CompositeSecurityInitializer,
    FuncSecurityInitializer,
    FuncSecuritySeeder,
    security_initializer_of,
)


def _order(world: World, kind: str, quantity: int = 10) -> Any:
    symbol = world["SPY"].symbol
    if kind == "limit":
        return LimitOrder(symbol, Decimal(quantity), Decimal(5), NOON)
    if kind == "stop_limit":
        return StopLimitOrder(symbol, Decimal(quantity), Decimal(5), Decimal(5), NOON)
    if kind == "open":
        return MarketOnOpenOrder(symbol, Decimal(quantity), NOON)
    return world.order("SPY", quantity)


def _says(brokerage: BrokerageName, order: str, quantity: int = 10, local: datetime | None = None) -> str | None:
    world = World()
    world.price("SPY", "100")
    if local is not None:
        world.at(local)
    accepted, message = create_brokerage_model(brokerage)._can_submit_order(
        world["SPY"], _order(world, order, quantity)
    )
    assert accepted is (message is None)
    return None if message is None else str(message)


def test_default_takes_everything() -> None:
    for kind in ("market", "limit", "stop_limit", "open"):
        assert _says(BrokerageName.DEFAULT, kind) is None


def test_refused_order_types_are_listed() -> None:
    assert _says(BrokerageName.AXOS, "stop_limit") == (
        "Warning - Code: NotSupported - The AxosClearingBrokerageModel does not support StopLimit order type. "
        "Only supports [Limit,Market,MarketOnClose]"
    )
    assert _says(BrokerageName.RBI, "open") == (
        "Warning - Code: NotSupported - MarketOnOpen order is not supported by RBI. Currently, only Market Order, "
        "Limit Order, StopMarket Order and StopLimit Order are supported."
    )
    assert _says(BrokerageName.TRADING_TECHNOLOGIES, "market") == (
        "Warning - Code: NotSupported - The TradingTechnologiesBrokerageModel does not support Equity security type."
    )


def test_interactive_brokers_market_on_open_window() -> None:
    broker = BrokerageName.INTERACTIVE_BROKERS_BROKERAGE
    assert _says(broker, "open", local=datetime(2025, 10, 6, 17)) is None
    assert _says(broker, "open", local=datetime(2025, 10, 6, 9, 27)) is None
    assert _says(broker, "open", local=datetime(2025, 10, 6, 9, 28)) == (
        "Warning - Code: NotSupported - MarketOnOpen submission time is invalid. "
        "Valid local times are  04:00\u2013 09:28."
        " Consider setting daily_precise_end_time = false or using self.schedule.on."
    )
    assert _says(broker, "open", local=datetime(2025, 10, 4, 12)) is None  # no session on a Saturday


def test_interactive_brokers_fix_refuses_good_til_date() -> None:
    world = World()
    properties = OrderProperties()
    properties.time_in_force = TimeInForce.good_til_date(datetime(2025, 11, 1))
    order = LimitOrder(world["SPY"].symbol, Decimal(1), Decimal(5), NOON, "", properties)
    assert InteractiveBrokersBrokerageModel()._can_submit_order(world["SPY"], order) == (True, None)
    _, message = create_brokerage_model(BrokerageName.INTERACTIVE_BROKERS_FIX)._can_submit_order(world["SPY"], order)
    assert message is not None
    assert message.message == ("The InteractiveBrokersFixModel does not support GoodTilDateTimeInForce time in force.")


def test_crossing_zero_at_the_open_is_refused_by_some() -> None:
    world = World()
    world.price("SPY", "100")
    world.fill("SPY", 5, "100")
    world.at(datetime(2025, 10, 6, 20))
    order = _order(world, "open", -10)
    accepted, message = create_brokerage_model(BrokerageName.ALPACA)._can_submit_order(world["SPY"], order)
    assert not accepted
    assert message is not None
    assert message.message.startswith(
        "Order type 'MarketOnOpen' is not supported for orders that cross the zero holdings threshold in the "
        "AlpacaBrokerageModel."
    )


def test_tradier_short_sales() -> None:
    assert _says(BrokerageName.TRADIER_BROKERAGE, "limit", -1) == (
        "Warning - Code: ShortOrderIsGtc - You cannot place short stock orders with GTC, only day orders are allowed"
    )
    assert _says(BrokerageName.TRADIER_BROKERAGE, "limit", 1) is None


def test_updates() -> None:
    world = World()
    order = _order(world, "limit")
    refused, message = create_brokerage_model(BrokerageName.WOLVERINE)._can_update_order(world["SPY"], order, None)  # type: ignore[arg-type]
    assert not refused
    assert str(message) == (
        "Warning - Code: 0 - Brokerage does not support update. You must cancel and re-create instead."
    )


def test_models_of_cash_and_margin_accounts() -> None:
    world = World()
    spy = world["SPY"]
    BrokerageModelSecurityInitializer(create_brokerage_model(BrokerageName.DEFAULT, AccountType.CASH)).initialize(spy)
    assert spy.leverage == 1.0
    assert isinstance(spy.settlement_model, DelayedSettlementModel)
    assert isinstance(spy.fee_model, InteractiveBrokersFeeModel)
    BrokerageModelSecurityInitializer(create_brokerage_model(BrokerageName.CHARLES_SCHWAB)).initialize(spy)
    assert spy.leverage == 2.0
    assert isinstance(spy.settlement_model, ImmediateSettlementModel)
    assert isinstance(spy.fee_model, CharlesSchwabFeeModel)


def test_benchmarks_and_brokers_outside_stocks() -> None:
    securities = World().securities
    assert brokerage_benchmark(DefaultBrokerageModel(), securities) == "SPY"
    flat = brokerage_benchmark(InteractiveBrokersBrokerageModel(), securities)
    assert isinstance(flat, FuncBenchmark)
    assert flat.evaluate(NOON) == 0.0
    with pytest.raises(NotSupportedError, match="BITFINEX is not covered"):
        create_brokerage_model(BrokerageName.BITFINEX)
    with pytest.raises(ValueError, match="does not currently support Cash trading"):
        AlphaStreamsBrokerageModel(AccountType.CASH)


def test_user_brokerage_model() -> None:
    class Mine(DefaultBrokerageModel):
        def get_leverage(self, security: Any) -> float:
            return 3

        def CanSubmitOrder(self, security: Any, order: Any, message: Any) -> tuple[bool, Any]:  # noqa: N802
            return order.type == OrderType.LIMIT, None

        def get_benchmark(self, securities: Any) -> FuncBenchmark:
            return FuncBenchmark(lambda time: 7)

    world = World()
    own = brokerage_benchmark(Mine(), world.securities)
    assert isinstance(own, FuncBenchmark)
    assert own.evaluate(NOON) == 7.0
    model = engine_brokerage_model(Mine())
    assert model._can_submit_order(world["SPY"], _order(world, "limit")) == (True, None)
    assert model._can_submit_order(world["SPY"], _order(world, "market")) == (False, None)
    BrokerageModelSecurityInitializer(Mine()).initialize(world["SPY"])
    assert world["SPY"].leverage == pytest.approx(3)


class _Ticket:
    def __init__(self, order: Any) -> None:
        self.order_type = order.type
        self._order = order
        self._quantity = order._quantity
        self.fields: Any = None

    def _get(self, field: Any) -> Decimal:
        value: Decimal = getattr(self._order, f"_{field.name.lower()}")
        return value

    def update(self, fields: Any) -> None:
        self.fields = fields


def test_split_scales_open_orders() -> None:
    from types import SimpleNamespace

    world = World()
    ticket: Any = _Ticket(StopLimitOrder(world["SPY"].symbol, Decimal(-31), Decimal("10.01"), Decimal("9.99"), NOON))
    DefaultBrokerageModel()._apply_split([ticket], SimpleNamespace(_split_factor=Decimal("0.5")))
    assert (ticket.fields._quantity, ticket.fields._stop_price, ticket.fields._limit_price) == (
        Decimal(-62),
        Decimal("5.005"),
        Decimal("4.995"),
    )


def test_initializers() -> None:
    world = World()
    seen: list[str] = []

    class Object:
        def Initialize(self, security: Any) -> None:  # noqa: N802
            seen.append(f"object {security.symbol.value}")

    both = CompositeSecurityInitializer(FuncSecurityInitializer(lambda s: seen.append("function")))
    both.add_security_initializer(security_initializer_of(Object()))
    both.initialize(world["SPY"])
    security_initializer_of(lambda security: seen.append("plain")).initialize(world["SPY"])
    assert seen == ["function", "object SPY", "plain"]
    with pytest.raises(NotImplementedError, match="ISecurityInitializer must be fully implemented"):
        security_initializer_of(object())


def test_seeder_sets_the_price() -> None:
    from harness.embedded.data import TradeBar

    world = World()
    bar = TradeBar(datetime(2025, 10, 3), world["SPY"].symbol, 1, 3, 1, 2, 10, timedelta(days=1))
    assert FuncSecuritySeeder(lambda security: bar).seed_security(world["SPY"])
    assert world["SPY"].price == 2.0
    assert not FuncSecuritySeeder(lambda security: []).seed_security(world["SPY"])
    assert not FuncSecuritySeeder(lambda security: None).seed_security(world["SPY"])


@pytest.mark.parametrize(
    ("brokerage", "own", "text"),
    [
        (BrokerageName.ALPACA, AlpacaOrderProperties, "does not support Market orders with"),
        (BrokerageName.TRADE_STATION, TradeStationOrderProperties, "outside regular trading hours"),
        (BrokerageName.WEBULL, WebullOrderProperties, "not supported outside regular trading hours"),
        (BrokerageName.PUBLIC, PublicOrderProperties, "must be of type 'Limit'"),
    ],
)
def test_extended_hours_count_in_the_brokers_own_properties(brokerage: BrokerageName, own: Any, text: str) -> None:
    """``order.Properties as …OrderProperties``: those of another broker say nothing."""
    world = World()
    world.price("SPY", "100")
    model = create_brokerage_model(brokerage)
    order = _order(world, "market")
    order.properties = InteractiveBrokersOrderProperties()
    order.properties.outside_regular_trading_hours = True
    assert model._can_submit_order(world["SPY"], order)[0]
    order.properties = own()
    order.properties.outside_regular_trading_hours = True
    accepted, message = model._can_submit_order(world["SPY"], order)
    assert not accepted
    assert text in str(message)


@pytest.mark.parametrize(
    ("account", "chosen", "used"),
    [
        (AccountType.MARGIN, None, True),
        (AccountType.MARGIN, False, False),
        (AccountType.CASH, True, False),
    ],
)
def test_public_decides_on_margin(account: AccountType, chosen: bool | None, used: bool) -> None:
    """``PublicBrokerageModel.CanSubmitOrder`` writes it into the order's properties."""
    world = World()
    order = _order(world, "market")
    order.properties = PublicOrderProperties()
    order.properties.use_margin = chosen
    assert create_brokerage_model(BrokerageName.PUBLIC, account)._can_submit_order(world["SPY"], order)[0]
    assert order.properties.use_margin is used
