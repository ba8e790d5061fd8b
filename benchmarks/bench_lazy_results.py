"""What lazy loading costs and saves on 60 datasets of 50 MB: time, and peak memory sampled from outside the process.

    .venv/bin/python benchmarks/bench_lazy_results.py [--datasets 60] [--megabytes 50] [--compact] [--json]

Makes the tree in a temporary folder and removes it. Every figure is of a process of its own; the file cache is warm
for all of them. Eager loading is run on as many datasets as fit into half of the free memory; where that is not all,
its figures are scaled and say so.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

try:
    import psutil
except ImportError:  # memory from outside is then not measured
    psutil = None  # type: ignore[assignment]

STRATEGIES = 4
EAGER_BYTES_PER_BYTE = 6.0


# ------------------------------------------------------------------------------------------ the tree


def _order(number: int) -> dict[str, Any]:
    when = f"2025-10-{1 + number % 10:02d}T14:{number % 60:02d}:00Z"
    price = round(100 + number % 5000 / 100, 2)
    return {
        "type": 0,
        "id": number,
        "contingentId": 0,
        "brokerId": [str(number)],
        "symbol": {"value": "ALFA", "id": "ALFA UJ0T0SKEFN1H", "permtick": "ALFA"},
        "price": price,
        "priceCurrency": "USD",
        "time": when,
        "createdTime": when,
        "lastFillTime": when,
        "quantity": 100.0,
        "status": 3,
        "tag": "",
        "properties": {"timeInForce": {}},
        "securityType": 1,
        "direction": number % 2,
        "value": price * 100,
        "orderSubmissionData": {"bidPrice": price, "askPrice": price, "lastPrice": price},
        "isMarketable": True,
        "priceAdjustmentMode": 1,
    }


def _trade(number: int) -> dict[str, Any]:
    return {
        "id": f"{number:08x}-0000-4000-8000-000000000000",
        "symbols": [{"value": "ALFA", "id": "ALFA UJ0T0SKEFN1H", "permtick": "ALFA"}],
        "entryTime": "2025-10-06T13:31:00Z",
        "entryPrice": 318.33,
        "direction": 0,
        "quantity": 100.0,
        "exitTime": "2025-10-06T15:30:00Z",
        "exitPrice": 315.58,
        "profitLoss": -275.0,
        "totalFees": 2.25,
        "mae": -581.0,
        "mfe": 5.0,
        "duration": "01:59:00",
        "endTradeDrawdown": 280.0,
        "isWin": False,
        "orderIds": [number, number + 1],
    }


def make_tree(root: Path, datasets: int, megabytes: float, indent: int | None = 2) -> None:
    """``datasets`` result documents in Lean's order of sections and, with ``indent`` 2, its layout.

    Six closed trades to ten orders, as in recordings of real Lean; together nearly all of the bytes.
    """
    sample = json.dumps({str(n): [_order(n)] + [_trade(n)] * (n % 5 < 3) for n in range(100)}, indent=indent)
    orders = int(megabytes * 1e6 / (len(sample) / 100 * 1.01))
    trades = orders * 6 // 10
    values = [[1759757460 + n * 300, 100000.0 + n, 100010.5 + n, 99990.25 + n, 100001.0 + n] for n in range(2000)]
    document: dict[str, Any] = {
        "rollingWindow": {},
        "charts": {
            "Strategy Equity": {"name": "Strategy Equity", "series": {"Equity": {"name": "Equity", "values": values}}}
        },
        "orders": {str(number): _order(number) for number in range(1, orders + 1)},
        "profitLoss": {f"2025-10-06T15:30:{n % 60:02d}.{n:04d}Z": -324.5 + n for n in range(2000)},
        "statistics": {"Total Orders": "@@", "Net Profit": "-0.880%", "Sharpe Ratio": "-8.83"},
        "runtimeStatistics": {"Equity": "$99,119.75", "Fees": "-$12.75"},
        "state": {"Status": "Completed", "OrderCount": str(orders)},
        "totalPerformance": {"tradeStatistics": {}, "closedTrades": [_trade(number) for number in range(trades)]},
    }
    before, _, after = json.dumps(document, indent=indent).partition("@@")
    for number in range(datasets):
        folder = root / f"strategy_{number % STRATEGIES}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"dataset_{number:02d}.json").write_text(before + str(number) + after)


# ------------------------------------------------------------------------------------------ the measured processes


def _resident_bytes() -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def child(case: str, root: str) -> dict[str, Any]:
    """One case in this process; seconds in ``wall_s``, memory above the bare interpreter in ``grown_bytes``."""
    bare = _resident_bytes()
    start = time.perf_counter()
    if case == "json.load":
        path = Path(root, "strategy_0", "dataset_00.json")
        with path.open() as stream:
            orders = json.load(stream)["orders"]
        return {"wall_s": time.perf_counter() - start, "orders": len(orders)}
    from harness.results.test_results import TestResults

    imported = time.perf_counter()
    if case == "tracemalloc":
        import tracemalloc

        tracemalloc.start()
        TestResults(root, lazy=True).list_datasets()
        return {"wall_s": time.perf_counter() - imported, "traced_peak_bytes": tracemalloc.get_traced_memory()[1]}
    test = TestResults(root, lazy=case != "eager")
    opened = time.perf_counter()
    result: dict[str, Any] = {
        "import_s": imported - start,
        "open_s": opened - imported,
        "grown_bytes": _resident_bytes() - bare,
    }
    if case == "orders":
        count = len(test.datasets["strategy_0/dataset_00"]["orders"])
        result |= {"wall_s": time.perf_counter() - opened, "orders": count}
        again = time.perf_counter()
        test.datasets["strategy_0/dataset_00"]["orders"]
        result["second_access_s"] = time.perf_counter() - again
    elif case in ("summary", "eager"):
        found = [test.datasets[name]["statistics"]["Total Orders"] for name in test.list_datasets()]
        result |= {"wall_s": time.perf_counter() - imported, "datasets": len(found)}
        assert sorted(map(int, found)) == list(range(len(found)))
    return result


def run(case: str, root: Path) -> dict[str, Any]:
    """:func:`child` in a process of its own, its resident memory sampled every 2 ms from here."""
    command = [sys.executable, __file__, "--child", case, str(root)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    peak = [0]

    def sample() -> None:
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            try:
                peak[0] = max(peak[0], watched.memory_info().rss)
            except psutil.Error:
                return
            time.sleep(0.002)

    if psutil is not None:
        watcher = threading.Thread(target=sample)
        watcher.start()
    output, _ = process.communicate()
    if psutil is not None:
        watcher.join()
    if process.returncode:
        raise SystemExit(f"the case {case} failed")
    return {**json.loads(output), "peak_bytes": peak[0] or None}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--datasets", type=int, default=60)
    parser.add_argument("--megabytes", type=float, default=50)
    parser.add_argument("--compact", action="store_true", help="files on one line instead of Lean's layout")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(child(*options.child)))
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary) / "tree"
        make_tree(root, options.datasets, options.megabytes, None if options.compact else 2)
        rows = measure(root, options.datasets, Path(temporary))
    if options.json:
        print(json.dumps(rows, indent=2))
    else:
        show(rows)
    return 0 if all(row["met"] in (True, None) for row in rows) else 1


def measure(root: Path, datasets: int, temporary: Path) -> list[dict[str, Any]]:
    size = (root / "strategy_0" / "dataset_00.json").stat().st_size
    free = psutil.virtual_memory().available if psutil is not None else 0
    eager_datasets = max(1, min(datasets, int(free / 2 / (size * EAGER_BYTES_PER_BYTE))))
    part = temporary / "part"
    for path in sorted(root.rglob("*.json")):
        number = int(path.stem.rsplit("_", 1)[1])
        if number < eager_datasets:
            target = part / path.parent.name / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, target)
    for path in root.rglob("*.json"):
        path.read_bytes()  # the file cache, for everyone alike

    opened = run("open", root)
    traced = run("tracemalloc", root)
    shutil.rmtree(root / ".harness-cache", ignore_errors=True)
    cold = run("summary", root)
    warm = run("summary", root)
    eager = run("eager", part)
    plain = run("json.load", root)
    orders = run("orders", root)
    scale = datasets / eager_datasets
    eager_s, eager_bytes = eager["wall_s"] * scale, eager["peak_bytes"] and eager["peak_bytes"] * scale
    note = "" if scale == 1 else f" ({eager_datasets} datasets, scaled to {datasets})"

    rows: list[dict[str, Any]] = []

    def row(name: str, value: float | None, unit: str, limit: float | None = None, at_least: bool = False) -> None:
        met = None if limit is None or value is None else (value >= limit if at_least else value < limit)
        bound = None if limit is None else f"{'>=' if at_least else '<'} {limit:g}"
        rows.append({"figure": name, "value": value, "unit": unit, "bound": bound, "met": met})

    row(f"tree: {datasets} datasets of", size / 1e6, "MB")
    row("open, lazy", opened["open_s"] * 1e3, "ms", 50)
    row("import harness.results.test_results", opened["import_s"] * 1e3, "ms")
    row("open, lazy: resident above the interpreter, import included", opened["grown_bytes"] / 1e6 or None, "MB", 20)
    row("open, lazy: tracemalloc peak", traced["traced_peak_bytes"] / 1e6, "MB")
    row("open and statistics of all, lazy, first time", cold["wall_s"], "s")
    row("open and statistics of all, lazy, index on disk", warm["wall_s"], "s")
    row("  peak resident, first time", cold["peak_bytes"] and cold["peak_bytes"] / 1e6, "MB", 100)
    row("  peak resident, index on disk", warm["peak_bytes"] and warm["peak_bytes"] / 1e6, "MB", 100)
    row(f"open and statistics of all, eager{note}", eager_s, "s")
    row(f"  peak resident, eager{note}", eager_bytes and eager_bytes / 1e6, "MB")
    row("lazy is faster than eager, first time", eager_s / cold["wall_s"], "x", 20, at_least=True)
    row("lazy is faster than eager, index on disk", eager_s / warm["wall_s"], "x", 20, at_least=True)
    row("one file, json.load", plain["wall_s"], "s")
    row("one dataset's orders, lazy", orders["wall_s"], "s")
    row("  faster than json.load", plain["wall_s"] / orders["wall_s"], "x", 3, at_least=True)
    row("  second access", orders["second_access_s"] * 1e3, "ms", 1)
    return rows


def show(rows: list[dict[str, Any]]) -> None:
    for one in rows:
        value = "not measured" if one["value"] is None else f"{one['value']:,.3f} {one['unit']}"
        verdict = {True: "met", False: "MISSED", None: ""}[one["met"]]
        print(f"{one['figure']:62s} {value:>16s}  {one['bound'] or '':>8s}  {verdict}")


if __name__ == "__main__":
    raise SystemExit(main())
