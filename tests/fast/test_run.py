"""Whole runs: modes, kernels, workers and portions agree; records are valid; commands behave."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from harness.errors import HarnessError, InputError
from harness.fast import commands, determinism, jit, memory
from harness.fast.aggregate import aggregate_files, aggregate_records, find_records
from harness.fast.bars import NS_PER_S
from harness.fast.choices import Direction, Kernel, SimMode
from harness.fast.errors import FastPathError
from harness.fast.ingest.load import LoadOptions
from harness.fast.phases import PHASES, PhaseClock, Profiler
from harness.fast.progress import ProgressLine
from harness.fast.record import BenchmarkRecord, make_record, read_record, record_schema, write_record
from harness.fast.run import RunSettings, run
from harness.fast.strategy import StrategySettings
from harness.results.store import write_json

STRATEGY = StrategySettings(
    band=0.0005, stop_loss=0.003, take_profit=0.004, trailing=0.0035, trend_days=2, max_trades_per_session=5
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two symbols, 12 sessions of 200 bars, as CSV."""
    folder = tmp_path_factory.mktemp("data")
    for number, symbol in enumerate(("AAA", "BBB")):
        rng = np.random.default_rng(number)
        rows = []
        close = 100.0
        for day in range(12):
            start = np.datetime64(f"2025-10-{day + 1:02}T09:30:00", "ns").astype(np.int64)
            for bar in range(200):
                open_ = close
                close = round(close * math.exp(rng.normal(0, 1.2e-3)), 2)
                high, low = round(max(open_, close) + 0.03, 2), round(min(open_, close) - 0.03, 2)
                time = str(np.datetime64(int(start) + bar * 15 * NS_PER_S, "ns"))[:19]
                rows.append(f"{time},{open_},{high},{low},{close},{rng.integers(1, 900)}")
        text = "\n".join(["time,open,high,low,close,volume", *rows])
        (folder / f"{symbol}.csv").write_text(text + "\n", encoding="utf-8")
    return folder


def settings(**changes: Any) -> RunSettings:
    return RunSettings(**{"strategy": STRATEGY, "kernel": Kernel.NUMPY, **changes})


def test_modes_workers_chunks_and_kernels_give_the_same_trades(data: Path, tmp_path: Path) -> None:
    cached = LoadOptions(cache_folder=tmp_path)
    variants = [
        settings(),
        settings(chunk_rows=1),
        settings(chunk_rows=450, workers=3),
        settings(load=cached),
        settings(load=cached, chunk_rows=700, workers=2, measure_efficiency=True),
        settings(mode=SimMode.EVENT, chunk_rows=1000),
    ]
    if jit.numba_installed():
        variants.append(settings(kernel=Kernel.NUMBA, chunk_rows=333))
    results = [run(data, variant) for variant in variants]
    assert results[0].trade_count > 60
    assert len({result.trades_digest for result in results}) == 1
    assert results[4].parallel.efficiency is not None
    assert results[0].parallel.efficiency is None
    assert results[4].dataset.cached == 2


def test_event_mode_in_processes(data: Path, tmp_path: Path) -> None:
    batch = run(data, settings())
    mapped = run(data, settings(mode=SimMode.EVENT, workers=2, load=LoadOptions(cache_folder=tmp_path)))
    assert mapped.trades_digest == batch.trades_digest
    assert mapped.parallel.kind == "processes"
    assert mapped.parallel.worker_peak_bytes > 0
    in_memory = run(data, settings(mode=SimMode.EVENT, workers=2))
    assert in_memory.trades_digest == batch.trades_digest


@pytest.mark.parametrize("mode", list(SimMode))
def test_verification_runs_the_other_mode(data: Path, mode: SimMode) -> None:
    result = run(data, settings(mode=mode, verify=True))
    assert result.fidelity is not None
    assert result.fidelity.identical
    assert result.fidelity.batch_trades == result.fidelity.event_trades == result.trade_count


def test_portions_are_cut_before_anything_is_computed(data: Path) -> None:
    parts = [run(data, settings(load=LoadOptions(fraction=0.25, portion=portion))) for portion in range(1, 5)]
    assert sum(part.dataset.rows for part in parts) == 4800
    # Shares of a CSV file's bytes, whose lines are not all of one length.
    assert all(abs(part.dataset.rows - 1200) < 60 for part in parts)
    assert parts[1].dataset.bars[0].time_ns[0] > parts[0].dataset.bars[0].time_ns[-1]


@pytest.mark.parametrize("change", [{"workers": 0}, {"workers": 1000}, {"chunk_rows": 0}])
def test_bad_run_settings_are_refused(change: dict[str, int]) -> None:
    with pytest.raises(FastPathError):
        settings(**change)


# Memory, phases, progress, determinism -----------------------------------------------------------------------------


