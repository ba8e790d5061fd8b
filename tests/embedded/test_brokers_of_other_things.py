"""Brokers that trade no stocks. Source: ``QCAlgorithm.GetMarket`` and ``TradingTechnologiesBrokerageModel``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.embedded.tiny_runs import make_minutes, run_tiny


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_minutes(tmp_path_factory.mktemp("data"))


def test_a_broker_of_futures_has_no_market_for_stocks(data_folder: Path, tmp_path: Path) -> None:
    """The stock can still be added with its market named; its orders are refused."""
    body = """
        def set_up(self):
            self.set_brokerage_model(BrokerageName.TRADING_TECHNOLOGIES)
            try:
                self.add_equity("MSFT")
            except Exception as error:
                self.seen.append(str(error))
            self.security = self.add_equity("AAPL", Resolution.MINUTE, market="usa")

        def on_data(self, data):
            if self.at(6, 10, 0):
                self.seen.append(str(self.market_order(self.stock, 1).submit_request.response.error_code))
    """
    run = run_tiny(data_folder, tmp_path, body)
    assert run.seen[0] == "No default market set for security type: Equity"
    assert run.seen[-1] == "end 07 16:00"
    assert len(run.seen) == 3
    assert "The TradingTechnologiesBrokerageModel does not support Equity security type." in run.log
