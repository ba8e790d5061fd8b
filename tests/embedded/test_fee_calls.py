"""How often a fee model of user code is asked: ``BaseResultsHandler.UpdatePortfolioValues`` values every position."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.embedded.tiny_runs import make_minutes, run_tiny


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_minutes(tmp_path_factory.mktemp("data"))


def test_a_fee_model_is_asked_once_a_step_while_its_security_is_held(data_folder: Path, tmp_path: Path) -> None:
    """``AlgorithmManager.Run`` ends each time slice with ``results.ProcessSynchronousEvents()``; ``Sample`` adds one at
    midnight."""
    body = """
        def set_up(self):
            outer = self
            self.calls = self.last = 0
            class Fee(FeeModel):
                def get_order_fee(self, parameters):
                    outer.calls += 1
                    return OrderFee(CashAmount(1, "USD"))
            self.security.set_fee_model(Fee())

        def on_data(self, data):
            if self.time.hour == 9 and self.time.minute < 33 or self.time.hour == 10 and 5 <= self.time.minute < 8:
                self.note(f"{self.calls - self.last}")
            self.last = self.calls
            if self.at(6, 10, 3):
                self.market_order(self.stock, 10)
            if self.at(7, 10, 5):
                self.liquidate()
                self.last = self.calls
    """
    run = run_tiny(data_folder, tmp_path, body)
    assert run.seen == [
        *("0 06 09:31", "0 06 09:32", "1 06 10:05", "1 06 10:06", "1 06 10:07"),
        *("2 07 09:31", "1 07 09:32", "1 07 10:05", "0 07 10:06", "0 07 10:07"),
        "end 07 16:00",
    ]


def test_a_fee_model_that_fails_ends_the_run_at_that_step(data_folder: Path, tmp_path: Path) -> None:
    """What ``UpdatePortfolioValues`` raises, ``Engine.Run`` takes for the algorithm's error: no later step comes."""
    body = """
        def set_up(self):
            outer = self
            class Fee(FeeModel):
                def get_order_fee(self, *asked):
                    outer.object_store.save("last", f"{outer.time:%d %H:%M}")
                    if outer.at(6, 12, 0):
                        raise ValueError("broken")
                    return OrderFee(CashAmount(1, "USD")) if len(asked) == 1 else 1
            self.security.set_fee_model(Fee())

        def on_data(self, data):
            if self.at(6, 10, 3):
                self.market_order(self.stock, 10)
            if self.at(6, 12, 1):
                self.object_store.save("reached", "yes")
    """
    with pytest.raises(FileNotFoundError):
        run_tiny(data_folder, tmp_path, body)
    assert (tmp_path / "store" / "last").read_text("utf-8") == "06 12:00"
    assert not (tmp_path / "store" / "reached").exists()


def test_a_fee_model_that_fails_at_the_end_leaves_no_results(data_folder: Path, tmp_path: Path) -> None:
    """``BacktestingResultHandler.Exit`` values the account before it writes anything, and ``Engine.Run`` does not catch
    what that raises; ``FeeModelPythonWrapper`` asks the older signature once the newer one has failed."""
    source = textwrap.dedent("""
        from AlgorithmImports import *

        class Fee(FeeModel):
            def get_order_fee(self, parameters):
                if parameters.security.local_time.day == 7:
                    raise ValueError("broken")
                return OrderFee(CashAmount(1, "USD"))

        class Main(QCAlgorithm):
            def initialize(self):
                self.set_start_date(2025, 10, 6)
                self.set_end_date(2025, 10, 7)
                self.stock = self.add_equity("AAPL", Resolution.MINUTE)
                self.stock.set_fee_model(Fee())

            def on_data(self, data):
                if not self.portfolio.invested:
                    self.market_order(self.stock.symbol, 10)
    """)
    (tmp_path / "main.py").write_text(source, "utf-8")
    out = tmp_path / "out"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "harness.embedded", "--data-folder", str(data_folder)),
            *("--algorithm-location", str(tmp_path / "main.py"), "--algorithm-type-name", "Main"),
            *("--results-destination-folder", str(out)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    told = "Fee.get_order_fee() takes 2 positional arguments but 3 were given"
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"Runtime Error: {told}",
        f"Error running algorithm, which leaves no results: {told}",
    ]
    assert not list(out.glob("Main*.json"))


def test_a_model_that_takes_other_arguments_is_an_error_of_the_algorithm(data_folder: Path, tmp_path: Path) -> None:
    """``BasePythonWrapper.InvokeMethod`` passes on what Python says of the call; ``Engine.Run`` keeps the results."""
    body = """
        def set_up(self):
            class Interest:
                def apply_margin_interest_rate(self):
                    pass
            self.security.set_margin_interest_rate_model(Interest())
    """
    run = run_tiny(data_folder, tmp_path, body)
    assert run.exit_code == 1
    assert run.state["Status"] == "RuntimeError"
    assert "Interest.apply_margin_interest_rate() takes 1 positional argument but 2 were given" in run.log
