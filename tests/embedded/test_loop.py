"""What happens in a step, and where a run ends: small algorithms on a small synthetic data folder, in own processes."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pytest

from harness.marketdata.lean_format import entry_name, write_zip, zip_path
from harness.marketdata.spec import synth_spec
from harness.marketdata.synth import synthesize
from tests.embedded.tiny_runs import run_tiny


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    synthesize(folder, synth_spec(["AAPL"], dt.date(2025, 10, 6), dt.date(2025, 10, 7), history_days=45))
    for number, day in enumerate((dt.date(2025, 10, 6), dt.date(2025, 10, 7))):
        # Prices in ten-thousandths of a dollar, times in milliseconds since midnight.
        lines = []
        for minute in range(390):
            price = 2_000_000 + 1000 * number + 100 * (minute % 7)
            lines.append(f"{(570 + minute) * 60_000},{price},{price + 200},{price - 200},{price + 100},1000\n")
        path = zip_path(folder, "AAPL", "minute", day)
        write_zip(path, entry_name("AAPL", "minute", day), "".join(lines).encode())
    return folder


def test_order_of_events_in_a_step(data_folder: Path, tmp_path: Path) -> None:
    run = run_tiny(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            self.schedule.on(self.date_rules.on(2025, 10, 6), self.time_rules.at(10, 5), lambda: self.note("event"))
            self.consolidate(self.stock, timedelta(minutes=5), self.on_bar)

        def on_bar(self, bar):
            if self.at(6, 10, 5):
                self.note("bar")

        def on_securities_changed(self, changes):
            self.note("changed")

        def on_order_event(self, event):
            self.note(str(event.status))

        def on_data(self, data):
            if self.at(6, 10, 4):
                self.limit_order(self.stock, 10, 10000)
            if self.at(6, 10, 5):
                self.note("data")
        """,
    )
    assert run.exit_code == 0
    # Fills of standing orders come first, then events, then consolidated bars, then on_data.
    assert run.seen == [
        "changed 06 00:00",
        "SUBMITTED 06 10:04",
        "FILLED 06 10:05",
        "event 06 10:05",
        "bar 06 10:05",
        "data 06 10:05",
        "end 07 16:00",
    ]


def test_quit_in_an_event_between_steps_ends_before_the_next_data(data_folder: Path, tmp_path: Path) -> None:
    run = run_tiny(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            self.schedule.on(self.date_rules.on(2025, 10, 6), self.time_rules.at(18, 0), lambda: self.quit("evening"))

        def on_data(self, data):
            if self.time.minute == 31:
                self.note("data")
        """,
    )
    assert run.seen[-2:] == ["data 06 15:31", "end 07 09:31"]
    assert "Algorithm Stopped" in run.log
    assert run.exit_code == 0


def test_error_in_an_order_event_ends_the_run_at_the_next_step(data_folder: Path, tmp_path: Path) -> None:
    run = run_tiny(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            self.schedule.on(
                self.date_rules.on(2025, 10, 6), self.time_rules.at(10, 1), lambda: self.object_store.save("event", "x")
            )

        def on_order_event(self, event):
            raise ValueError(f"at {event.status}")

        def on_data(self, data):
            if self.at(6, 10, 0):
                self.market_order(self.stock, 1)
                self.object_store.save("after", "x")
            if self.at(6, 10, 1):
                self.object_store.save("late", "x")
        """,
    )
    store = tmp_path / "store"
    assert run.exit_code == 1
    assert run.state["Status"] == "RuntimeError"
    # The handler that ordered goes on, the last error counts, and events of the next step still fire; its data do not.
    assert run.state["RuntimeError"].startswith("2025-10-06 10:01:00 Runtime Error: at FILLED")
    assert (store / "after").is_file()
    assert (store / "event").is_file()
    assert not (store / "late").exists()


def test_removed_security_stays_until_its_closing_order_has_filled(data_folder: Path, tmp_path: Path) -> None:
    run = run_tiny(
        data_folder,
        tmp_path,
        """
        def on_data(self, data):
            if self.at(6, 10, 0):
                self.market_order(self.stock, 10)
            if self.at(6, 16, 0):
                self.remove_security(self.stock)
            if self.at(7, 9, 32):
                self.note(f"{self.portfolio[self.stock].quantity:g} {self.securities.count}")

        def on_securities_changed(self, changes):
            self.note(f"+{len(changes.added_securities)} -{len(changes.removed_securities)}")
        """,
    )
    # The order waits for the open; the data go on, since nothing else comes or goes that day.
    assert run.seen == ["+1 -0 06 00:00", "+0 -1 06 16:00", "0 1 07 09:32", "end 07 16:00"]


