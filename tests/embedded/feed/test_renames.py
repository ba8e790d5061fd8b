"""Bars and events of a symbol whose ticker changes."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from tests.embedded.small_world import MINUTE_DAYS, _line, _write, make_data, run


def test_bars_carry_the_ticker_of_their_day(tmp_path: Path) -> None:
    """Lean's ``MappingEventProvider`` puts another ticker into the configuration's symbol, which bars take over.

    The security keeps its symbol, and all of them are equal. Dividends and splits of the day come before the rename.
    """
    folder = make_data(tmp_path / "data")
    for day in MINUTE_DAYS:
        lines = [_line(str(minute * 60_000), 100 + day.day) for minute in range(570, 960)]
        _write(folder, "OLDY" if day <= dt.date(2025, 10, 6) else "FULL", "minute", day, lines)
    maps = folder / "equity" / "usa" / "map_files"
    (maps / "full.csv").write_text("20250902,oldy,Q\n20251006,oldy,Q\n20501231,full,Q\n", "utf-8")
    outcome = run(
        folder,
        tmp_path,
        """
        def set_up(self):
            self.stock = self.add_equity("FULL", Resolution.MINUTE).symbol
            self.consolidate(self.stock, timedelta(hours=3), self.on_bar)

        def on_bar(self, bar):
            if self.at(6, 15, 0) or self.at(7, 15, 0):
                self.note(f"consolidated {bar.symbol.value} {bar.symbol == self.stock}")

        def on_symbol_changed_events(self, events):
            for symbol, event in events.items():
                self.note(f"{symbol.value} {event.symbol.value} {event.old_symbol}->{event.new_symbol} {symbol}")

        def on_data(self, data):
            if self.at(6, 9, 31) or self.at(7, 9, 31):
                bar = data[self.stock]
                keys = [key.value for key in data.keys()]
                pairs = [key.value for key, _ in data.bars.items()]
                self.note(f"{self.time:%d} {bar.symbol.value} {keys} {pairs} {bar.symbol} {bar.close} {'FULL' in data}")
                self.note(f"{self.securities['FULL'].symbol.value} {self.stock.value} {bar.symbol == self.stock}")
            if self.at(7, 9, 31):
                found = list(self.history[TradeBar](self.stock, 2))
                self.note([item.symbol.value for item in found])
        """,
    )
    assert outcome.seen == [
        "06 OLDY ['OLDY'] ['OLDY'] FULL 106.0 True",
        "FULL FULL True",
        "consolidated OLDY True",
        "FULL FULL OLDY->FULL FULL",
        "07 FULL ['FULL'] ['FULL'] FULL 107.0 True",
        "FULL FULL True",
        "['OLDY', 'FULL']",
        "consolidated FULL True",
    ]
