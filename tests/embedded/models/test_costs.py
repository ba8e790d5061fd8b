"""Fees, slippage, volatility and settlement models by hand-computed figures."""

from __future__ import annotations

import itertools
import statistics
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from account_world import World

from harness.embedded.data import TradeBar
from harness.embedded.models import (
    AxosFeeModel,
    CharlesSchwabFeeModel,
    ConstantFeeModel,
    ConstantSlippageModel,
    ExanteFeeModel,
    FeeModel,
    IndicatorVolatilityModel,
    InteractiveBrokersFeeModel,
    LocalDiskShortableProvider,
    NullSlippageModel,
    PublicFeeModel,
    RBIFeeModel,
    RelativeStandardDeviationVolatilityModel,
    ShortMarginInterestRateModel,
    StandardDeviationOfReturnsVolatilityModel,
    TradeStationFeeModel,
    VolumeShareSlippageModel,
)
from harness.embedded.models.shortable import set_data_folder
from harness.embedded.not_supported import NotSupportedError
from harness.embedded.orders import CashAmount, OrderFee, OrderFeeParameters
from harness.embedded.securities.initializers import FuncSecuritySeeder


def _fee(model: Any, quantity: int, price: str = "100") -> tuple[Decimal, str]:
    world = World()
    world.price("SPY", price)
    world["SPY"].set_fee_model(model)
    parameters = OrderFeeParameters(world["SPY"], world.order("SPY", quantity))
    fee = world["SPY"]._fee_model._get_order_fee(parameters).value
    return fee._amount, fee.currency


@pytest.mark.parametrize(
    ("quantity", "price", "fee"),
    [
        (10, "100", "1"),  # the minimum
        (-1000, "100", "5"),
        (1000, "0.5", "2.5"),  # 0.5 % of 500 USD
        (3, "0.5", "1"),  # the minimum comes before the maximum
        (333, "100", "1.665"),
    ],
)
def test_interactive_brokers(quantity: int, price: str, fee: str) -> None:
    assert _fee(InteractiveBrokersFeeModel(), quantity, price) == (Decimal(fee), "USD")
    world = World()
    world.price("SPY", price)
    assert world["SPY"]._market_order_fee(Decimal(quantity)) == Decimal(fee)


def test_other_brokers() -> None:
    assert _fee(ConstantFeeModel(-1.5), 10) == (Decimal("1.5"), "USD")
    assert _fee(AxosFeeModel(), 1000) == (Decimal("3.5"), "USD")
    assert _fee(ExanteFeeModel(), 100) == (Decimal("2"), "USD")
    assert _fee(CharlesSchwabFeeModel(), 100) == (Decimal(0), "QCC")
    assert _fee(TradeStationFeeModel(), 100) == (Decimal(0), "USD")
    assert _fee(TradeStationFeeModel(False), 100) == (Decimal(5), "USD")
    assert _fee(PublicFeeModel(), 100) == (Decimal(0), "USD")


def test_hidden_methods_are_free_through_the_engine_only() -> None:
    assert _fee(RBIFeeModel(), 100) == (Decimal(0), "USD")
    world = World()
    parameters = OrderFeeParameters(world["SPY"], world.order("SPY", 100))
    assert RBIFeeModel().get_order_fee(parameters).value.amount == 0.5


def test_user_fee_models_of_both_signatures_and_spellings() -> None:
    class Penny(FeeModel):
        def get_order_fee(self, parameters: Any) -> OrderFee:
            return OrderFee(CashAmount(0.02 * parameters.order.absolute_quantity, "USD"))

    class Old:
        def GetOrderFee(self, security: Any, order: Any) -> float:  # noqa: N802
            return 0.25

    assert _fee(Penny(), -15) == (Decimal("0.3"), "USD")
    assert _fee(Old(), 15) == (Decimal("0.25"), "USD")


def test_slippage() -> None:
    world = World()
    spy = world["SPY"]
    order = world.order("SPY", 100)
    assert ConstantSlippageModel(0.001)._get_slippage_approximation(spy, order) == 0
    world.price("SPY", "250", volume=10_000)
    assert ConstantSlippageModel(0.001)._get_slippage_approximation(spy, order) == Decimal("0.25")
    # 1 % of the volume: 0.01 squared times 0.1 times the price.
    assert VolumeShareSlippageModel()._get_slippage_approximation(spy, order) == Decimal("0.0025")
    # At most 2.5 %.
    big = world.order("SPY", 5_000)
    assert VolumeShareSlippageModel()._get_slippage_approximation(spy, big) == Decimal("0.015625")
    assert NullSlippageModel.INSTANCE.get_slippage_approximation(spy, order) == 0.0

    class Tick:
        def get_slippage_approximation(self, asset: Any, order: Any) -> float:
            return 0.03

    spy.set_slippage_model(Tick())
    assert spy._slippage_model._get_slippage_approximation(spy, order) == Decimal("0.03")
    assert isinstance(spy.slippage_model, Tick)


def test_market_impact_slippage_is_not_covered() -> None:
    from harness.embedded.models import MarketImpactSlippageModel

    with pytest.raises(NotSupportedError, match="MarketImpactSlippageModel is not covered"):
        MarketImpactSlippageModel(None)