def test_security_removed_and_added_again_in_a_step_stays(data_folder: Path, tmp_path: Path) -> None:
    run = run_tiny(
        data_folder,
        tmp_path,
        """
        def on_data(self, data):
            if self.at(6, 10, 0):
                self.remove_security(self.stock)
                self.add_equity("AAPL", Resolution.MINUTE)
            if self.at(6, 10, 1):
                self.note(f"{data.contains_key(self.stock)} {self.security.is_tradable}")

        def on_securities_changed(self, changes):
            self.note("changed")
        """,
    )
    assert run.seen == ["changed 06 00:00", "True True 06 10:01", "end 07 16:00"]


def test_margin_call_handler_that_returns_nothing_is_an_error(data_folder: Path, tmp_path: Path) -> None:
    run = run_tiny(
        data_folder,
        tmp_path,
        """
        def on_data(self, data):
            if self.at(6, 10, 0):
                self.market_order(self.stock, int(199000 / self.security.price))
                self.portfolio.cash_book["USD"].add_amount(-80000)

        def on_margin_call(self, requests):
            pass
        """,
    )
    assert run.exit_code == 1
    assert "on_margin_call must return a non-empty list of SubmitOrderRequest" in run.state["RuntimeError"]


def test_ruined_account_stops_the_run_with_a_line(data_folder: Path, tmp_path: Path) -> None:
    run = run_tiny(
        data_folder,
        tmp_path,
        """
        def on_data(self, data):
            if self.at(6, 10, 0):
                self.market_order(self.stock, 1)
                self.portfolio.cash_book["USD"].add_amount(-150000)
        """,
    )
    assert run.seen[-1].startswith("end 06 10:0")
    assert "Portfolio value is less than or equal to zero, stopping algorithm." in run.log


def test_error_in_an_order_event_of_the_last_step_does_not_skip_the_end(data_folder: Path, tmp_path: Path) -> None:
    """``AlgorithmManager.Run`` looks for such an error in the next step only; without one the run completes.

    The launcher's exit code comes from the algorithm's status (completed), the written status from the error.
    """
    run = run_tiny(
        data_folder,
        tmp_path,
        """
        def on_order_event(self, event):
            raise ValueError(f"at {event.status}")

        def on_data(self, data):
            if self.at(7, 16, 0):
                self.limit_order(self.stock, 1, 1)
        """,
    )
    assert run.exit_code == 0
    assert run.seen[-1] == "end 07 16:00"
    assert run.state["Status"] == "RuntimeError"
    assert run.state["RuntimeError"].startswith("2025-10-07 16:00:00 Runtime Error: at SUBMITTED")


def test_error_at_the_end_of_a_day_carries_its_time_twice(data_folder: Path, tmp_path: Path) -> None:
    """``ScheduledEventFactory`` reports it to the result handler, which puts the time before the message.

    ``BaseResultsHandler.SetAlgorithmState`` makes that text the run's error, which gets its own time at the end.
    """
    run = run_tiny(
        data_folder,
        tmp_path,
        """
        def on_end_of_day(self, symbol):
            raise ValueError("tired")
        """,
    )
    assert run.exit_code == 1
    line = run.state["RuntimeError"].splitlines()[0]
    assert line == (
        "2025-10-06 15:50:00 Runtime Error: 2025-10-06 15:50:00 Runtime error in AAPL.EndOfDay event: tired"
    )


def test_a_refusal_that_user_code_catches_still_ends_as_one(data_folder: Path, tmp_path: Path) -> None:
    """A run that went on after a refusal is not what Lean would have done."""
    run = run_tiny(
        data_folder,
        tmp_path,
        """
        def on_data(self, data):
            if self.at(6, 10, 0):
                try:
                    self.exercise_option(self.stock, 1)
                except Exception:
                    self.note("caught")
        """,
    )
    assert run.exit_code == 1
    assert "caught 06 10:00" in run.seen
    assert "QCAlgorithm.exercise_option is not covered by the embedded engine" in run.state["RuntimeError"]


def test_the_number_of_orders_is_not_limited(data_folder: Path, tmp_path: Path) -> None:
    """``BacktestingSetupHandler.Setup`` sets the job's limit after ``initialize``: the largest int by default."""
    run = run_tiny(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            self.set_maximum_orders(2)

        def on_data(self, data):
            if self.time.day == 6 and self.time.hour == 10:
                self.market_order(self.stock, 1)
            if self.at(7, 10, 0):
                self.note(str(self.transactions.orders_count))
        """,
    )
    assert run.exit_code == 0
    assert "60 07 10:00" in run.seen


def test_errors_said_in_initialize_come_before_its_failure(data_folder: Path, tmp_path: Path) -> None:
    """``Engine.Run`` joins the algorithm's error messages and puts the set-up's error behind them."""
    run = run_tiny(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            self.error("first")
            self.error("second")
            raise ValueError("then this")
        """,
    )
    assert run.exit_code == 1
    assert run.state["RuntimeError"].splitlines()[0] == (
        "2025-10-06 00:00:00 2025-10-06 00:00:00 first,2025-10-06 00:00:00 secondDuring the algorithm initialization, "
        "the following exception has occurred: then this"
    )


