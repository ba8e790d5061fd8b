"""The same bars, entries and exit rules in vectorbt or backtesting.py; run by ``bench_fast_path.py``.

Usage: python peers_fast_path.py (vectorbt|backtesting) FOLDER. It runs in an environment of the peers' own, needs
NumPy and the peer, and imports nothing of this project. FOLDER holds ``<column>.npy`` (symbols * rows, symbol after
symbol), ``entries.npz`` and ``scenario.json``. The answer is one JSON line: versions, seconds, resident bytes, and
the trades' file.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np


def resident(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    return 0


def mark_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def load(folder: Path) -> tuple[dict[str, Any], dict[str, np.ndarray], dict[str, np.ndarray]]:
    scenario = json.loads((folder / "scenario.json").read_text())
    columns = {name: np.load(folder / f"{name}.npy") for name in ("time_ns", "open", "high", "low", "close")}
    with np.load(folder / "entries.npz") as entries:
        return scenario, columns, dict(entries)


def run_vectorbt(folder: Path) -> dict[str, Any]:
    start = time.perf_counter()
    import pandas as pd
    import vectorbt as vbt

    import_s = time.perf_counter() - start
    scenario, columns, entries = load(folder)
    symbols, rows = scenario["symbols"], scenario["rows"]

    def frame(values: np.ndarray) -> Any:
        return pd.DataFrame(np.ascontiguousarray(values.reshape(symbols, rows).T))

    def flags(at: np.ndarray) -> Any:
        marks = np.zeros(symbols * rows, dtype=bool)
        marks[at] = True
        return frame(marks)

    frames = {name: frame(columns[name]) for name in ("open", "high", "low", "close")}
    longs = flags(entries["signal"][entries["direction"] > 0])
    shorts = flags(entries["signal"][entries["direction"] < 0])
    last = flags(entries["session_last"])
    del columns
    mark_peak()
    before = resident("VmRSS:")

    def simulate() -> Any:
        return vbt.Portfolio.from_signals(
            frames["close"],
            entries=longs,
            exits=last,
            short_entries=shorts,
            short_exits=last,
            open=frames["open"],
            high=frames["high"],
            low=frames["low"],
            sl_stop=scenario["stop_loss"],
            tp_stop=scenario["take_profit"],
            size=scenario["quantity"],
            size_type="amount",
            init_cash=1e12,
        )

    seconds = []
    for _ in range(scenario["repeats"] + 1):
        start = time.perf_counter()
        portfolio = simulate()
        seconds.append(time.perf_counter() - start)
    peak = resident("VmHWM:")
    records = portfolio.trades.records
    stops = []
    for _ in range(scenario["repeats"] + 1):
        start = time.perf_counter()
        longs.vbt.signals.generate_ohlc_stop_exits(
            frames["open"],
            frames["high"],
            frames["low"],
            frames["close"],
            sl_stop=scenario["stop_loss"],
            tp_stop=scenario["take_profit"],
        )
        stops.append(time.perf_counter() - start)
    np.savez(
        folder / "vectorbt.npz",
        entry_index=records["entry_idx"].to_numpy() + records["col"].to_numpy() * rows,
        exit_index=records["exit_idx"].to_numpy() + records["col"].to_numpy() * rows,
        entry_price=records["entry_price"].to_numpy(),
        exit_price=records["exit_price"].to_numpy(),
        profit=records["pnl"].to_numpy(),
    )
    return {
        "import_s": import_s,
        "first_s": seconds[0],
        "warm_s": seconds[1:],
        "stop_scan_warm_s": stops[1:],
        "bars": symbols * rows,
        "before_bytes": before,
        "peak_bytes": peak,
        "versions": {name: importlib.metadata.version(name) for name in ("vectorbt", "numba", "numpy", "pandas")},
    }


def run_backtesting(folder: Path) -> dict[str, Any]:
    start = time.perf_counter()
    import pandas as pd
    from backtesting import Backtest, Strategy

    import_s = time.perf_counter() - start
    scenario, columns, entries = load(folder)
    rows = scenario["rows"]
    data = pd.DataFrame(
        {name.capitalize(): columns[name][:rows] for name in ("open", "high", "low", "close")},
        index=pd.to_datetime(columns["time_ns"][:rows]),
    )
    data["Volume"] = 1.0
    mine = entries["signal"] < rows
    signals = dict(zip(entries["signal"][mine].tolist(), entries["direction"][mine].tolist(), strict=True))
    last_rows = set(entries["session_last"][entries["session_last"] < rows].tolist())
    stop_loss, take_profit, quantity = scenario["stop_loss"], scenario["take_profit"], scenario["quantity"]
    del columns

    class Same(Strategy):  # type: ignore[misc]
        def init(self) -> None:
            pass

        def next(self) -> None:
            row = len(self.data) - 1
            if row in last_rows:
                self.position.close()
                return
            side = signals.get(row)
            if side is None:
                return
            price = self.data.Close[-1]
            stop, target = price * (1 - side * stop_loss), price * (1 + side * take_profit)
            (self.buy if side > 0 else self.sell)(size=quantity, sl=stop, tp=target)

    mark_peak()
    before = resident("VmRSS:")
    start = time.perf_counter()
    stats = Backtest(data, Same, cash=1e12, trade_on_close=True, exclusive_orders=False, finalize_trades=True).run()
    seconds = time.perf_counter() - start
    trades = stats["_trades"]
    np.savez(
        folder / "backtesting.npz",
        entry_index=trades["EntryBar"].to_numpy(),
        exit_index=trades["ExitBar"].to_numpy(),
        entry_price=trades["EntryPrice"].to_numpy(),
        exit_price=trades["ExitPrice"].to_numpy(),
        profit=trades["PnL"].to_numpy(),
    )
    return {
        "import_s": import_s,
        "first_s": seconds,
        "warm_s": [seconds],
        "bars": rows,
        "before_bytes": before,
        "peak_bytes": resident("VmHWM:"),
        "versions": {name: importlib.metadata.version(name) for name in ("backtesting", "numpy", "pandas")},
    }


if __name__ == "__main__":
    peer = {"vectorbt": run_vectorbt, "backtesting": run_backtesting}[sys.argv[1]]
    print(json.dumps(peer(Path(sys.argv[2]))))