def test_memory_ratio_and_its_warning() -> None:
    raw = 256 << 20
    assert memory.MemoryUse(100, 100 + raw, raw).ratio == 1.0
    assert memory.MemoryUse(100, 100 + raw, raw).warning() is None
    warning = memory.MemoryUse(0, 2 * raw, raw).warning()
    assert warning is not None
    assert "2.00 times" in warning
    assert memory.MemoryUse(0, 2 * raw, 1000).warning() is None
    assert memory.MemoryUse(5, 1, 0).ratio == 0.0


def test_peak_memory_sees_an_allocation() -> None:
    memory.mark_peak()
    before = memory.resident_bytes()
    block = np.ones(8 << 20)
    del block
    assert memory.peak_bytes() - before > 50 << 20


def test_phases_add_up() -> None:
    clock = PhaseClock()
    with clock.phase("scan"):
        sum(range(1000))
    clock.add("scan", 1.0)
    assert clock.seconds["scan"] > 1.0
    assert tuple(clock.seconds) == PHASES


def test_the_profiler_names_ten_hotspots(data: Path) -> None:
    with Profiler(True) as profiler:
        run(data, settings())
    spots = profiler.hotspots()
    assert len(spots) >= 10
    assert any(spot.file.startswith("harness/fast/") for spot in spots)
    assert [spot.own_s for spot in spots] == sorted((spot.own_s for spot in spots), reverse=True)
    with Profiler(False) as off:
        pass
    assert off.hotspots() == ()


class Terminal:
    """A stream that says it is a terminal and keeps what is written."""

    def __init__(self, tty: bool = True) -> None:
        self.text: list[str] = []
        self.tty = tty

    def isatty(self) -> bool:
        return self.tty

    def write(self, text: str) -> int:
        self.text.append(text)
        return len(text)

    def flush(self) -> None:
        pass


def test_progress_is_throttled_and_in_place() -> None:
    stream = Terminal()
    line = ProgressLine(stream)  # type: ignore[arg-type]
    for done in range(1000):
        line.update("ingest", done, 1000)
    line.close()
    assert 2 <= len(stream.text) < 20
    assert all(text.startswith("\r") and "\n" not in text for text in stream.text)
    silent = Terminal(tty=False)
    ProgressLine(silent).update("ingest", 1, 2)  # type: ignore[arg-type]
    assert silent.text == []


def test_determinism_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", dict(os.environ))
    determinism.make_deterministic()
    first = np.random.random()
    determinism.make_deterministic()
    assert np.random.random() == first
    described = determinism.describe(True)
    assert described["requested"] is True
    assert described["seed"] == 0
    assert determinism.describe(False)["seed"] is None
    assert set(described["threads"]) == set(determinism.THREAD_VARIABLES)
    # Another program (pytest) holds this interpreter: it is not started again.
    assert determinism.rerun_with_fixed_hash_seed() is None


# Records -----------------------------------------------------------------------------------------------------------


def record_of(data: Path, **changes: Any) -> BenchmarkRecord:
    chosen = settings(**changes)
    return make_record(run(data, chosen), chosen, deterministic=False)


