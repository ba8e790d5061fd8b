"""A consolidator that is added before a step's bars are handed out gets the bar of that step.

Source: Lean's ``AlgorithmManager.Run``: scheduled events and orders come before ``ConsolidatorUpdateData``, whose
targets' lists of consolidators are read only then.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.embedded import small_world


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_world.make_data(tmp_path_factory.mktemp("data"))


def test_consolidators_of_scheduled_events_and_of_fills(data_folder: Path, tmp_path: Path) -> None:
    outcome = small_world.run(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            self.set_end_date(2025, 10, 6)
            self.full = self.add_equity("FULL", Resolution.MINUTE).symbol
            self.thin = self.add_equity("THIN", Resolution.HOUR).symbol
            self.schedule.on(self.date_rules.today, self.time_rules.at(10, 0), self.begin)

        def begin(self):
            self.made = self.consolidate(self.full, timedelta(minutes=2), lambda bar: self.show("event", bar))

        def on_order_event(self, event):
            if event.status == OrderStatus.FILLED:
                self.consolidate(self.thin, timedelta(hours=2), lambda bar: self.show("fill", bar))

        def show(self, what, bar):
            self.note(f"{what} {bar.time:%H:%M} {bar.volume:.0f} at {self.time:%H:%M}")
            if what == "event" and self.time.hour == 10 and self.time.minute == 4:
                self.subscription_manager.remove_consolidator(self.full, self.made)

        def on_data(self, data):
            if self.at(6, 11, 0):
                self.limit_order(self.thin, 1, 1000)
        """,
    )
    assert outcome.seen == [
        "event 09:58 1000 at 10:00",
        "event 10:00 2000 at 10:02",
        "event 10:02 2000 at 10:04",
        "fill 10:00 1000 at 12:00",
        "fill 12:00 2000 at 14:00",
        "fill 14:00 2000 at 16:00",
    ]


def test_consolidating_by_size_needs_all_five_arguments(data_folder: Path, tmp_path: Path) -> None:
    """``QCAlgorithm.Consolidate(PyObject, Symbol, decimal, TickType?, PyObject)`` has no optional one."""
    outcome = small_world.run(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            full = self.add_equity("FULL", Resolution.MINUTE).symbol
            short = (RenkoBar, full, 1)
            for arguments in ((*short, self.on_bar), short, (*short, None, print, 1)):
                try:
                    self.consolidate(*arguments)
                except TypeError:
                    self.note("refused")
            self.note(type(self.consolidate(RenkoBar, full, 1, None, self.on_bar)).__name__)

        def on_bar(self, bar):
            pass
        """,
    )
    assert outcome.seen == ["refused", "refused", "refused", "RenkoConsolidator"]
