"""Figures of the fast path, each with its target: one command, data generated here.

    python benchmarks/bench_fast_path.py [--peers-python PATH] [--quick] [--out FILE] [--markdown FILE]

``--peers-python`` (or ``HARNESS_PEERS_PYTHON``) is a Python with ``vectorbt`` and ``backtesting`` installed, such as
``python -m venv peers && peers/bin/pip install vectorbt backtesting``; without it the comparison is skipped. Times
are medians unless a line says otherwise; where two things are compared, their runs alternate.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from harness.fast import jit
from harness.fast.bars import Bars, session_bounds, session_last_rows
from harness.fast.choices import EntryAt, Kernel, SimMode
from harness.fast.indicator_cache import NAMES, IndicatorCache
from harness.fast.ingest.load import Dataset, LoadOptions, load_dataset
from harness.fast.reference import PlainBars, PlainEntry, PlainTrade, as_trades, simulate_trade_by_trade
from harness.fast.run import ParallelUse, RunSettings, run
from harness.fast.signals import entry_signals
from harness.fast.simulate import simulate_trades_batch
from harness.fast.strategy import StrategySettings
from harness.fast.trades import Entries, SimulationRules, Trades

# Two workers want two free processors: pairs taken while other programs run are set aside, for so long.
QUIET_SHARE = 0.06
QUIET_LIMIT_S = 60.0
HERE = Path(__file__).resolve().parent
SYMBOLS, SESSIONS, SESSION_BARS = 15, 295, 1560
TRADES_A_SESSION = 4
# Levels so near that every session gives its four trades: 15 * 295 * 4 = 17,700.
STRATEGY = StrategySettings(
    band=0.0005, stop_loss=0.004, take_profit=0.005, trailing=0.0045, max_trades_per_session=TRADES_A_SESSION
)


@dataclass
class Scale:
    """How much data and how many repetitions."""

    symbols: int = SYMBOLS
    sessions: int = SESSIONS
    repeats: int = 7

    @property
    def rows(self) -> int:
        return self.symbols * self.sessions * SESSION_BARS


@dataclass
class Figure:
    """One line of the table: what was measured, its target and whether it was reached (``None``: no target)."""

    name: str
    value: str
    target: str = ""
    reached: bool | None = None


@dataclass
class Report:
    """All figures of a session."""

    figures: list[Figure] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)

    def add(self, name: str, value: str, target: str = "", reached: bool | None = None) -> None:
        self.figures.append(Figure(name, value, target, reached))
        mark = {True: "reached", False: "MISSED", None: ""}[reached]
        print(f"{name:58} {value:>34}  {target:22} {mark}", flush=True)


@dataclass
class Times:
    """Seconds of repeated calls: by the clock, and of processor time over all threads of this process."""

    wall_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)

    @property
    def wall(self) -> float:
        return statistics.median(self.wall_s)

    @property
    def cpu(self) -> float:
        return statistics.median(self.cpu_s)

    def __str__(self) -> str:
        span = f"{min(self.wall_s) * 1000:.1f} to {max(self.wall_s) * 1000:.1f}"
        return f"{ms(self.wall)} ({span}), CPU {ms(self.cpu)}"


def times(repeats: int, *functions: Callable[[], object]) -> list[Times]:
    """Times of each function; they take turns, so that a change of load meets them all."""
    taken = [Times() for _ in functions]
    for _ in range(repeats):
        for function, found in zip(functions, taken, strict=True):
            start, cpu = time.perf_counter(), time.process_time()
            function()
            found.wall_s.append(time.perf_counter() - start)
            found.cpu_s.append(time.process_time() - cpu)
    return taken


def others_share(interval_s: float = 0.15) -> float:
    """Share of the machine's processors that other programs use just now."""
    return psutil.cpu_percent(interval=interval_s) / 100


def ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def spread(seconds: list[float]) -> str:
    return f"{ms(statistics.median(seconds))} ({min(seconds) * 1000:.1f} to {max(seconds) * 1000:.1f})"


