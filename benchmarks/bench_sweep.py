"""What a sweep costs: memory and start against pickled frames, overhead per trial, storage, two workers on two cores.

::

    python benchmarks/bench_sweep.py                  everything (minutes)
    python benchmarks/bench_sweep.py memory storage   only these
    python benchmarks/bench_sweep.py --json FILE      the figures as JSON too

Parts: ``memory`` (proportional set size of 1, 2, 4 and 8 workers, bytes sent, time to the first trial), ``overhead-*``
(a backtest that does nothing, 10,000 trials for each sampler), ``storage`` (one finished trial in Optuna's journal
file and in SQLite), ``efficiency`` (the reference algorithm with one and with two workers). Wall times suffer from
other load; the load average is printed beside them and CPU times do not suffer from it.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil

from harness.sweep.backtests import EmbeddedBacktest
from harness.sweep.executors import SpawnPool
from harness.sweep.optimization_data import OptimizationData, OptimizationDataContext
from harness.sweep.records import TrialTask
from harness.sweep.runner import ParallelOptimizationRunner, SweepProgress
from harness.sweep.settings import Sampler, SweepSettings
from harness.sweep.space import SearchSpace

ROOT = Path(__file__).resolve().parents[1]
MIB = 2**20
ROWS = 2_000_000


def make_frames() -> dict[str, pd.DataFrame]:
    """Two frames of 2,000,000 second bars with six columns: 183 MiB."""
    generator = np.random.default_rng(1)
    index = pd.date_range("2025-01-01", periods=ROWS, freq="s", tz="America/New_York")
    columns = ["open", "high", "low", "close", "volume"]
    return {
        name: pd.DataFrame(generator.normal(size=(ROWS, 5)), columns=columns, index=index) for name in ("AAPL", "NVDA")
    }


def touch(data: OptimizationDataContext | dict[str, pd.DataFrame] | None, gate: str, workers: int) -> dict[str, float]:
    """Read every value, wait until all workers hold their data, then say what this process uses."""
    total = 0.0
    frames: dict[str, pd.DataFrame] = {}
    if isinstance(data, OptimizationDataContext):
        frames = {name: data.frame(name) for name in data.names}
    elif data is not None:
        frames = data
    for frame in frames.values():
        total += float(sum(frame.iloc[:, position].to_numpy().sum() for position in range(frame.shape[1])))
        index: Any = frame.index
        total += float(index.asi8.sum())
    Path(gate, str(os.getpid())).touch()
    deadline = time.monotonic() + 120
    while len(list(Path(gate).iterdir())) < workers and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.2)
    memory = psutil.Process().memory_full_info()
    time.sleep(0.5)  # nobody ends while another is measured
    return {"total": total, "pss": memory.pss / MIB, "uss": memory.uss / MIB}


def _used(workers: int, data: Any) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as gate, SpawnPool(workers) as pool:
        answers = list(pool.map(touch, [data] * workers, [gate] * workers, [workers] * workers))
    assert len({answer["total"] for answer in answers}) == 1
    return {"pss_mib": sum(answer["pss"] for answer in answers), "uss_mib": sum(answer["uss"] for answer in answers)}


def _first_answer(data: Any) -> float:
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as gate, SpawnPool(1) as pool:
        pool.submit(touch, data, gate, 1).result()
        return time.perf_counter() - started - 0.7  # the pauses of ``touch``


def memory() -> dict[str, Any]:
    frames = make_frames()
    size = sum(frame.memory_usage(index=True).sum() for frame in frames.values()) / MIB
    figures: dict[str, Any] = {"data_mib": size, "workers": {}}
    started = time.perf_counter()
    with OptimizationData() as data:
        for name, frame in frames.items():
            data.add_frame(name, frame)
        context = data.context()
        figures["save_s"] = time.perf_counter() - started
        figures["bytes_mapped"] = len(pickle.dumps(context))
        figures["bytes_pickled"] = len(pickle.dumps(frames, protocol=5))
        figures["first_mapped_s"] = _first_answer(context)
        figures["first_pickled_s"] = _first_answer(frames)
        print(f"data {size:.0f} MiB, saved once in {figures['save_s']:.2f} s")
        print(f"sent to a worker: {figures['bytes_mapped']} bytes mapped, {figures['bytes_pickled']:,} bytes pickled")
        print(f"first trial: {figures['first_mapped_s']:.2f} s mapped, {figures['first_pickled_s']:.2f} s pickled")
        print("workers  idle PSS  mapped PSS  above idle  / data   pickled PSS  above idle  / data")
        for workers in (1, 2, 4, 8):
            idle, mapped, pickled = (_used(workers, what) for what in (None, context, frames))
            above = [used["pss_mib"] - idle["pss_mib"] for used in (mapped, pickled)]
            figures["workers"][workers] = {"idle": idle, "mapped": mapped, "pickled": pickled}
            print(
                f"{workers:7d}  {idle['pss_mib']:8.0f}  {mapped['pss_mib']:10.0f}  {above[0]:10.0f}  "
                f"{above[0] / size:6.2f}   {pickled['pss_mib']:11.0f}  {above[1]:10.0f}  {above[1] / size:6.2f}",
                flush=True,
            )
    return figures


def null_backtest(task: TrialTask, data: Any) -> float:
    """Nothing but a value."""
    return -((float(task.parameters["a"]) - 0.3) ** 2) - float(task.parameters["b"])


def overhead(sampler_names: tuple[str, ...], trials: int = 10_000) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    print("             wall ms a trial             parent CPU ms a trial")
    print("sampler  trials    all  first 10 %  last 10 %    all  first 10 %  last 10 %", flush=True)
    samplers: tuple[tuple[Sampler, list[str]], ...] = (
        ("tpe", ["a=0.0:1.0", "b=0.0:1.0", "c=x,y,z"]),
        ("random", ["a=0.0:1.0", "b=0.0:1.0", "c=x,y,z"]),
        ("grid", ["a=0:0.99:0.01", "b=0:0.99:0.01"]),
    )
    for sampler, specs in samplers:
        if sampler not in sampler_names:
            continue
        marks: list[tuple[int, float, float]] = []

        def note(progress: SweepProgress, marks: list[tuple[int, float, float]] = marks) -> None:
            marks.append((progress.done, time.perf_counter(), time.process_time()))

        with tempfile.TemporaryDirectory() as folder:
            settings = SweepSettings(objective="score", trials=trials, sampler=sampler, workers=2)
            runner = ParallelOptimizationRunner(
                null_backtest, SearchSpace.parse(specs), Path(folder) / "s", settings, on_progress=note
            )
            result = runner.run()
        assert result.failed == 0 and len(result.rows) == trials
        tenth = trials // 10
        # From the first trial on: without the start of the workers.
        points = [next(mark for mark in marks if mark[0] >= done) for done in (1, tenth, trials - tenth, trials)]
        row = {}
        for clock, what in ((1, "wall"), (2, "parent_cpu")):
            first, early, late, end = (point[clock] for point in points)
            row[f"{what}_all_ms"] = (end - first) / trials * 1000
            row[f"{what}_first_ms"] = (early - first) / tenth * 1000
            row[f"{what}_last_ms"] = (end - late) / tenth * 1000
        figures[sampler] = row
        wall, cpu = ([row[f"{what}_{part}_ms"] for part in ("all", "first", "last")] for what in ("wall", "parent_cpu"))
        print(
            f"{sampler:7}  {trials:6d}  {wall[0]:5.2f}  {wall[1]:10.2f}  {wall[2]:9.2f}  "
            f"{cpu[0]:5.2f}  {cpu[1]:10.2f}  {cpu[2]:9.2f}",
            flush=True,
        )
    return figures


def storage(trials: int = 1000) -> dict[str, Any]:
    from harness.sweep.records import COMPLETE, TrialRow
    from harness.sweep.study import StudyMirror

    figures: dict[str, Any] = {}
    space = SearchSpace.parse(["a=0:1000", "b=0.0:1.0"])
    settings = SweepSettings()
    print("storage   ms a trial: first 100  last 100")
    for name in ("journal", "sqlite"):
        with tempfile.TemporaryDirectory() as folder:
            url = f"sqlite:///{folder}/study.db" if name == "sqlite" else None
            mirror = StudyMirror(Path(folder), "s", space, settings, url)
            times = []
            for number in range(trials):
                row = TrialRow(number, {"a": str(number), "b": "0.5"}, COMPLETE, float(number))
                started = time.perf_counter()
                mirror.add(row)
                times.append((time.perf_counter() - started) * 1000)
        figures[name] = {"first_ms": sum(times[:100]) / 100, "last_ms": sum(times[-100:]) / 100}
        print(f"{name:8}  {figures[name]['first_ms']:21.2f}  {figures[name]['last_ms']:8.2f}")
    return figures


def efficiency(trials: int = 24) -> dict[str, Any]:
    from harness.marketdata.spec import synth_spec
    from harness.marketdata.synth import synthesize

    figures: dict[str, Any] = {}
    runs: dict[int, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        synthesize(data, synth_spec(quick=True))
        backtest = EmbeddedBacktest(
            algorithm_file=ROOT / "algorithm" / "main.py",
            algorithm_class="ReferenceAlgorithm",
            data_folder=data,
            objective="End Equity",
            parameters={
                "symbols": "AAPL NVDA JPM TSLA NFLX",
                "end": "2025-10-03",
                "metrics": "incremental",
                "instrumentation": "off",
            },
            cache_folder=Path(folder) / "cache",
        )
        space = SearchSpace.parse(["target_share=0.1:1.2:0.1", "stop_share=0.2,0.3"])
        for workers in (1, 2):
            marks: list[tuple[int, float]] = []

            def note(progress: SweepProgress, marks: list[tuple[int, float]] = marks) -> None:
                marks.append((progress.done, time.perf_counter()))

            settings = SweepSettings(objective="End Equity", trials=trials, sampler="grid", workers=workers)
            runner = ParallelOptimizationRunner(
                backtest, space, Path(folder) / str(workers), settings, on_progress=note, keep_best_only=True
            )
            result = runner.run()
            assert result.failed == 0
            busy = sum(row.backtest_s for row in result.rows)
            runs[workers] = {"wall_s": result.wall_s, "backtests_s": busy, "busy": busy / result.wall_s / workers}
            print(
                f"{workers} worker(s): {result.wall_s:.2f} s for {trials} backtests, "
                f"of which the workers were busy {100 * runs[workers]['busy']:.1f} %"
            )
    figures["runs"] = runs
    figures["efficiency"] = runs[1]["wall_s"] / (2 * runs[2]["wall_s"])
    print(f"efficiency at 2 workers: {figures['efficiency']:.3f}")
    return figures


def overhead_tpe() -> dict[str, Any]:
    return overhead(("tpe",))


def overhead_others() -> dict[str, Any]:
    return overhead(("random", "grid"))


PARTS: dict[str, Callable[[], dict[str, Any]]] = {
    "memory": memory,
    "overhead-tpe": overhead_tpe,
    "overhead-others": overhead_others,
    "storage": storage,
    "efficiency": efficiency,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="default: all")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    figures: dict[str, Any] = {}
    for name in options.parts or PARTS:
        print(f"== {name}: {os.cpu_count()} CPUs, load average {os.getloadavg()[0]:.1f}", flush=True)
        figures[name] = {"load_before": os.getloadavg()[0], **PARTS[name](), "load_after": os.getloadavg()[0]}
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
