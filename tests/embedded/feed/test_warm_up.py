"""Warm-up at a resolution of its own, and how far it reaches back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.embedded.small_world import make_data, run


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("data"))


def test_warm_up_resolution_replaces_the_bars_until_the_start(data_folder: Path, tmp_path: Path) -> None:
    """Lean's ``FileSystemDataFeed.CreateSubscription`` reads the warm-up's resolution up to the start date."""
    outcome = run(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            self.stock = self.add_equity("FULL", Resolution.MINUTE).symbol
            self.mean = self.sma(self.stock, 2)
            self.set_warm_up(3, Resolution.DAILY)

        def on_data(self, data):
            if self.is_warming_up or self.at(6, 9, 31):
                bar = data.bars[self.stock]
                self.note(f"{self.time:%d %H:%M} {bar.time:%d %H:%M} {bar.close} {self.mean.samples}")

        def on_warmup_finished(self):
            self.note(f"{self.time:%d %H:%M} {self.mean.current.value} {self.securities[self.stock].price}")
        """,
    )
    assert outcome.seen == [
        "01 16:00 01 09:30 474.0 1",
        "02 16:00 02 09:30 475.0 2",
        "03 16:00 03 09:30 476.0 3",
        "06 00:00 475.5 476.0",
        "06 09:31 06 09:30 106.57 4",
    ]


def test_start_is_filled_from_the_day_before_at_the_own_resolution(data_folder: Path, tmp_path: Path) -> None:
    """The two streams overlap by a trading day, of which only the last bar is shown again.

    Source: Lean's ``FileSystemDataFeed.CreateSubscription`` (``GetStartTimeForTradeBars`` of one day).
    """
    outcome = run(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            self.add_equity("FULL", Resolution.SECOND)
            self.stock = self.add_equity("THIN", Resolution.MINUTE).symbol
            self.set_warm_up(2, Resolution.DAILY)

        def on_data(self, data):
            if self.time.hour == 9 and self.time.minute == 30 and self.time.second == 1:
                bar = data.bars[self.stock]
                self.note(f"{self.time:%d} {bar.time:%d %H:%M} {bar.close} {bar.is_fill_forward}")
        """,
    )
    # The last minute bar of THIN on Friday begins at 15:30; its slot by Monday 9:30:01 is Friday's last open minute.
    assert outcome.seen[:1] == ["06 03 15:59 103.93 True"]


def test_bars_of_the_coarsest_resolution_decide_the_start(data_folder: Path, tmp_path: Path) -> None:
    """Lean's ``QCAlgorithm.TryGetWarmupHistoryStartTime`` takes the earliest of all subscriptions' requests."""
    outcome = run(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            self.stock = self.add_equity("FULL", Resolution.MINUTE).symbol
            self.add_equity("FULL", Resolution.DAILY)
            self.set_warm_up(2)
            self.first = True

        def on_data(self, data):
            if self.first:
                self.note(f"{self.time:%d %H:%M}")
            self.first = False
        """,
    )
    assert outcome.seen == ["02 16:00"]
