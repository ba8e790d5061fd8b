"""Small algorithms on a small data folder, each in a process of its own."""

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

_HEAD = """
from AlgorithmImports import *

class Tiny(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2025, 10, 6)
        self.set_end_date(2025, 10, 7)
        self.set_cash(100000)
        self.security = self.add_equity("AAPL", Resolution.MINUTE)
        self.stock = self.security.symbol
        self.seen = []
        self.set_up()

    def set_up(self):
        pass

    def at(self, day, hour, minute):
        return (self.time.day, self.time.hour, self.time.minute) == (day, hour, minute)

    def note(self, what):
        self.seen.append(f"{what} {self.time:%d %H:%M}")

    def on_end_of_algorithm(self):
        self.note("end")
        self.object_store.save("seen", "\\n".join(self.seen))
"""


@dataclass(frozen=True)
class Run:
    """What a run left: what the algorithm noted (if it got to its end), state, log lines, exit code."""

    seen: list[str]
    state: dict[str, str]
    log: str
    exit_code: int


def make_minutes(folder: Path) -> Path:
    """A data folder with made-up days and the 390 minutes of both days that a run lasts, each with volume."""
    synthesize(folder, synth_spec(["AAPL"], dt.date(2025, 10, 6), dt.date(2025, 10, 7), history_days=45))
    for number, day in enumerate((dt.date(2025, 10, 6), dt.date(2025, 10, 7))):
        # Prices in ten-thousandths of a dollar, times in milliseconds since midnight.
        lines = []
        for minute in range(390):
            price = 2_000_000 + 1000 * number + 100 * (minute * minute % 7)
            lines.append(f"{(570 + minute) * 60_000},{price},{price + 200},{price - 200},{price + 100},1000\n")
        write_zip(zip_path(folder, "AAPL", "minute", day), entry_name("AAPL", "minute", day), "".join(lines).encode())
    return folder


def run_tiny(data_folder: Path, folder: Path, body: str) -> Run:
    """Run a class of which ``body`` is the rest, from 2025-10-06 to 07 over ``data_folder``; all else in ``folder``."""
    algorithm = folder / "tiny.py"
    algorithm.write_text(_HEAD + textwrap.indent(textwrap.dedent(body), "    "), "utf-8")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "harness.embedded", "--data-folder", str(data_folder)),
            *("--algorithm-location", str(algorithm), "--algorithm-type-name", "Tiny"),
            *("--results-destination-folder", str(folder / "out"), "--object-store-root", str(folder / "store")),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    seen = folder / "store" / "seen"
    return Run(
        seen.read_text("utf-8").splitlines() if seen.is_file() else [],
        json.loads((folder / "out" / "Tiny.json").read_text("utf-8"))["state"],
        (folder / "out" / "Tiny-log.txt").read_text("utf-8"),
        done.returncode,
    )