# Data --------------------------------------------------------------------------------------------------------------


def write_data(folder: Path, scale: Scale) -> None:
    """One CSV a symbol: sessions of 1,560 15-second bars, in cents, seeded.

    The price swings around a level of the session's own, so that it crosses its VWAP all day and every session has
    its four trades.
    """
    import pyarrow as pa
    from pyarrow import csv
    from scipy.signal import lfilter

    days = np.arange(np.datetime64("2024-01-02"), np.datetime64("2026-12-31"))
    days = days[np.is_busday(days)][: scale.sessions]
    stamps = days.astype("datetime64[s]")[:, None] + 34_200 + np.arange(SESSION_BARS) * 15
    for number in range(scale.symbols):
        rng = np.random.default_rng(number)
        count = scale.sessions * SESSION_BARS
        level = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, scale.sessions)))
        swing = lfilter([1.0], [1.0, -0.99], rng.normal(0, 4e-4, (scale.sessions, SESSION_BARS)), axis=1)
        close = np.round(level[:, None] * np.exp(swing), 2).ravel()
        open_ = np.round(np.concatenate(([100.0], close[:-1])) * (1 + rng.normal(0, 5e-5, count)), 2)
        high = np.round(np.maximum(open_, close) + np.abs(rng.normal(0, 0.01, count)), 2)
        low = np.round(np.minimum(open_, close) - np.abs(rng.normal(0, 0.01, count)), 2)
        columns = {"open": open_, "high": high, "low": low, "close": close, "volume": rng.integers(1, 5000, count)}
        csv.write_csv(pa.table({"time": stamps.ravel(), **columns}), folder / f"S{number:02}.csv")


