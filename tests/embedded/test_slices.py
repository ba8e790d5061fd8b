"""What a slice and its collections answer, and what they say about symbols that they do not hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.embedded.small_world import make_data, run


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("data"))


def test_what_is_not_there_is_said_in_leans_words(data_folder: Path, tmp_path: Path) -> None:
    """Lean's ``Messages.ExtendedDictionary``, as worded for Python; tickers are looked up among added symbols only."""
    outcome = run(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            self.add_equity("FULL", Resolution.MINUTE)
            self.thin = self.add_equity("THIN", Resolution.MINUTE, fill_forward=False).symbol

        def on_data(self, data):
            if not self.at(6, 10, 0):
                return
            for collection, key in ((data, self.thin), (data.bars, "THIN"), (data.quote_bars, "full"), (data, "XYZ")):
                try:
                    collection[key]
                except KeyError as error:
                    self.note(str(error))
        """,
    )
    text = (
        "'{}' wasn't found in the {} object, likely because there was no-data at this moment in time and it wasn't "
        "possible to fillforward historical data. To prevent the exception, use data.get(symbol), which returns None "
        "when the symbol is not found, or guard the access with 'if symbol in data:'."
    )
    assert outcome.seen[:3] == [
        text.format("THIN", "Slice"),
        text.format("THIN", "TradeBars"),
        text.format("FULL", "QuoteBars"),
    ]
    assert outcome.seen[3].startswith("The ticker XYZ was not found in the SymbolCache.")


def test_collections_are_python_dictionaries_too(data_folder: Path, tmp_path: Path) -> None:
    """Lean's ``ExtendedDictionary``; a security may stand for its symbol, and a slice cannot be changed."""
    outcome = run(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            self.full = self.add_equity("FULL", Resolution.MINUTE)
            self.add_equity("THIN", Resolution.MINUTE, fill_forward=False)

        def on_data(self, data):
            if not self.at(6, 10, 0):
                return
            bars = data.bars
            self.note((str(data), str(bars), str(data.splits), self.full in bars, bars[self.full].close))
            self.note((bars.get("THIN", 7), "XYZ" in data, data.get("XYZ"), list(bars.copy()) == bars.keys()))
            self.note((bars.setdefault("THIN", 5), bars.pop("THIN"), bars.pop("THIN", 6), len(bars)))
            for change in (data.clear, lambda: data.pop("FULL"), lambda: data.update({}), bars.popitem):
                try:
                    change()
                except Exception as error:
                    self.note(error)
        """,
    )
    assert outcome.seen == [
        "('QuantConnect.Data.Slice', 'QuantConnect.Data.Market.TradeBars', 'QuantConnect.Data.Market.Splits', True, "
        "106.599)",
        "(7, False, None, True)",
        "(5, 5, 6, 1)",
        "Clear/clear method call is an invalid operation. Slice is a read-only collection.",
        "Remove/pop method call is an invalid operation. Slice is a read-only collection.",
        "update method call is an invalid operation. Slice is a read-only collection.",
        "popitem method is not supported for TradeBars",
    ]


def test_history_knows_the_tickers_of_added_symbols_only(data_folder: Path, tmp_path: Path) -> None:
    """Lean's ``Extensions.ConvertToSymbolEnumerable`` and ``QCAlgorithm.Symbol`` ask the ``SymbolCache``."""
    outcome = run(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            self.add_equity("FULL", Resolution.MINUTE)
            thin = Symbol.create("THIN", SecurityType.EQUITY, Market.USA)
            self.note((len(self.history("full", 2)), len(self.history([thin], 2, Resolution.DAILY))))
            for ask in (lambda: self.history("THIN", 2), lambda: self.history(["FULL", "THIN"], 2), self.symbol):
                try:
                    ask("THIN") if ask == self.symbol else ask()
                except Exception as error:
                    self.note(error)
        """,
    )
    assert outcome.seen == ["(2, 2)", *(3 * ["We were unable to locate the ticker 'THIN'."])]
