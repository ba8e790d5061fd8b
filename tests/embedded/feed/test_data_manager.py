"""Securities and subscriptions that come and go while the algorithm runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.embedded.small_world import make_data, run


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("data"))


def test_finer_resolution_starts_the_others_anew(data_folder: Path, tmp_path: Path) -> None:
    """A bar is not filled forward over a change of the finest resolution, until the next real one.

    Source: the handler of ``FillForwardResolutionChanged`` in Lean's ``DataManager``.
    """
    outcome = run(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            self.thin = self.add_equity("THIN", Resolution.HOUR).symbol
            self.counts = {}

        def on_data(self, data):
            if self.at(6, 11, 0):
                self.add_equity("FULL", Resolution.MINUTE)
            if self.thin in data.bars and self.time.day == 6:
                self.counts.setdefault(self.time.hour, []).append(data.bars[self.thin].is_fill_forward)

        def finish(self):
            self.note({hour: len(bars) for hour, bars in self.counts.items()})
        """,
    )
    # None from 11:01 to 11:59, the hour of 12:00, then every minute.
    assert outcome.seen == ["{10: 1, 11: 1, 12: 60, 13: 60, 14: 60, 15: 60, 16: 1}"]


def test_second_resolution_of_a_running_security_brings_no_data(data_folder: Path, tmp_path: Path) -> None:
    """Lean's ``UniverseSelection.ApplyUniverseSelection`` skips symbols that are members of the universe already."""
    outcome = run(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            self.full = self.add_equity("FULL", Resolution.HOUR).symbol
            self.steps = 0

        def on_securities_changed(self, changes):
            self.note(f"changed {self.time:%d %H:%M}")

        def on_data(self, data):
            if self.at(6, 11, 0):
                self.add_equity("FULL", Resolution.MINUTE)
            self.steps += 1

        def finish(self):
            self.note(self.steps)
            self.note(len(self.history(self.full, 5, Resolution.MINUTE)))
        """,
    )
    assert outcome.seen == ["changed 06 00:00", "21", "5"]


def test_security_added_again_gets_its_models_anew(data_folder: Path, tmp_path: Path) -> None:
    """Lean's ``SecurityService.CreateSecurity`` initialises an existing security that ``Reset`` let go."""
    outcome = run(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            self.stock = self.add_equity("FULL", Resolution.HOUR)
            self.stock.set_fee_model(ConstantFeeModel(3))

        def on_data(self, data):
            if self.at(6, 11, 0):
                self.remove_security(self.stock.symbol)
            if self.at(6, 12, 0) or self.at(6, 11, 0):
                self.note(type(self.stock.fee_model).__name__)
                self.add_equity("FULL", Resolution.HOUR)
                self.note(type(self.stock.fee_model).__name__)
        """,
    )
    assert outcome.seen[:2] == ["ConstantFeeModel", "InteractiveBrokersFeeModel"]


def test_split_of_a_security_added_the_day_before(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    """The reader tells of its first day's events when it starts (``SubscriptionDataReader.Initialize``)."""
    folder = make_data(tmp_path_factory.mktemp("split"))
    (folder / "equity" / "usa" / "factor_files" / "full.csv").write_text(
        "19980102,1,0.5,1\n20251006,1,0.5,107\n20501231,1,1,0\n", "utf-8"
    )
    outcome = run(
        folder,
        tmp_path,
        """
        def set_up(self):
            self.add_equity("THIN", Resolution.HOUR)

        def on_splits(self, splits):
            self.note([f"{self.time:%d %H:%M} {s.type} {s.split_factor}" for s in splits.values()])

        def on_data(self, data):
            if self.at(6, 11, 0):
                self.add_equity("FULL", Resolution.HOUR)
        """,
    )
    assert outcome.seen == ["['06 11:00 WARNING 0.5']", "['07 00:00 SPLIT_OCCURRED 0.5']"]


def test_prices_follow_a_mode_set_while_running(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    """Lean's ``PrecalculatedSubscriptionData`` gives what the configuration asks for when the bar is taken."""
    folder = make_data(tmp_path_factory.mktemp("mode"))
    (folder / "equity" / "usa" / "factor_files" / "full.csv").write_text(
        "19980102,1,0.5,1\n20251008,1,0.5,107\n20501231,1,1,0\n", "utf-8"
    )
    outcome = run(
        folder,
        tmp_path,
        """
        def set_up(self):
            self.stock = self.add_equity("FULL", Resolution.MINUTE)

        def on_data(self, data):
            if self.at(6, 11, 0):
                self.stock.set_data_normalization_mode(DataNormalizationMode.RAW)
            if self.at(6, 11, 0) or self.at(6, 11, 1) or self.at(7, 9, 31):
                self.note((data.bars["FULL"].close, data.bars["FULL"].volume))
        """,
    )
    assert outcome.seen == ["(53.3295, 2000.0)", "(106.66, 1000.0)", "(107.57, 1000.0)"]


def test_text_of_security_changes(data_folder: Path, tmp_path: Path) -> None:
    """Lean's ``SecurityChanges.ToString``: identifiers, joined by a comma, and two spaces after the colon."""
    outcome = run(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            self.add_equity("THIN", Resolution.HOUR)
            self.add_equity("FULL", Resolution.HOUR)

        def on_securities_changed(self, changes):
            self.note(f"{changes}".replace(str(self.symbol("FULL").id), "F").replace(str(self.symbol("THIN").id), "T"))
        """,
    )
    assert outcome.seen == ["SecurityChanges:  Added: F,T"]


def test_another_fill_forward_is_another_subscription(data_folder: Path, tmp_path: Path) -> None:
    """Lean's ``SubscriptionDataConfig.Equals`` looks at fill-forward too, so both feed their bars.

    Of two bars of one length the first subscription's is in the slice (``TimeSliceFactory``).
    """
    outcome = run(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            stock = self.add_equity("THIN", Resolution.MINUTE, fill_forward=False).symbol
            self.add_equity("THIN", Resolution.MINUTE)
            self.counts = [0, 0]
            self.note([str(config) for config in self.subscription_manager.subscriptions][::2])
            self.note([config.fill_data_forward for config in self.securities[stock].subscriptions])

        def on_data(self, data):
            self.counts[data.bars["THIN"].is_fill_forward] += 1

        def finish(self):
            self.note(self.counts)
        """,
    )
    assert outcome.seen == [
        "['THIN,#0,THIN,Minute,TradeBar,Trade,Adjusted,OpenInterest', "
        "'THIN,#0,THIN,Minute,TradeBar,Trade,Adjusted,OpenInterest']",
        "[False, False, True, True]",
        # From the first bar of 9:31 on, three days of seven bars in 390 minutes.
        "[21, 1149]",
    ]


def test_nothing_is_selected_when_no_session_is_left(data_folder: Path, tmp_path: Path) -> None:
    """Lean's ``UniverseSelection.ApplyUniverseSelection`` drops subscriptions without tradable days.

    Not even the daily bar of Friday, which ends as the weekend starts, is read.
    """
    outcome = run(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            self.set_start_date(2025, 10, 4)
            self.set_end_date(2025, 10, 5)
            self.settings.daily_precise_end_time = False
            self.add_equity("FULL", Resolution.DAILY)

        def on_data(self, data):
            self.note("data")

        def on_securities_changed(self, changes):
            self.note(changes)

        def finish(self):
            self.note((len(list(self.subscription_manager.subscriptions)), self.securities["FULL"].price))
        """,
    )
    assert outcome.seen == ["(0, 0.0)"]
    assert outcome.state["Status"] == "Completed"
