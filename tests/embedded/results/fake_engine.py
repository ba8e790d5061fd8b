"""An algorithm and its account as far as the result handler looks."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from harness.embedded.api_plotting import PlottingApi
from harness.embedded.clock import Clock, to_us
from harness.embedded.dotnet import TagSet
from harness.embedded.enums import AccountType, AlgorithmStatus, BrokerageName, SecurityType
from harness.embedded.results.result_handler import BacktestingResultHandler
from harness.embedded.statistics.trade_builder import TradeBuilder

START = datetime(2025, 10, 6)
ZONE = timedelta(hours=4)


class Portfolio:
    def __init__(self, value: str) -> None:
        self._total_portfolio_value = Decimal(value)
        self._total_unrealized_profit = Decimal("12.345")
        self._asks_fee_models = False
        self._total_fees = Decimal("1234.5")
        self._total_net_profit = Decimal("-2.00")
        self._total_holdings_value = Decimal(0)
        self._total_sale_volume = Decimal(0)
        self.holdings: list[Any] = []

    def values(self) -> list[Any]:
        return self.holdings


class Algorithm(PlottingApi):
    """Five days from 2025-10-06, UTC-4, with an account of 100,000."""

    def __init__(self, handler: BacktestingResultHandler, value: str = "100000") -> None:
        self._init_plotting()
        self._engine = SimpleNamespace(results=handler)
        self.clock = Clock(to_us(START + ZONE))
        self.start_date = START
        self.end_date = START + timedelta(days=5, microseconds=-1)
        self.time_zone = "America/New_York"
        self.is_warming_up = False
        self.portfolio = Portfolio(value)
        self.securities: dict[Any, Any] = {}
        self.transactions = SimpleNamespace(_records={})
        self.trade_builder = TradeBuilder()
        self.settings = SimpleNamespace(trading_days_per_year=252)
        self.name = "a test"
        self.tags = TagSet(("b", "a"))
        self.account_currency = "USD"
        self.brokerage_name = BrokerageName.DEFAULT
        self.brokerage_model = SimpleNamespace(account_type=AccountType.MARGIN)
        self.status = AlgorithmStatus.RUNNING
        self._locked = True

    @property
    def time(self) -> datetime:
        return self.clock.utc - ZONE

    @property
    def utc_time(self) -> datetime:
        return self.clock.utc

    def get_parameters(self) -> dict[str, str]:
        return {"fast": "10"}

    def at(self, *local: int) -> datetime:
        """Move to a local time of October 2025 (day, hour, minute, second); returns it in UTC."""
        day, hour, minute, second = (*local, 0, 0, 0)[:4]
        utc = datetime(2025, 10, day, hour, minute, second) + ZONE
        self.clock.utc_us = to_us(utc)
        return utc


class Symbol(SimpleNamespace):
    """A symbol that can be a key."""

    def __hash__(self) -> int:
        return hash(self.value)


def holding(ticker: str, quantity: int, value: str, sales: str) -> Any:
    return SimpleNamespace(
        symbol=Symbol(value=ticker, security_type=SecurityType.EQUITY, id=f"{ticker} X"),
        _quantity=Decimal(quantity),
        _holdings_value=Decimal(value),
        _total_sale_volume=Decimal(sales),
    )
