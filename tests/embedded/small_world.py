"""A small data folder with known bars, and algorithms run on it in processes of their own.

``FULL`` trades in every minute from 2025-10-03 to 2025-10-08 (Friday to Wednesday); its minute closes are
``100 + day of month + minutes since midnight / 1000``. ``THIN`` trades in the first minute after 9:30, 10:30 and so on
only. Both have hourly and daily bars from 2025-09-02 on, closing at ``200 + day of the year`` (daily) and that plus
a hundredth of the hour (hourly). There are no quotes, splits or dividends.
"""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

from harness.marketdata.lean_format import entry_name, write_zip, zip_path
from harness.marketdata.spec import synth_spec
from harness.marketdata.synth import synthesize

MINUTE_DAYS = [dt.date(2025, 10, 3), *(dt.date(2025, 10, day) for day in (6, 7, 8))]
_HEAD = """
from AlgorithmImports import *

class Small(QCAlgorithm):
    def note(self, what):
        self.seen.append(str(what))

    def at(self, day, hour, minute):
        return (self.time.day, self.time.hour, self.time.minute) == (day, hour, minute)

    def initialize(self):
        self.set_start_date(2025, 10, 6)
        self.set_end_date(2025, 10, 8)
        self.seen = []
        self.set_up()

    def finish(self):
        pass

    def on_end_of_algorithm(self):
        self.finish()
        self.object_store.save("seen", "\\n".join(self.seen))
"""


@dataclass(frozen=True)
class Outcome:
    """What a run left: what the algorithm noted (if it got to its end), state and log lines."""

    seen: list[str]
    state: dict[str, str]
    log: list[str]


def make_data(folder: Path) -> Path:
    """Write the data folder described above."""
    synthesize(folder, synth_spec(["FULL", "THIN"], dt.date(2025, 10, 6), dt.date(2025, 10, 6), history_days=45))
    for ticker in ("FULL", "THIN"):
        for kind in ("second", "minute"):
            for path in (folder / "equity" / "usa" / kind / ticker.lower()).glob("*.zip"):
                path.unlink()
        for day in MINUTE_DAYS:
            minutes = range(570, 960, 60 if ticker == "THIN" else 1)
            lines = [_line(str(minute * 60_000), 100 + day.day + minute / 1000) for minute in minutes]
            _write(folder, ticker, "minute", day, lines)
        hours, days = [], []
        day = dt.date(2025, 9, 2)
        while day <= MINUTE_DAYS[-1]:
            if day.weekday() < 5:
                price = 200 + day.timetuple().tm_yday
                days.append(_line(f"{day:%Y%m%d} 00:00", price))
                hours += [_line(f"{day:%Y%m%d} {hour:02}:00", price + hour / 100) for hour in range(9, 16)]
            day += dt.timedelta(days=1)
        _write(folder, ticker, "hour", MINUTE_DAYS[0], hours)
        _write(folder, ticker, "daily", MINUTE_DAYS[0], days)
    return folder


def _line(stamp: str, close: float) -> str:
    price = round(close * 10_000)
    return f"{stamp},{price},{price + 500},{price - 500},{price},1000\n"


def _write(folder: Path, ticker: str, kind: str, day: dt.date, lines: list[str]) -> None:
    write_zip(zip_path(folder, ticker, kind, day), entry_name(ticker, kind, day), "".join(lines).encode())


def run(data_folder: Path, folder: Path, body: str) -> Outcome:
    """Run an algorithm with the methods of ``body`` from 2025-10-06 to 10-08.

    ``set_up`` is its ``initialize``, ``finish`` its ``on_end_of_algorithm``.
    """
    algorithm = folder / "small.py"
    algorithm.write_text(_HEAD + textwrap.indent(textwrap.dedent(body), "    "), "utf-8")
    subprocess.run(
        [
            *(sys.executable, "-m", "harness.embedded", "--data-folder", str(data_folder)),
            *("--algorithm-location", str(algorithm), "--algorithm-type-name", "Small"),
            *("--results-destination-folder", str(folder / "out"), "--object-store-root", str(folder / "store")),
        ],
        capture_output=True,
        timeout=120,
        check=False,
    )
    seen = folder / "store" / "seen"
    return Outcome(
        seen.read_text("utf-8").splitlines() if seen.is_file() else [],
        json.loads((folder / "out" / "Small.json").read_text("utf-8"))["state"],
        (folder / "out" / "Small-log.txt").read_text("utf-8").splitlines(),
    )