def test_records_survive_the_file(data: Path, tmp_path: Path) -> None:
    record = record_of(data, verify=True)
    write_record(tmp_path / "deep" / "a.json", record)
    assert read_record(tmp_path / "deep" / "a.json") == record
    assert record.dataset.rows_in == record.dataset.rows_out == 4800
    assert set(record.phases) == set(PHASES)
    assert record.fingerprint["cpu_count"] >= 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"wall_s": -1.0}, "wall_s"),
        ({"mode": "magic"}, "mode"),
        ({"extra": 1}, "extra"),
        ({"phases": {"ingest": 1.0}}, "phases lack"),
        ({"trades": None}, "trades"),
    ],
)
def test_records_that_break_the_schema_are_refused(
    data: Path, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    content = {**record_of(data).model_dump(mode="json"), **change}
    path = tmp_path / "a.json"
    write_json(path, content, "harness.fast-benchmark", 1)
    with pytest.raises(InputError, match=message) as caught:
        read_record(path)
    assert "\n" not in str(caught.value)


def test_a_record_whose_rows_do_not_add_up_is_refused(data: Path, tmp_path: Path) -> None:
    content = record_of(data).model_dump(mode="json")
    content["dataset"]["rows_filled"] = 3
    write_json(tmp_path / "a.json", content, "harness.fast-benchmark", 1)
    with pytest.raises(InputError, match="rows_out"):
        read_record(tmp_path / "a.json")


def test_the_schema_is_published() -> None:
    schema = record_schema()
    assert schema["additionalProperties"] is False
    assert {"dataset", "trades", "phases", "memory", "parallel", "hotspots", "fingerprint"} <= set(schema["required"])


def test_aggregation_groups_like_runs(data: Path, tmp_path: Path) -> None:
    record = record_of(data)
    slow = record.model_copy(update={"wall_s": record.wall_s + 2.0})
    event = record_of(data, mode=SimMode.EVENT)
    profiled = record.model_copy(update={"profiled": True})
    for name, one in (("a", record), ("b", slow), ("c", event), ("d", profiled)):
        write_record(tmp_path / f"{name}.json", one)
    summary = aggregate_files([tmp_path])
    assert (summary.records, len(summary.groups)) == (4, 2)
    batch = next(group for group in summary.groups if group.mode == "batch")
    assert batch.runs == 2
    assert batch.wall_s.minimum == record.wall_s
    assert batch.wall_s.median == pytest.approx(record.wall_s + 1.0)
    assert batch.same_trades
    assert any("profiled" in warning for warning in summary.warnings)
    odd = record.model_copy(update={"trades": record.trades.model_copy(update={"digest": "0" * 64})})
    assert any("different trades" in warning for warning in aggregate_records([record, odd]).warnings)
    other = record.model_copy(update={"fingerprint": {**record.fingerprint, "cpu_model": "other"}})
    mixed = aggregate_records([record, other])
    assert len(mixed.groups) == 2
    assert any("different machines" in warning for warning in mixed.warnings)


def test_records_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        find_records([tmp_path / "absent"])
    with pytest.raises(InputError, match="no benchmark records"):
        find_records([tmp_path])


# Commands ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def app() -> typer.Typer:
    program = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
    program.command()(commands.backtest)
    program.command()(commands.aggregate)
    return program


RULE = ["--band", "0.0005", "--stop-loss", "0.003", "--take-profit", "0.004"]


def invoke(app: typer.Typer, *arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_backtest_command(app: typer.Typer, data: Path, tmp_path: Path) -> None:
    out, trades = tmp_path / "a.json", tmp_path / "trades.csv"
    code, text = invoke(
        app, "backtest", data, "--no-cache", *RULE, "--verify", "--benchmark-out", out, "--trades-out", trades
    )
    assert code == 0
    assert "trades identical in batch and event mode" in text
    assert "4,800 in - 0 dropped + 0 filled = 4,800 out" in text
    record = read_record(out)
    assert record.fidelity is not None
    assert len(trades.read_text(encoding="utf-8").splitlines()) == record.trades.count + 1
    total = sum(round(float(line.rsplit(",", 1)[1]) * 100) for line in trades.read_text().splitlines()[1:])
    assert total == record.trades.profit_cents
    code, text = invoke(app, "aggregate", tmp_path / "a.json", "--out", tmp_path / "summary.json")
    assert code == 0
    assert "1 records, 1 groups" in text
    assert json.loads((tmp_path / "summary.json").read_text())["groups"][0]["trades"] == record.trades.count


def test_backtest_options_reach_the_run(app: typer.Typer, data: Path, tmp_path: Path) -> None:
    arguments = ["backtest", data, "--cache-dir", tmp_path, *RULE, "--json"]
    code, text = invoke(
        app, *arguments, "--direction", "long", "--sim-mode", "event", "--data-frac", 0.5, "--portion", 2
    )
    record = json.loads(text[text.index("{") :])
    assert code == 0
    assert (record["mode"], record["dataset"]["fraction"], record["dataset"]["portion"]) == ("event", 0.5, 2)
    assert record["settings"]["direction"] == Direction.LONG
    code, text = invoke(app, *arguments, "--profile", "--symbols", "aaa", "--max-bars", 5, "--flat", "10:00")
    record = json.loads(text[text.index("{") : text.rindex("}") + 1])
    assert record["dataset"]["symbols"] == ["AAA"]
    assert len(record["hotspots"]) >= 10
    code, text = invoke(app, "backtest", data, "--cache-dir", tmp_path, *RULE, "--profile")
    assert "hotspot" in text


def test_a_failed_fidelity_check_exits_1(app: typer.Typer, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.fast import run as run_module

    real = run_module.run_event

    def wrong(task: Any, strategy: StrategySettings) -> Any:
        outcome = real(task, strategy)
        del outcome.trades[3]
        return outcome

    monkeypatch.setattr(run_module, "run_event", wrong)
    code, text = invoke(app, "backtest", data, "--no-cache", *RULE, "--verify")
    assert code == 1
    assert "differ" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data-frac", "0"], "--data-frac"),
        (["--data-frac", "1.5"], "--data-frac"),
        (["--data-frac", "0.5", "--portion", "3"], "--portion"),
        (["--workers", "0"], "--workers"),
        (["--flat", "late"], "--flat"),
        (["--hours", "9"], "--hours"),
        (["--band", "-1"], "band"),
        (["--resolution", "tick"], "--resolution"),
        (["--bar-seconds", "0"], "--bar-seconds"),
    ],
)
def test_bad_options_are_one_clear_line(app: typer.Typer, data: Path, arguments: list[str], message: str) -> None:
    with pytest.raises(HarnessError, match=message) as caught:
        invoke(app, "backtest", data, "--no-cache", *arguments)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_trades_that_cannot_be_written(app: typer.Typer, data: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        invoke(app, "backtest", data, "--no-cache", "--trades-out", tmp_path)


def test_importing_the_commands_stays_light() -> None:
    code = (
        "import sys, harness.fast.commands; print(sorted({'numpy', 'pandas', 'pydantic', 'numba'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
