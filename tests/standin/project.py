"""A small algorithm and its market data, for every engine's tests."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from harness.marketdata.spec import synth_spec
from harness.marketdata.synth import synthesize

ALGORITHM = """
from AlgorithmImports import *


class Trader(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2025, 10, 1)
        self.set_end_date(2025, 10, 2)
        self.set_cash(100000)
        self.set_benchmark(lambda time: 1)
        self.ticker = self.add_equity(self.get_parameter("ticker", "AAPL"), Resolution.SECOND).symbol
        self.quantity = int(self.get_parameter("quantity", "10"))
        if self.get_parameter("fail", "") == "initialize":
            raise ValueError("deliberate failure in initialize")

    def on_data(self, data):
        if self.get_parameter("fail", "") == "on_data":
            raise ValueError("deliberate failure in on_data")
        if self.quantity and not self.portfolio.invested:
            self.market_order(self.ticker, self.quantity)
"""


@pytest.fixture(scope="session")
def market_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two days of one symbol at second resolution."""
    folder = tmp_path_factory.mktemp("data")
    spec = synth_spec(symbols=("AAPL",), start=dt.date(2025, 10, 1), end=dt.date(2025, 10, 2), history_days=45)
    synthesize(folder, spec)
    return folder
