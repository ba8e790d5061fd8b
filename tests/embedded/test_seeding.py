"""Seeding a security by hand, and what holds of it until the day's own data comes."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from harness.marketdata.lean_format import entry_name, write_zip, zip_path
from harness.marketdata.spec import synth_spec
from harness.marketdata.synth import synthesize
from tests.embedded.small_world import make_data, run
from tests.embedded.tiny_runs import run_tiny

FRIDAY, MONDAY = dt.date(2025, 10, 3), dt.date(2025, 10, 6)


def write(folder: Path, day: dt.date, side: str, lines: list[str]) -> None:
    write_zip(
        zip_path(folder, "AAPL", "minute", day, side),
        entry_name("AAPL", "minute", day, side),
        "".join(f"{line}\n" for line in lines).encode(),
    )


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Minutes of a Friday (trades all day, one quote long before its end) and of the Monday after."""
    folder = tmp_path_factory.mktemp("data")
    synthesize(folder, synth_spec(["AAPL"], dt.date(2025, 10, 6), dt.date(2025, 10, 7), history_days=45))
    at = [(570 + minute) * 60_000 for minute in range(390)]
    write(folder, FRIDAY, "trade", [f"{ms},2000000,2000200,1999800,2000100,1000" for ms in at])
    write(folder, FRIDAY, "quote", [f"{at[30]},{'1999900,' * 4}300,{'2000300,' * 4}700"])
    write(folder, MONDAY, "trade", [f"{ms},2010000,2010200,2009800,2010100,1000" for ms in at])
    write(folder, MONDAY, "quote", [f"{ms},{'2009900,' * 4}100,{'2010300,' * 4}200" for ms in at[1:]])
    return folder


def test_each_kind_is_asked_for_again_by_itself(data_folder: Path, tmp_path: Path) -> None:
    """``QCAlgorithm.GetLastKnownPrices``: five bars hold a trade but no quote; the longer request finds the quote."""
    outcome = run_tiny(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            for bar in self.get_last_known_prices(self.stock):
                self.seen.append(f"{type(bar).__name__} {bar.end_time:%d %H:%M} {bar.close:.2f}")
            self.seen.append(type(self.get_last_known_price(self.security)).__name__)
        """,
    )
    assert outcome.seen == ["QuoteBar 03 10:01 200.01", "TradeBar 03 16:00 200.01", "TradeBar", "end 07 16:00"]


def test_a_quote_given_before_the_start_holds_until_the_first_of_the_day(data_folder: Path, tmp_path: Path) -> None:
    """``SecurityCache``: what is known stays until newer data replaces it."""
    outcome = run_tiny(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            for bar in self.get_last_known_prices(self.stock):
                self.security.set_market_price(bar)

        def quote(self):
            s = self.security
            self.note(f"{s.bid_price:.2f} {s.bid_size:.0f} {s.ask_price:.2f} {s.ask_size:.0f} at")

        def on_securities_changed(self, changes):
            self.quote()

        def on_data(self, data):
            if self.time.hour == 9 and self.time.minute < 33 and self.time.day == 6:
                self.quote()
        """,
    )
    assert outcome.seen == [
        "199.99 300 200.03 700 at 06 00:00",
        "199.99 300 200.03 700 at 06 09:31",
        "200.99 100 201.03 200 at 06 09:32",
        "end 07 16:00",
    ]


def test_an_order_adds_and_seeds_a_security_that_is_not_tradable(tmp_path: Path) -> None:
    """``QCAlgorithm.GetSecurityForOrder``: one never added, and one that was removed.

    They are looked for among minutes, then, as there are no quotes, among days, whose last close is the price.
    """
    outcome = run(
        make_data(tmp_path / "data"),
        tmp_path,
        """
        def set_up(self):
            self.stock = self.add_equity("FULL", Resolution.MINUTE).symbol

        def on_securities_changed(self, changes):
            both = (changes.added_securities, changes.removed_securities)
            self.note(f"{self.time:%H:%M} {[[s.symbol.value for s in found] for found in both]}")

        def on_data(self, data):
            if self.at(6, 10, 0):
                self.thin = Symbol.create("THIN", SecurityType.EQUITY, Market.USA)
                self.limit_order(self.thin, 1, 50)
                self.note((self.securities[self.thin].price, self.securities[self.thin].is_tradable))
                self.remove_security(self.stock)
            if self.at(6, 10, 30) or self.at(6, 10, 31):
                self.note([key.value for key in data.keys()])
            if self.at(6, 10, 31):
                ticket = self.limit_order(self.stock, 1, 50)
                security = self.securities[self.stock]
                self.note((ticket.status.name, security.price, security.is_tradable))
        """,
    )
    assert outcome.state["RuntimeError"] == ""
    assert outcome.seen == [
        "00:00 [['FULL'], []]",
        "(476.0, True)",
        "10:00 [['THIN'], ['FULL']]",
        "['THIN']",
        "('SUBMITTED', 476.0, True)",
        "10:31 [['FULL'], []]",
    ]


def test_settings_made_after_a_security_seed_it_when_it_is_selected(data_folder: Path, tmp_path: Path) -> None:
    """``UniverseSelection.SeedAddedSecurities``: whatever has no price when it is selected is seeded."""
    outcome = run_tiny(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            self.settings.seed_initial_prices = True
            self.seen.append(str(self.security.price))

        def on_securities_changed(self, changes):
            self.note(f"{[s.price for s in changes.added_securities]}")
        """,
    )
    assert outcome.seen == ["0.0", "[200.01] 06 00:00", "end 07 16:00"]