def test_the_brokerage_model_leaves_the_leverage_of_earlier_securities(data_folder: Path, tmp_path: Path) -> None:
    """``QCAlgorithm.SetBrokerageModel`` initialises securities again and then restores their leverage."""
    run = run_tiny(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            before = self.security.leverage
            self.set_brokerage_model(BrokerageName.DEFAULT, AccountType.CASH)
            after = self.security.leverage
            self.security.set_leverage(3)
            self.set_brokerage_model(BrokerageName.INTERACTIVE_BROKERS_BROKERAGE)
            self.note(f"{before:g} {after:g} {self.security.leverage:g}")
        """,
    )
    assert run.seen[0] == "2 2 3 06 00:00"


def test_a_users_initializer_survives_the_brokerage_model(data_folder: Path, tmp_path: Path) -> None:
    """``QCAlgorithm.SetBrokerageModel``: an initializer that was set stays; one that was added comes second."""
    run = run_tiny(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            self.add_security_initializer(lambda security: security.set_fee_model(ConstantFeeModel(7)))
            self.set_brokerage_model(BrokerageName.ALPACA)
            self.note(type(self.security.fee_model).__name__)
            self.set_security_initializer(BrokerageModelSecurityInitializer(self.brokerage_model, SecuritySeeder.NULL))
            self.set_brokerage_model(BrokerageName.TRADIER_BROKERAGE)
            other = self.add_equity("AAPL", Resolution.MINUTE)
            self.note(type(other.fee_model).__name__)
        """,
    )
    assert run.seen[0] == "ConstantFeeModel 06 00:00"
    assert "Please call SetBrokerageModel() before calling AddSecurityInitializer()." in run.log


def test_settings_after_the_start_are_errors_in_leans_words(data_folder: Path, tmp_path: Path) -> None:
    """``Messages.QCAlgorithm``, which spells members as Python does."""
    run = run_tiny(
        data_folder,
        tmp_path,
        """
        def on_data(self, data):
            self.set_cash(1)
        """,
    )
    assert run.state["RuntimeError"].splitlines()[0] == (
        "2025-10-06 09:31:00 Runtime Error: self.set_cash(): Cannot change cash available after algorithm initialized."
    )


def test_daily_statistics_against_a_benchmark_of_another_zone_are_warned_of(data_folder: Path, tmp_path: Path) -> None:
    """``QCAlgorithm.PostInitialize``."""
    run = run_tiny(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            self.set_time_zone("Europe/London")
            self.add_equity("AAPL", Resolution.DAILY)
        """,
    )
    assert (
        "Warning: Using a security benchmark of a different timezone (America/New_York) than the algorithm TimeZone "
        "(Europe/London) may lead to skewed and incorrect statistics." in run.log
    )


def test_the_setting_seeds_prices_before_the_initializer_runs(data_folder: Path, tmp_path: Path) -> None:
    """``SecurityService.InitializeSecurity`` with ``Settings.SeedInitialPrices``."""
    seeded = run_tiny(
        data_folder,
        tmp_path,
        """
        def initialize(self):
            self.seen = []
            self.set_start_date(2025, 10, 7)
            self.set_end_date(2025, 10, 7)
            self.settings.seed_initial_prices = True
            self.add_security_initializer(lambda security: self.note(f"{security.price:g}"))
            security = self.add_equity("AAPL", Resolution.MINUTE)
            known = self.get_last_known_prices(security.symbol)[-1].close
            self.note(f"{security.price == known and known > 0}")
        """,
    )
    assert seeded.seen[0] != "0 07 00:00"
    assert seeded.seen[1] == "True 07 00:00"


def test_what_is_delisted_is_closed_before_the_events_of_the_step(data_folder: Path, tmp_path: Path) -> None:
    """``BacktestingTransactionHandler.ProcessSynchronousEvents`` does it at its first call in a step."""
    folder = tmp_path / "data"
    shutil.copytree(data_folder, folder)
    (folder / "equity/usa/map_files/aapl.csv").write_text("20100104,aapl,Q\n20251006,aapl,Q\n")
    run = run_tiny(
        folder,
        tmp_path,
        """
        def set_up(self):
            self.schedule.on(self.date_rules.on(2025, 10, 7), self.time_rules.midnight, lambda: self.note("event"))

        def on_delistings(self, delistings):
            self.note(f"delistings {self.portfolio[self.stock].quantity:g}")

        def on_order_event(self, event):
            self.note(f"{event.status} {event.message}")

        def on_data(self, data):
            if self.at(6, 10, 0):
                self.market_order(self.stock, 1)
        """,
    )
    closing = run.seen.index("FILLED Liquidate from delisting 07 00:00")
    assert run.seen[closing + 1 : closing + 3] == ["event 07 00:00", "delistings 0 07 00:00"]