def pandas_ingest(folder: Path) -> tuple[int, int, int]:
    """The usual way: read, drop duplicates, order, find gaps inside sessions."""
    import pandas as pd

    rows = gaps = missing = 0
    for path in sorted(folder.glob("*.csv")):
        table = pd.read_csv(path, parse_dates=["time"])
        table = table.drop_duplicates("time").sort_values("time", kind="stable").reset_index(drop=True)
        step = table["time"].diff()
        cadence = step.mode()[0]
        inside = table["time"].dt.normalize() == table["time"].shift().dt.normalize()
        holes = step[inside & (step > cadence)]
        rows += len(table)
        gaps += len(holes)
        missing += int((holes // cadence - 1).sum())
    return rows, gaps, missing


# Measurements ------------------------------------------------------------------------------------------------------


def measure_ingest(report: Report, data: Path, cache: Path, scale: Scale) -> Dataset:
    repeats = max(3, scale.repeats // 2)
    plain, by_pandas = times(repeats, lambda: load_dataset(data, LoadOptions()), lambda: pandas_ingest(data))
    pairs = zip(plain.wall_s, by_pandas.wall_s, strict=True)
    ratio = statistics.median(theirs / ours for ours, theirs in pairs)
    value = f"{ratio:.1f} (CPU {by_pandas.cpu / plain.cpu:.1f})"
    report.add("ingest CSV: parse, clean, gaps, account", str(plain))
    report.add("ingest CSV: pandas.read_csv and the same checks", str(by_pandas))
    report.add("ingest CSV: times faster than pandas", value, "at least 3", ratio >= 3)
    start = time.perf_counter()
    load_dataset(data, LoadOptions(cache_folder=cache))
    report.add("ingest CSV and write the column cache", ms(time.perf_counter() - start))
    (cached,) = times(scale.repeats, lambda: touch(load_dataset(data, LoadOptions(cache_folder=cache))))
    report.add("ingest from the cache, every page read once", str(cached), "under 200 ms", cached.wall < 0.2)
    return load_dataset(data, LoadOptions(cache_folder=cache))


def touch(dataset: Dataset) -> float:
    """Read something of every page of every column."""
    return float(sum(column[::512].sum() for bars in dataset.bars for column in bars.columns()))


def joined(dataset: Dataset) -> Bars:
    """All symbols as one long column each, symbol after symbol, in memory."""
    columns = zip(*(bars.columns() for bars in dataset.bars), strict=True)
    return Bars.of("ALL", [np.concatenate(parts) for parts in columns], "all")


def strategy_entries(dataset: Dataset, strategy: StrategySettings) -> tuple[Entries, Trades]:
    """The entries that became trades, rows counted over the joined columns, and those trades."""
    signal, direction, limit = [], [], []
    first = 0
    for bars in dataset.bars:
        entries = entry_signals(bars, strategy, IndicatorCache())
        trades = simulate_trades_batch(entries, bars, strategy.rules()).trades
        signal.append(trades.signal + first)
        direction.append(trades.direction)
        limit.append(entries.limit[trades.entry_row] + first)
        first += len(bars)
    chosen = Entries.of(
        np.concatenate(signal),
        np.concatenate(direction),
        quantity=strategy.quantity,
        stop_loss=strategy.stop_loss,
        take_profit=strategy.take_profit,
        trailing=strategy.trailing,
        limit=np.concatenate(limit),
    )
    return chosen, trades


def measure_simulation(report: Report, dataset: Dataset, scale: Scale) -> None:
    bars = joined(dataset)
    entries, _ = strategy_entries(dataset, STRATEGY)
    rules = SimulationRules(price_decimals=2)
    rows = [getattr(entries, name).tolist() for name in PlainEntry.__slots__]
    plain = (
        PlainBars(bars.open.tolist(), bars.high.tolist(), bars.low.tolist(), bars.close.tolist()),
        [PlainEntry(*row) for row in zip(*rows, strict=True)],
    )
    found: list[PlainTrade] = []

    def by_loop() -> None:
        found[:] = simulate_trade_by_trade(*plain, rules)[0]

    kernels = [Kernel.NUMPY, *([Kernel.NUMBA] if jit.numba_installed() else [])]
    results: dict[Kernel, Trades] = {}

    def by_batch(kernel: Kernel) -> Callable[[], None]:
        def simulate() -> None:
            results[kernel] = simulate_trades_batch(entries, bars, rules, kernel=kernel).trades

        return simulate

    for kernel in kernels:
        by_batch(kernel)()
    warm = times(scale.repeats * 3, *(by_batch(kernel) for kernel in kernels))
    (loop,) = times(3, by_loop)
    expected = as_trades(found)
    held = float((expected.exit_index - expected.entry_index).mean())
    report.add("simulation: bars, trades, mean bars held", f"{len(bars):,}, {len(expected):,}, {held:.0f}")
    report.add("simulation: per-trade loop (Python lists)", str(loop))
    for kernel, batch in zip(kernels, warm, strict=True):
        same = all(
            getattr(results[kernel], name).tobytes() == getattr(expected, name).tobytes() for name in Trades.__slots__
        )
        report.add(f"simulation: batch, {kernel}, warm", str(batch), "under 100 ms", batch.wall < 0.1)
        # Both are one thread: processor time compares them whatever else the machine does.
        ratio = loop.cpu / batch.cpu
        target = ("at least 100", ratio >= 100) if kernel is kernels[-1] else ("", None)
        value = f"{ratio:.0f} by CPU, {loop.wall / batch.wall:.0f} by the clock"
        report.add(f"simulation: {kernel}, times faster than the loop", value, *target)
        report.add(f"simulation: {kernel}, trades equal to the last bit", str(same), "all", same)


COLD = """
import sys, time
start = time.perf_counter()
from pathlib import Path
import numpy as np
from harness.fast.bars import Bars
from harness.fast.choices import Kernel
from harness.fast.simulate import simulate_trades_batch
from harness.fast.trades import Entries, SimulationRules
folder = Path(sys.argv[1])
columns = [np.load(folder / f"{name}.npy", mmap_mode="r") for name in
           ("time_ns", "open", "high", "low", "close", "volume")]
with np.load(folder / "entries.npz") as stored:
    entries = Entries(**{name: stored[name] for name in Entries.__slots__})
trades = simulate_trades_batch(entries, Bars.of("ALL", columns), SimulationRules(price_decimals=2),
                               kernel=Kernel(sys.argv[2])).trades
print(time.perf_counter() - start, len(trades))
"""


def measure_cold_start(report: Report, dataset: Dataset, work: Path) -> None:
    folder = work / "cold"
    folder.mkdir(exist_ok=True)
    bars = joined(dataset)
    for name, column in zip(("time_ns", "open", "high", "low", "close", "volume"), bars.columns(), strict=True):
        np.save(folder / f"{name}.npy", column)
    entries, _ = strategy_entries(dataset, STRATEGY)
    np.savez(folder / "entries.npz", **{name: getattr(entries, name) for name in Entries.__slots__})

    def cold(kernel: Kernel, cache: Path) -> float:
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
        command = [sys.executable, "-c", COLD, str(folder), kernel.value]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, cwd=HERE.parent)
        return float(done.stdout.split()[0])

    cases = [("NumPy: import and first simulation", [cold(Kernel.NUMPY, work / "none") for _ in range(3)])]
    if jit.numba_installed():
        compiled = []
        for number in range(3):
            compiled.append(cold(Kernel.NUMBA, work / f"numba-{number}"))
        cases.append(("numba: import, compile, first simulation", compiled))
        cases.append(("numba: import, load from disk, first", [cold(Kernel.NUMBA, work / "numba-0") for _ in range(3)]))
    for name, seconds in cases:
        median = statistics.median(seconds)
        report.add(f"cold start, {name}", spread(seconds), "under 3 s", median < 3)


def measure_runs(report: Report, data: Path, cache: Path, scale: Scale) -> None:
    load = LoadOptions(cache_folder=cache)

    def settings(**changes: Any) -> RunSettings:
        return RunSettings(**{"strategy": STRATEGY, "load": load, **changes})

    kernels = [Kernel.NUMPY, *([Kernel.NUMBA] if jit.numba_installed() else [])]
    digests = {}
    medians = {}
    for kernel in kernels:
        run(data, settings(kernel=kernel))
        seconds = []
        for _ in range(scale.repeats):
            result = run(data, settings(kernel=kernel))
            seconds.append(result.wall_s)
        digests[kernel] = result.trades_digest
        medians[kernel] = statistics.median(seconds)
        report.add(f"whole run from the cache, batch, {kernel}", spread(seconds))
        phases = ", ".join(f"{name} {value * 1000:.0f}" for name, value in result.phases.items())
        report.details[f"phases_ms_{kernel}"] = phases
        report.add("  phases (ms)", phases)
    report.add("whole run: trades", f"{result.trade_count:,}", "17,700", result.trade_count == scale.rows // 390)
    event = [run(data, settings(mode=SimMode.EVENT)) for _ in range(3)]
    event_s = statistics.median(one.wall_s for one in event)
    report.add("whole run from the cache, event", spread([one.wall_s for one in event]))
    for kernel in kernels:
        ratio = event_s / medians[kernel]
        report.add(f"whole run: {kernel} times faster than event", f"{ratio:.0f}", "at least 10", ratio >= 10)
    same = {*digests.values(), event[0].trades_digest}
    report.add("whole run: same trades in every mode", str(len(same) == 1), "all", len(same) == 1)


def measure_indicators(report: Report, dataset: Dataset, scale: Scale) -> None:
    cache = IndicatorCache(max_bytes=4 << 30)
    bars = joined(dataset)
    worst = 0.0
    for name in NAMES:
        start = time.perf_counter()
        cache.get(bars, name, 20)
        first_s = time.perf_counter() - start
        (again,) = times(scale.repeats, lambda name=name: cache.get(bars, name, 20))  # type: ignore[misc]
        worst = max(worst, again.wall / first_s)
        report.details[f"indicator_{name}_first_ms"] = first_s * 1000
    report.add(
        f"indicators: repeated request, share of the first (worst of {len(NAMES)})",
        f"{worst:.2e}",
        "at most 5 %",
        worst <= 0.05,
    )


def measure_fractions(report: Report, data: Path, scale: Scale) -> None:
    fractions = (0.25, 0.5, 1.0)

    def one(fraction: float) -> Callable[[], object]:
        load = LoadOptions(fraction=fraction)
        return lambda: run(data, RunSettings(strategy=STRATEGY, load=load, kernel=Kernel.NUMPY))

    one(0.25)()
    taken = times(max(5, scale.repeats), *(one(fraction) for fraction in fractions))
    for fraction, found in zip(fractions, taken, strict=True):
        relative = found.wall / (fraction * taken[-1].wall)
        report.add(
            f"run from CSV with --data-frac {fraction:g}: time over its share",
            f"{ms(found.wall)}, {relative:.2f} (CPU {found.cpu / (fraction * taken[-1].cpu):.2f})",
            "0.8 to 1.2",
            0.8 <= relative <= 1.2,
        )


MEMORY = """
import json, sys
from harness.fast.choices import Kernel
from harness.fast.run import ParallelUse, RunSettings, run
from pathlib import Path
from bench_fast_path import STRATEGY
from harness.fast.ingest.load import LoadOptions
cache = Path(sys.argv[2]) if sys.argv[2] else None
result = run(Path(sys.argv[1]), RunSettings(strategy=STRATEGY, load=LoadOptions(cache_folder=cache),
                                            kernel=Kernel(sys.argv[3])))
m = result.memory
print(json.dumps([m.ratio, m.peak_bytes, m.raw_bytes, m.before_bytes]))
"""


def measure_memory(report: Report, data: Path, cache: Path, work: Path) -> None:
    kernels = [Kernel.NUMPY, *([Kernel.NUMBA] if jit.numba_installed() else [])]
    single = work / "single"
    single.mkdir(exist_ok=True)
    with (single / "ALL.csv").open("wb") as target:
        # One symbol with all rows: the later files' days are moved on so that time ascends.
        write_single(sorted(data.glob("*.csv")), target)
    cases = [("15 symbols, from the cache", data, str(cache)), ("15 symbols, from CSV, no cache", data, "")]
    cases.append(("one symbol with all rows, from CSV, no cache", single, ""))
    for name, source, cache_folder in cases:
        for kernel in kernels:
            command = [sys.executable, "-c", MEMORY, str(source), cache_folder, kernel.value]
            environment = {**os.environ, "PYTHONPATH": str(HERE)}
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, cwd=HERE.parent)
            ratio, peak, raw, before = json.loads(done.stdout)
            value = f"{ratio:.2f} (peak {peak >> 20} MiB of process)"
            report.add(f"memory over raw data, {kernel}: {name}", value, "at most 1.2", ratio <= 1.2)
            report.details[f"memory {kernel} {name}"] = {"ratio": ratio, "peak": peak, "raw": raw, "before": before}
    shutil.rmtree(single)


def write_single(files: list[Path], target: Any) -> None:
    import pyarrow as pa
    from pyarrow import csv

    shift = np.timedelta64(0, "s")
    for number, path in enumerate(files):
        table = csv.read_csv(path)
        stamps = table["time"].to_numpy().astype("datetime64[s]")
        moved = table.set_column(0, "time", pa.array(stamps + shift))
        csv.write_csv(moved, target, csv.WriteOptions(include_header=number == 0))
        # A whole number of weeks, so that weekdays stay.
        shift += (stamps[-1] - stamps[0]).astype("timedelta64[W]").astype("timedelta64[s]") + np.timedelta64(14, "D")


def measure_workers(report: Report, data: Path, cache: Path, scale: Scale) -> None:
    cases = [("batch, numba", SimMode.BATCH, Kernel.NUMBA)] if jit.numba_installed() else []
    cases += [("batch, numpy", SimMode.BATCH, Kernel.NUMPY), ("event", SimMode.EVENT, Kernel.AUTO)]
    for name, mode, kernel in cases:
        settings = RunSettings(
            strategy=STRATEGY,
            load=LoadOptions(cache_folder=cache),
            mode=mode,
            kernel=kernel,
            workers=2,
            measure_efficiency=True,
        )
        run(data, settings)
        wanted = 3 if mode is SimMode.EVENT else scale.repeats * 3
        quiet: list[ParallelUse] = []
        busy: list[ParallelUse] = []
        stop = time.monotonic() + QUIET_LIMIT_S
        while len(quiet) < wanted and (time.monotonic() < stop or len(quiet) + len(busy) < wanted):
            before = others_share()
            use = run(data, settings).parallel
            (quiet if max(before, others_share()) <= QUIET_SHARE else busy).append(use)
        chosen, how = (quiet, "quiet machine") if len(quiet) >= 3 else (busy, "BUSY machine")
        values = [use.efficiency or 0.0 for use in chosen]
        median = statistics.median(values)
        wall = statistics.median(use.wall_s for use in chosen)
        value = f"{median:.2f} ({min(values):.2f} to {max(values):.2f}), {ms(wall)}, {how}"
        target = ("at least 0.8", median >= 0.8) if name != "batch, numpy" else ("", None)
        report.add(f"efficiency at 2 workers, {name}", value, *target)


# Peers -------------------------------------------------------------------------------------------------------------


PEER_STRATEGY = StrategySettings(
    band=0.0005,
    stop_loss=0.004,
    take_profit=0.005,
    max_trades_per_session=TRADES_A_SESSION,
    entry_at=EntryAt.CLOSE,
    price_decimals=None,
)


def measure_peers(report: Report, dataset: Dataset, work: Path, scale: Scale, python: str | None) -> None:
    if not python:
        report.add("peers: vectorbt, backtesting.py", "skipped: no --peers-python")
        return
    if shutil.which(python) is None:
        report.add("peers: vectorbt, backtesting.py", f"skipped: no program {python}")
        return
    folder = work / "peers"
    folder.mkdir(exist_ok=True)
    bars = joined(dataset)
    for name, column in zip(("time_ns", "open", "high", "low", "close"), bars.columns(), strict=False):
        np.save(folder / f"{name}.npy", column)
    entries, _ = strategy_entries(dataset, PEER_STRATEGY)
    rules = SimulationRules(entry_at=EntryAt.CLOSE)
    trades = simulate_trades_batch(entries, bars, rules).trades
    # The peers give one order a bar: a signal in the bar of the last exit would be lost there.
    apart = np.concatenate(([True], trades.signal[1:] != trades.exit_index[:-1]))
    entries = Entries(**{name: getattr(entries, name)[apart] for name in Entries.__slots__})
    rows = len(dataset.bars[0])
    bounds = np.concatenate([session_bounds(one.time_ns)[:-1] + rows * k for k, one in enumerate(dataset.bars)])
    bounds = np.append(bounds, len(bars))
    last = session_last_rows(bounds, bounds[:-1])
    np.savez(folder / "entries.npz", signal=entries.signal, direction=entries.direction, session_last=last)
    scenario = {
        "symbols": len(dataset.bars),
        "rows": rows,
        "stop_loss": PEER_STRATEGY.stop_loss,
        "take_profit": PEER_STRATEGY.take_profit,
        "quantity": 100,
        "repeats": scale.repeats,
    }
    (folder / "scenario.json").write_text(json.dumps(scenario))
    answers = {}
    for peer in ("vectorbt", "backtesting"):
        command = [python, str(HERE / "peers_fast_path.py"), peer, str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["no message"]
            report.add(f"peer {peer}", f"skipped: {lines[-1][:80]}")
            continue
        answers[peer] = json.loads(done.stdout.strip().splitlines()[-1])
    for kernel in [Kernel.NUMPY, *([Kernel.NUMBA] if jit.numba_installed() else [])]:
        ours = [child_simulation(folder, entries, kernel, work) for _ in range(3)]
        first = min(ours, key=lambda answer: statistics.median(answer["warm_s"]))
        answers[f"this project, {kernel}"] = first
    expected = simulate_trades_batch(entries, bars, rules).trades
    own = [answer for name, answer in answers.items() if name.startswith("this")]
    for name, answer in answers.items():
        warm = statistics.median(answer["warm_s"])
        growth = answer["peak_bytes"] - answer["before_bytes"]
        value = f"{ms(warm)} warm, {ms(answer['first_s'])} first, {ms(answer['import_s'])} import"
        report.add(f"{name}: {answer['bars']:,} bars", value)
        report.add(f"{name}: memory", f"grew {growth >> 20} MiB, peak {answer['peak_bytes'] >> 20} MiB")
        if "stop_scan_warm_s" in answer:
            value = ms(statistics.median(answer["stop_scan_warm_s"]))
            report.add(f"{name}: long stop scan alone (generate_ohlc_stop_exits)", value)
        report.details[name] = answer
        if name.startswith("this"):
            continue
        report.add(f"{name}: versions", ", ".join(f"{key} {value}" for key, value in answer["versions"].items()))
        compare_with_peer(report, name, folder / f"{name}.npz", expected, answer["bars"])
        share = answer["bars"] / len(bars)
        ours_s = max(statistics.median(one["warm_s"]) for one in own) * share
        ours_growth = max(one["peak_bytes"] - one["before_bytes"] for one in own)
        more = growth / max(ours_growth, 1)
        report.add(f"{name}: time over ours (slower kernel, per bar)", f"{warm / ours_s:.0f}", "above 1", warm > ours_s)
        report.add(f"{name}: memory growth over ours (larger kernel)", f"{more:.1f}", "above 1", more > 1)


OWN = """
import json, sys, time
start = time.perf_counter()
from pathlib import Path
import numpy as np
from harness.fast import jit, memory
from harness.fast.bars import Bars
from harness.fast.choices import EntryAt, Kernel
from harness.fast.simulate import simulate_trades_batch
from harness.fast.trades import Entries, SimulationRules
folder, kernel = Path(sys.argv[1]), Kernel(sys.argv[2])
if kernel is Kernel.NUMBA:
    jit.kernels()
import_s = time.perf_counter() - start
columns = [np.load(folder / f"{name}.npy") for name in ("time_ns", "open", "high", "low", "close")]
bars = Bars.of("ALL", [*columns, columns[-1]])
with np.load(folder / "own.npz") as stored:
    entries = Entries(**{name: stored[name] for name in Entries.__slots__})
rules = SimulationRules(entry_at=EntryAt.CLOSE)
memory.mark_peak()
before = memory.resident_bytes()
seconds = []
for _ in range(int(sys.argv[3]) + 1):
    start = time.perf_counter()
    simulate_trades_batch(entries, bars, rules, kernel=kernel)
    seconds.append(time.perf_counter() - start)
print(json.dumps({"import_s": import_s, "first_s": seconds[0], "warm_s": seconds[1:], "bars": len(bars),
                  "before_bytes": before, "peak_bytes": memory.peak_bytes()}))
"""


def child_simulation(folder: Path, entries: Entries, kernel: Kernel, work: Path) -> dict[str, Any]:
    """Our simulation of the peers' scenario in a process of its own, as theirs are."""
    np.savez(folder / "own.npz", **{name: getattr(entries, name) for name in Entries.__slots__})
    command = [sys.executable, "-c", OWN, str(folder), kernel.value, "7"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=HERE.parent)
    return dict(json.loads(done.stdout))


def compare_with_peer(report: Report, peer: str, path: Path, expected: Trades, bars: int) -> None:
    with np.load(path) as stored:
        theirs = {name: stored[name] for name in stored.files}
    order = np.argsort(theirs["entry_index"], kind="stable")
    theirs = {name: column[order] for name, column in theirs.items()}
    mine = expected.entry_index < bars
    ours = {name: getattr(expected, name)[mine] for name in theirs}
    by_entry = {entry: row for row, entry in enumerate(theirs["entry_index"].tolist())}
    rows = [by_entry.get(entry, -1) for entry in ours["entry_index"].tolist()]
    found = np.array(rows, dtype=np.int64)
    same = found >= 0
    same &= theirs["exit_index"][found] == ours["exit_index"]
    for name in ("entry_price", "exit_price"):
        same &= np.abs(theirs[name][found] - ours[name]) <= 1e-9
    report.add(
        f"{peer}: trades equal to ours",
        f"{int(same.sum()):,} of {int(mine.sum()):,} (theirs {len(theirs['entry_index']):,})",
    )
    if not same.all():
        row = int(np.flatnonzero(~same)[0])
        report.details[f"{peer} first difference"] = {
            "ours": {name: column[row].item() for name, column in ours.items()},
            "theirs": {name: column[found[row]].item() for name, column in theirs.items()} if rows[row] >= 0 else None,
        }


def markdown(report: Report) -> str:
    """The figures as a table."""
    marks = {True: "reached", False: "**missed**", None: ""}
    lines = ["| figure | measured | target | |", "|---|---|---|---|"]
    lines += [f"| {one.name} | {one.value} | {one.target} | {marks[one.reached]} |" for one in report.figures]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers-python", default=os.environ.get("HARNESS_PEERS_PYTHON"))
    parser.add_argument("--quick", action="store_true", help="a fiftieth of the data: a check, not a measurement")
    parser.add_argument("--only", help="comma-separated parts to measure")
    parser.add_argument("--out", type=Path, help="write the figures (JSON) here")
    parser.add_argument("--markdown", type=Path, help="write the table of docs/fast-path.md here")
    options = parser.parse_args()
    scale = Scale(3, 30, 3) if options.quick else Scale()
    report = Report()
    started = dt.datetime.now(dt.UTC)
    with tempfile.TemporaryDirectory(prefix="bench-fast-") as name:
        work = Path(name)
        data, cache = work / "data", work / "cache"
        data.mkdir()
        write_data(data, scale)
        parts: dict[str, Callable[[], object]] = {}
        dataset = measure_ingest(report, data, cache, scale)
        parts["simulation"] = lambda: measure_simulation(report, dataset, scale)
        parts["cold"] = lambda: measure_cold_start(report, dataset, work)
        parts["runs"] = lambda: measure_runs(report, data, cache, scale)
        parts["indicators"] = lambda: measure_indicators(report, dataset, scale)
        parts["fractions"] = lambda: measure_fractions(report, data, scale)
        parts["memory"] = lambda: measure_memory(report, data, cache, work)
        parts["workers"] = lambda: measure_workers(report, data, cache, scale)
        parts["peers"] = lambda: measure_peers(report, dataset, work, scale, options.peers_python)
        chosen = options.only.split(",") if options.only else list(parts)
        for part in chosen:
            print(f"-- {part}; other programs use {others_share(0.5):.0%} of the machine", flush=True)
            parts[part]()
    if options.markdown:
        options.markdown.write_text(markdown(report), encoding="utf-8")
    if options.out:
        from harness.fast.record import machine

        content = {
            "started_utc": started.isoformat(timespec="seconds"),
            "machine": machine(),
            "figures": [asdict(figure) for figure in report.figures],
            "details": report.details,
        }
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return 1 if any(figure.reached is False for figure in report.figures) else 0


if __name__ == "__main__":
    sys.exit(main())