def _bars(world: World, *prices: float) -> list[TradeBar]:
    symbol = world["SPY"].symbol
    return [
        TradeBar(datetime(2025, 10, day), symbol, price, price, price, price, 1, timedelta(days=1))
        for day, price in enumerate(prices, start=1)
    ]


def test_volatility() -> None:
    world = World()
    spy = world["SPY"]
    prices = (100.0, 102.0, 101.0, 105.0)
    returns = [b / a - 1 for a, b in itertools.pairwise(prices)]
    absolute = StandardDeviationOfReturnsVolatilityModel(3)
    for bar in _bars(world, *prices):
        absolute._update(spy, bar)
    assert absolute.volatility == pytest.approx(statistics.stdev(returns) * 252**0.5, rel=1e-13)
    relative = RelativeStandardDeviationVolatilityModel(timedelta(days=1), 3)
    for bar in _bars(world, *prices):
        relative._update(spy, bar)
    expected = statistics.stdev(prices[1:]) / statistics.mean(prices[1:])
    assert relative.volatility == pytest.approx(expected, rel=1e-13)
    with pytest.raises(ValueError, match="greater than or equal to 2"):
        StandardDeviationOfReturnsVolatilityModel(1)


def test_indicator_volatility_calls_the_update() -> None:
    from types import SimpleNamespace

    world = World()
    seen: list[float] = []
    indicator = SimpleNamespace(current=SimpleNamespace(value=0.2))
    model = IndicatorVolatilityModel(indicator, lambda security, data, which: seen.append(data.close))
    model.update(world["SPY"], _bars(world, 7.0)[0])
    assert (seen, model.volatility) == ([7.0], 0.2)


def test_a_security_says_whether_its_volatility_model_wants_data() -> None:
    from types import SimpleNamespace

    world = World()
    spy = world["SPY"]
    own = IndicatorVolatilityModel(SimpleNamespace(current=SimpleNamespace(value=0.2)))
    spy.set_volatility_model(own)
    assert (spy.volatility_model, spy._volatility_model.needs_update) == (own, False)
    spy.set_volatility_model(RelativeStandardDeviationVolatilityModel(timedelta(days=1), 3))
    for bar in _bars(world, 10.0, 20.0):
        spy.set_market_price(bar)
    # Security.SetMarketPrice tells the model too: the deviation of 10 and 20 over their mean.
    assert spy.volatility_model.volatility == pytest.approx(statistics.stdev((10, 20)) / 15)


def test_shortable_shares_from_disk(tmp_path: Path) -> None:
    folder = tmp_path / "equity" / "usa" / "shortable" / "axos" / "symbols"
    folder.mkdir(parents=True)
    (folder / "spy.csv").write_text("# date,shares,rebate,fee\n20251006,1000,0.25,1.5\n20251007,\n")
    set_data_folder(tmp_path)
    try:
        spy = World("SPY")["SPY"]
        provider = LocalDiskShortableProvider("Axos")
        spy.set_shortable_provider(provider)
        assert spy.total_shortable_quantity == 1000
        assert spy.shortable
        assert provider.rebate_rate(spy.symbol, datetime(2025, 10, 6)) == 0.0025
        assert provider.fee_rate(spy.symbol, datetime(2025, 10, 6)) == 0.015
        # LocalDiskShortableProvider.cs reads the shares with IfNotNullOrEmpty, whose default of a long is 0.
        assert provider.shortable_quantity(spy.symbol, datetime(2025, 10, 7)) == 0
        assert provider.shortable_quantity(spy.symbol, datetime(2025, 10, 8)) is None
    finally:
        set_data_folder(None)


def test_fee_of_borrowed_shares_is_paid_once_a_day(tmp_path: Path) -> None:
    folder = tmp_path / "equity" / "usa" / "shortable" / "axos" / "symbols"
    folder.mkdir(parents=True)
    (folder / "spy.csv").write_text("20251007,,0,3.6\n")
    set_data_folder(tmp_path)
    try:
        world = World("SPY")
        spy = world["SPY"]
        spy.set_shortable_provider(LocalDiskShortableProvider("axos"))
        model = ShortMarginInterestRateModel()
        spy.set_margin_interest_rate_model(model)
        world.fill("SPY", -100, "50")
        world.price("SPY", "50")
        world.portfolio._scan_models(world.clock.utc)
        world.at(datetime(2025, 10, 7, 10))
        world.portfolio._scan_models(world.clock.utc)
        world.portfolio._scan_models(world.clock.utc)
        assert model.amount == -0.5  # 3.6 % of 5000 a year of 360 days
        assert world.portfolio.cash == 104_999.5
    finally:
        set_data_folder(None)


class _RefusedFee(FeeModel):
    def get_order_fee(self, parameters: Any) -> Any:
        raise NotSupportedError("Something.else")


def test_a_refusal_in_a_fee_model_passes_through() -> None:
    """It must not count as the failure after which Lean's ``FeeModelPythonWrapper`` tries the older signature."""
    with pytest.raises(NotSupportedError, match=r"Something\.else"):
        _fee(_RefusedFee(), 1)


def test_a_refusal_in_a_seeding_function_passes_through() -> None:
    """It must not count as the failure that Lean's ``FuncSecuritySeeder`` only logs."""

    def refuse(_security: Any) -> Any:
        raise NotSupportedError("Something.else")

    with pytest.raises(NotSupportedError, match=r"Something\.else"):
        FuncSecuritySeeder(refuse).seed_security(World()["SPY"])
