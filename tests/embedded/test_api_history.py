"""What ``history()`` is asked and what it gives, where Lean's rules are not the obvious ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.embedded.small_world import make_data, run


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("data"))


def test_request_beyond_now_ends_now_and_says_so(data_folder: Path, tmp_path: Path) -> None:
    """Lean's ``QCAlgorithm.GetFilterestRequests``: no look-ahead, one message a call."""
    outcome = run(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            self.stock = self.add_equity("FULL", Resolution.MINUTE).symbol

        def on_data(self, data):
            if self.at(7, 11, 0):
                frame = self.history(self.stock, datetime(2025, 10, 7, 10, 57), datetime(2025, 10, 8))
                self.note(list(frame["close"]))
                self.note(len(self.history(self.stock, datetime(2025, 10, 8), datetime(2025, 10, 9))))
        """,
    )
    assert outcome.seen == ["[107.657, 107.658, 107.659]", "0"]
    assert [line for line in outcome.log if "future" in line] == [
        "2025-10-07 11:00:00 Request for future history modified to end now."
    ]


def test_rows_follow_the_order_of_the_request(data_folder: Path, tmp_path: Path) -> None:
    """Lean's ``PandasConverter`` meets the symbols of a slice in the order of the requests."""
    outcome = run(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            full = self.add_equity("FULL", Resolution.MINUTE).symbol
            thin = self.add_equity("THIN", Resolution.MINUTE).symbol
            for symbols in ([thin, full], [full, thin]):
                frame = self.history(symbols, 1, Resolution.DAILY)
                self.note([symbol.value for symbol in frame.index.get_level_values(0)])
        """,
    )
    assert outcome.seen == ["['THIN', 'FULL']", "['FULL', 'THIN']"]


def test_without_a_resolution_all_subscriptions_answer(data_folder: Path, tmp_path: Path) -> None:
    """Lean's ``QCAlgorithm.GetMatchingSubscriptions`` makes a request of each, ``History<T>`` of the finest."""
    outcome = run(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            self.stock = self.add_equity("FULL", Resolution.MINUTE).symbol
            self.add_equity("FULL", Resolution.DAILY)

        def on_data(self, data):
            if self.at(7, 11, 0):
                self.note(list(self.history(self.stock, 2)["close"]))
                self.note([bar.close for bar in self.history[TradeBar](self.stock, 2)])
        """,
    )
    assert outcome.seen == ["[476.0, 479.0, 107.658, 107.659]", "[107.658, 107.659]"]


def test_bars_of_a_kind_the_symbol_lacks_are_an_error(data_folder: Path, tmp_path: Path) -> None:
    """Lean's ``QCAlgorithm.GetDataTypedHistory``: hours have no quotes, so there is nothing to request."""
    outcome = run(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            stock = self.add_equity("FULL", Resolution.HOUR).symbol
            self.history[QuoteBar](stock, 3)
        """,
    )
    assert "No history data could be fetched." in outcome.state["RuntimeError"]


def test_last_known_price_without_quotes_is_the_last_daily_close(data_folder: Path, tmp_path: Path) -> None:
    """Lean's ``GetLastKnownPricesImpl`` asks for days of a symbol when one of its sides has nothing, and they win."""
    outcome = run(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            minutes = self.add_equity("FULL", Resolution.MINUTE).symbol
            hours = self.add_equity("THIN", Resolution.HOUR).symbol
            for symbol in (minutes, hours):
                self.note([(f"{bar.end_time:%d %H:%M}", bar.close) for bar in self.get_last_known_prices(symbol)])
        """,
    )
    assert outcome.seen == ["[('03 16:00', 476.0)]", "[('03 16:00', 476.15)]"]
