"""How fast the embedded engine is: whole processes, start to exit, on synthetic data.

Run: ``.venv/bin/python benchmarks/bench_engine.py [--rounds N] [--json]``. Prints the median and the minimum of wall
and CPU time of

- a short backtest: one symbol, five days of minute bars, an order now and then;
- an empty one: 15 symbols at second resolution over 2025-10-01..10, ``on_data`` that does nothing;
- a consolidated one: the same with 15-second bars, session VWAP, a 30-day mean from ``history`` and some 980 orders;

and the figures that real Lean was measured at on two cores of the same kind (given with the project's issues; they are
not measured here). Nothing is asserted: the targets are printed beside the figures.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from harness.marketdata.lean_format import BarTable, entry_name, format_bars, read_bars, write_zip, zip_path
from harness.marketdata.spec import synth_spec
from harness.marketdata.synth import synthesize

SHORT = """
from AlgorithmImports import *

class Short(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2025, 10, 2); self.set_end_date(2025, 10, 8); self.set_cash(100000)
        self.stock = self.add_equity("AAPL", Resolution.MINUTE).symbol
    def on_data(self, data):
        if self.time.minute == 0:
            self.market_order(self.stock, 10 if self.time.hour % 2 else -10)
"""

EMPTY = """
from AlgorithmImports import *

class Empty(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2025, 10, 1); self.set_end_date(2025, 10, 10); self.set_cash(1000000)
        for ticker in self.get_parameter("symbols").split("+"):
            self.add_equity(ticker, Resolution.SECOND)
    def on_data(self, data):
        pass
"""

CONSOLIDATED = """
from AlgorithmImports import *

class Consolidated(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2025, 10, 1); self.set_end_date(2025, 10, 10); self.set_cash(1000000)
        self.state = {}
        for ticker in self.get_parameter("symbols").split("+"):
            symbol = self.add_equity(ticker, Resolution.SECOND).symbol
            consolidator = TradeBarConsolidator(timedelta(seconds=15))
            consolidator.data_consolidated += self.on_bar
            self.subscription_manager.add_consolidator(symbol, consolidator)
            self.state[symbol] = {"value": 0.0, "volume": 0.0, "mean": None, "bars": 0}
        self.schedule.on(self.date_rules.every_day(), self.time_rules.after_market_open("SPY", 0), self.reset)
    def reset(self):
        for symbol, state in self.state.items():
            mean = float(self.history(symbol, 30, Resolution.DAILY)["close"].mean())
            state.update(value=0.0, volume=0.0, mean=mean)
    def on_bar(self, sender, bar):
        state = self.state[bar.symbol]
        state["value"] += (bar.high + bar.low + bar.close) / 3 * bar.volume
        state["volume"] += bar.volume
        state["bars"] += 1
        if state["bars"] % 190 == 0:
            vwap = state["value"] / max(state["volume"], 1)
            self.market_order(bar.symbol, 10 if bar.close > vwap else -10)
    def on_data(self, data):
        pass
"""

# name, class, source, target wall in seconds, what real Lean took (wall, seconds)
CASES = (
    ("short: 5 days of minutes", "Short", SHORT, 0.5, "7 to 9"),
    ("empty: 15 symbols, seconds", "Empty", EMPTY, 1.5, "11.1"),
    ("consolidated: 15-second bars", "Consolidated", CONSOLIDATED, 2.5, "13.3"),
)


def write_minutes(data: Path, ticker: str, days: list[date]) -> None:
    """Minute bars made of the second bars that are there."""
    for day in days:
        seconds = read_bars(zip_path(data, ticker, "second", day), "second", "trade", day)
        minute = seconds.start_us // 60_000_000 * 60_000_000
        first = np.concatenate(([0], np.flatnonzero(np.diff(minute)) + 1))
        last = np.concatenate((first[1:], [len(minute)])) - 1
        opens, highs, lows, closes, volumes = seconds.columns
        columns = (
            opens[first],
            np.maximum.reduceat(highs, first),
            np.minimum.reduceat(lows, first),
            closes[last],
            np.add.reduceat(volumes, first),
        )
        table = BarTable("trade", minute[first], columns)
        path = zip_path(data, ticker, "minute", day)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_zip(path, entry_name(ticker, "minute", day), format_bars(table, "minute", day))


def run(command: list[str]) -> tuple[float, float]:
    """Wall and CPU seconds of one process; raises when it fails."""
    before = os.times()
    started = time.perf_counter()
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    wall = time.perf_counter() - started
    after = os.times()
    return wall, after.children_user - before.children_user + after.children_system - before.children_system


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="bench-engine-") as folder:
        root = Path(folder)
        data = root / "data"
        spec = synth_spec()
        synthesize(data, spec)
        tickers = [symbol.ticker for symbol in spec.symbols if symbol.ticker.upper() != "SPY"][:15]
        days = [date(2025, 10, 1) + timedelta(days=i) for i in range(10)]
        write_minutes(data, "AAPL", [d for d in days if zip_path(data, "AAPL", "second", d).is_file()])
        for name, kind, source, target, lean in CASES:
            algorithm = root / f"{kind.lower()}.py"
            algorithm.write_text(source, "utf-8")
            command = [
                *(sys.executable, "-m", "harness.embedded", "--data-folder", str(data)),
                *("--algorithm-location", str(algorithm), "--algorithm-type-name", kind),
                *("--results-destination-folder", str(root / kind), "--cache-folder", str(root / "cache")),
                *("--parameters", "symbols:" + "+".join(tickers)),
            ]
            run(command)  # fills the cache
            walls, cpus = zip(*(run(command) for _ in range(options.rounds)), strict=True)
            rows.append(
                {
                    "case": name,
                    "wall_s": round(statistics.median(walls), 3),
                    "wall_min_s": round(min(walls), 3),
                    "cpu_s": round(statistics.median(cpus), 3),
                    "cpu_min_s": round(min(cpus), 3),
                    "target_s": target,
                    "lean_s": lean,
                }
            )
    load = os.getloadavg()[0]
    if options.json:
        print(json.dumps({"rows": rows, "load": load}, indent=1))
        return 0
    print(f"{options.rounds} rounds after one that fills the cache; load average {load:.2f} on {os.cpu_count()} CPUs")
    print(f"{'case':32}{'wall s':>9}{'(min)':>9}{'CPU s':>9}{'(min)':>9}{'target':>9}{'real Lean':>12}")
    for row in rows:
        print(
            f"{row['case']:32}{row['wall_s']:9.2f}{row['wall_min_s']:9.2f}{row['cpu_s']:9.2f}{row['cpu_min_s']:9.2f}"
            f"{row['target_s']:9.1f}{row['lean_s']:>12}"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
