"""Fills, dividends and splits against the account, by hand-computed figures and ones that Lean recorded."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from account_world import World

from harness.embedded.data import Dividend, Split, TradeBar
from harness.embedded.enums import DataNormalizationMode, SplitType
from harness.embedded.models.settlement import DelayedSettlementModel


def test_buying_moves_cash_into_a_position() -> None:
    world = World()
    world.fill("SPY", 40, "318.505", "1")
    world.price("SPY", "318.00")
    holdings = world["SPY"].holdings
    assert holdings.quantity == 40.0
    assert holdings._average_price == Decimal("318.505")
    assert world.portfolio.cash == 100_000 - 40 * 318.505 - 1
    assert world.portfolio._total_portfolio_value == Decimal("100000") - 1 - Decimal("20.2")
    assert holdings.invested
    assert holdings.is_long
    assert world.portfolio.invested


def test_average_price_keeps_all_digits() -> None:
    # From the recording portfolio_state: 15 at 317.14, then further buys of 40 and sales of 25.
    world = World()
    world.fill("SPY", 30, "313.41")
    world.fill("SPY", 40, "315.67")
    assert world["SPY"].holdings._average_price == (
        (Decimal(30) * Decimal("313.41") + Decimal(40) * Decimal("315.67")) / 70
    )
    assert len(str(world["SPY"].holdings._average_price)) > 25


def test_unrealized_profit_has_the_closing_fee() -> None:
    # Recorded: 15 held at 317.14, value 4737.45, cost 4757.10, unrealized -20.65 (1 USD to close).
    world = World()
    world.fill("SPY", 15, "317.14", "1")
    world.price("SPY", "315.83")
    holdings = world["SPY"].holdings
    assert holdings.holdings_value == 4737.45
    assert holdings.holdings_cost == 4757.10
    assert holdings.unrealized_profit == -20.65
    assert holdings.unrealized_profit_percent == pytest.approx(-20.65 / 4757.10, rel=1e-15)
    assert holdings.total_close_profit(False) == -19.65


def test_selling_records_the_trade_with_the_fee_twice() -> None:
    world = World()
    world.fill("SPY", 100, "10", "1")
    world.fill("SPY", -60, "11", "1")
    [(time, profit, win)] = world.transactions.records
    assert (time, profit, win) == (world.clock.utc, Decimal(58), True)
    holdings = world["SPY"].holdings
    assert holdings.profit == 60.0
    assert holdings.net_profit == 58.0
    assert holdings.last_trade_profit == 60.0
    assert holdings.total_sale_volume == 1660.0
    assert holdings.quantity == 40.0
    assert holdings.average_price == 10.0


def test_crossing_zero_starts_at_the_fill_price() -> None:
    world = World()
    world.fill("SPY", 100, "10")
    world.fill("SPY", -150, "12")
    holdings = world["SPY"].holdings
    assert (holdings.quantity, holdings.average_price) == (-50.0, 12.0)
    assert holdings.is_short
    assert holdings.profit == 200.0
    world.fill("SPY", 80, "9")
    assert (holdings.quantity, holdings.average_price) == (30.0, 9.0)
    assert holdings.profit == 350.0


def test_covering_a_short_leaves_a_negative_zero_as_in_lean() -> None:
    world = World()
    world.fill("SPY", -34, "31")
    world.fill("SPY", 34, "31.19")
    assert f"{world['SPY'].holdings.quantity}" == "-0.0"
    assert not world.portfolio.invested
    assert world["SPY"].holdings.average_price == 0.0


def test_nothing_is_asked_of_securities_that_are_not_held() -> None:
    world = World("SPY", "ALFA")
    world.price("ALFA", "20")
    assert world.portfolio._held == {}
    world.fill("ALFA", 5, "20")
    assert list(world.portfolio._held) == [world["ALFA"].symbol]
    world.fill("ALFA", -5, "20")
    assert world.portfolio._held == {}


def test_only_a_short_or_spent_account_can_be_ruined() -> None:
    world = World(cash=1_000)
    world.fill("SPY", 5, "20")
    assert not world.portfolio.may_be_ruined
    world.fill("SPY", -10, "20")
    assert world.portfolio.may_be_ruined
    world.fill("SPY", 5, "20")
    assert not world.portfolio.may_be_ruined
    world.portfolio.cash_book["USD"].add_amount(-1_000)
    assert world.portfolio.may_be_ruined


@pytest.mark.parametrize(
    ("mode", "paid"),
    [
        (DataNormalizationMode.RAW, 75.75),
        (DataNormalizationMode.SPLIT_ADJUSTED, 75.75),
        (DataNormalizationMode.ADJUSTED, 0.0),
        (DataNormalizationMode.TOTAL_RETURN, 0.0),
    ],
)
def test_dividend_is_paid_where_prices_do_not_have_it(mode: DataNormalizationMode, paid: float) -> None:
    world = World()
    world.fill("SPY", 101, "56.21")
    before = world.portfolio._cash
    world.portfolio.apply_dividend(Dividend(world["SPY"].symbol, 0, Decimal("0.75"), Decimal("53.63")), False, mode)
    assert float(world.portfolio._cash - before) == paid
    assert world["SPY"].holdings.total_dividends == paid
    assert world["SPY"].holdings.profit == paid


def test_split_scales_position_and_pays_the_fraction() -> None:
    world = World()
    world.fill("SPY", 101, "56.21")
    world.price("SPY", "52.39")
    before = world.portfolio._cash
    split = Split(world["SPY"].symbol, 0, Decimal("52.39"), Decimal("2"), SplitType.SPLIT_OCCURRED)
    world.portfolio.apply_split(split, world["SPY"], False, DataNormalizationMode.RAW)
    holdings = world["SPY"].holdings
    assert (holdings.quantity, holdings.average_price) == (50.0, 112.42)
    assert world.portfolio._cash - before == Decimal("0.5") * Decimal("104.78")
    assert world["SPY"].price == 104.78
    last = world["SPY"].get_last_data()
    assert isinstance(last, TradeBar)
    assert last.volume == 500.0


def test_split_leaves_adjusted_positions_alone() -> None:
    world = World()
    world.fill("SPY", 100, "50")
    split = Split(world["SPY"].symbol, 0, Decimal("50"), Decimal("0.5"), SplitType.SPLIT_OCCURRED)
    world.portfolio.apply_split(split, world["SPY"], False, DataNormalizationMode.ADJUSTED)
    assert world["SPY"].holdings.quantity == 100.0


def test_delayed_settlement_waits_for_trading_days() -> None:
    # Sold on Friday 2025-10-10; Monday the 13th is made a holiday here: settles on Tuesday at 6:00 in New York.
    world = World(holidays=(date(2025, 10, 13),))
    world["SPY"].set_settlement_model(DelayedSettlementModel(1, timedelta(hours=6)))
    world.at(datetime(2025, 10, 10, 11))
    world.fill("SPY", 10, "100")
    assert world.portfolio.cash == 99_000.0
    world.fill("SPY", -10, "101")
    assert (world.portfolio.cash, world.portfolio.unsettled_cash) == (99_000.0, 1_010.0)
    assert world.portfolio.total_portfolio_value == 100_010.0
    assert world.portfolio.margin_remaining == 99_000.0
    assert world["SPY"].settlement_model.get_unsettled_cash().amount == 1_010.0
    world.at(datetime(2025, 10, 14, 5))
    world.portfolio._scan_models(world.clock.utc)
    assert world.portfolio.cash == 99_000.0
    world.at(datetime(2025, 10, 14, 6))
    world.portfolio._scan_models(world.clock.utc)
    assert (world.portfolio.cash, world.portfolio.unsettled_cash) == (100_010.0, 0.0)


def test_totals_keep_a_removed_security_but_the_list_does_not() -> None:
    world = World("SPY", "ALFA", "BRVO")
    world.fill("ALFA", 10, "10", "1")
    world.fill("ALFA", -10, "11", "1")
    symbol = world["ALFA"].symbol
    assert world.securities.remove(symbol)
    listed = world.securities.keys()
    assert symbol not in listed
    assert world.securities.contains_key(symbol)
    assert world.portfolio.total_fees == 2.0
    assert world.portfolio.total_profit == 10.0
    # The slot of the removed security is the next one used, as in a .NET dictionary.
    world.add("CHRL")
    assert [pair.key.value for pair in world.securities] == ["SPY", "CHRL", "BRVO"]


def test_unknown_symbols_are_named() -> None:
    world = World()
    with pytest.raises(KeyError, match="The ticker NOPE was not found in the SymbolCache"):
        world.portfolio["NOPE"]
    assert world.portfolio.get("NOPE") is None


def test_both_spellings_and_user_attributes() -> None:
    world = World()
    world.price("SPY", "10")
    spy = world["SPY"]
    assert spy.Price == spy.price == 10.0
    assert world.portfolio.TotalPortfolioValue == 100_000.0
    spy.weight = 0.3
    assert spy["weight"] == spy.weight == 0.3
    spy["bias"] = 2
    assert spy.bias == spy.get("bias") == spy.get[int]("bias") == 2
    assert spy.try_get("nothing") == (False, None)
    assert spy.remove("bias")
    assert not spy.remove("bias")
    with pytest.raises(AttributeError, match="nothing_of_that_name"):
        spy.nothing_of_that_name  # noqa: B018
    assert [pair.value.symbol for pair in world.portfolio] == [spy.symbol]


def test_cash_book_prints_as_lean_prints_it() -> None:
    world = World(cash=20_000)
    assert str(world.portfolio.cash_book).splitlines() == [
        "Symbol      Quantity    Conversion = Value in USD",
        "USD: $       20000.00 @       1.00 = $20000",
        "-------------------------------------------------",
        "CashBook Total Value:                $20000",
    ]


def test_the_hourly_scan_does_both_for_one_security_before_the_next() -> None:
    """``AlgorithmManager.Run``: interest and settlement are asked security by security."""
    world = World("SPY", "AAPL")
    seen: list[str] = []

    class Interest:
        def apply_margin_interest_rate(self, parameters: Any) -> None:
            seen.append(f"interest {parameters.security.symbol.value}")

    class Settlement:
        def apply_funds(self, parameters: Any) -> None: ...

        def get_unsettled_cash(self) -> None: ...

        def scan(self, parameters: Any) -> None:
            seen.append(f"settlement {parameters.security.symbol.value}")

    for ticker in ("SPY", "AAPL"):
        world[ticker].set_margin_interest_rate_model(Interest())
        world[ticker].set_settlement_model(Settlement())
    world.portfolio._scan_models(world.clock.utc)
    assert seen == ["interest SPY", "settlement SPY", "interest AAPL", "settlement AAPL"]
