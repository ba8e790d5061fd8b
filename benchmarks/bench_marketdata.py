"""What market data costs: making it, decoding it, opening it from the column cache, and reference data at start.

    .venv/bin/python benchmarks/bench_marketdata.py [--repeat 5] [--json]

Makes the default synthetic set in a temporary folder and removes it. Decoding is compared with pandas' C reader and
with ``numpy.loadtxt`` on the same bytes in the same process; each figure is the best of ``--repeat`` runs with a warm
file cache. Start-up is measured in fresh processes. Targets: the default set under 60 s and 80 MB, a cached file open
under 0.3 ms, an entry of the market hours database under 15 ms.
"""

from __future__ import annotations

import argparse
import datetime as dt
import io
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from harness.embedded.columns import ColumnStore
from harness.marketdata.calendar import new_york_calendar
from harness.marketdata.lean_format import parse_bars, read_entry, zip_path
from harness.marketdata.spec import synth_spec
from harness.marketdata.synth import synthesize

_START_UP = """
import sys, time, datetime as dt
import numpy, harness.embedded.enums, harness.embedded.clr
start = time.perf_counter()
from harness.embedded.columns import ColumnStore
from harness.embedded.reference import corporate, interest_rate, market_hours, symbol_properties, symbols
imported = time.perf_counter()
folder = sys.argv[1]
symbols.set_map_file_resolver(corporate.MapFileResolver(folder))
made = [symbols.Symbol.create(name, symbols.SecurityType.EQUITY, "usa") for name in sys.argv[2].split(",")]
resolved = time.perf_counter()
hours = market_hours.MarketHoursDatabase(folder).get_exchange_hours("SPY")
hours.session_bounds_us(dt.date(2025, 10, 1))
opened = time.perf_counter()
print(imported - start, resolved - imported, opened - resolved)
"""


def best_s(work: Callable[[], object], repeat: int) -> float:
    """Shortest wall time of ``repeat`` runs, seconds."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def measure(folder: Path, repeat: int) -> dict[str, Any]:
    """All figures, with units in their names."""
    spec = synth_spec()
    data = folder / "data"
    report = synthesize(data, spec)
    figures: dict[str, Any] = {
        "synth_wall_s": report.wall_s,
        "synth_bytes": report.size_bytes,
        "synth_files": report.files,
        "synth_kept_s": synthesize(data, spec).wall_s,
    }
    day = spec.start
    payload = read_entry(zip_path(data, "AAPL", "second", day))
    megabytes = len(payload) / 1e6
    figures["decode_mb_per_s"] = megabytes / best_s(lambda: parse_bars(payload, "second", "trade", day), repeat)
    figures["pandas_mb_per_s"] = megabytes / best_s(lambda: pd.read_csv(io.BytesIO(payload), header=None), repeat)
    loadtxt_s = best_s(lambda: np.loadtxt(io.BytesIO(payload), dtype=np.int64, delimiter=","), 1)
    figures["loadtxt_mb_per_s"] = megabytes / loadtxt_s
    figures["decode_over_pandas"] = figures["decode_mb_per_s"] / figures["pandas_mb_per_s"]

    days = new_york_calendar().days(spec.start, spec.end)
    paths = [(zip_path(data, ticker, "second", date), date) for ticker in spec.tickers for date in days]
    figures["files"] = len(paths)
    figures["decode_ms_per_file"] = 1000 * best_s(lambda: open_all(ColumnStore(None), paths), 1) / len(paths)
    store = ColumnStore(folder / "cache")
    figures["first_open_ms_per_file"] = 1000 * best_s(lambda: open_all(store, paths), 1) / len(paths)
    figures["cached_open_ms_per_file"] = 1000 * best_s(lambda: open_all(store, paths), repeat) / len(paths)
    figures["cache_bytes"] = sum(path.stat().st_size for path in (folder / "cache").iterdir())
    figures["rows"] = open_all(store, paths)

    command = [sys.executable, "-c", _START_UP, str(data), ",".join(spec.tickers)]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() for _ in range(repeat)]
    best = [1000 * min(float(run[index]) for run in runs) for index in range(3)]
    figures["start_imports_ms"], figures["start_symbols_ms"], figures["start_hours_ms"] = best
    return figures


def open_all(store: ColumnStore, paths: list[tuple[Path, dt.date]]) -> int:
    """Open every file; the rows in all of them."""
    opened = [store.trade_bars(path, "second", date) for path, date in paths]
    return sum(bars.rows for bars in opened if bars is not None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), arguments.repeat)
    if arguments.json:
        print(json.dumps(figures, indent=1))
        return
    for name, value in figures.items():
        print(f"{name:26} {value:12.3f}" if isinstance(value, float) else f"{name:26} {value:12,}")


if __name__ == "__main__":
    main()
