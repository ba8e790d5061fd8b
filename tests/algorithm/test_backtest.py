"""The whole algorithm on the embedded engine and synthetic data: what it must show, and both variants trading alike."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from harness.marketdata.spec import synth_spec
from harness.marketdata.synth import synthesize

ROOT = Path(__file__).parents[2]
ALGORITHM = ROOT / "algorithm"
REAL_DATA = ROOT.parent / "shared" / "lean-data"
QUICK = "symbols:AAPL+NVDA+JPM+TSLA+NFLX,end:2025-10-03"


@dataclass(frozen=True)
class Run:
    """What a backtest left."""

    folder: Path
    exit_code: int
    output: str

    @property
    def order_events(self) -> bytes:
        return (self.folder / "ReferenceAlgorithm-order-events.json").read_bytes()

    @property
    def result(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.folder / "ReferenceAlgorithm.json").read_bytes())
        return document

    @property
    def log(self) -> list[str]:
        return (self.folder / "ReferenceAlgorithm-log.txt").read_text().splitlines()

    @property
    def trading_log(self) -> list[str]:
        return [line for line in self.log if "RISK" in line or "ORDER" in line]

    @property
    def stages(self) -> dict[str, Any]:
        (line,) = [line for line in self.log if "HARNESS_STAGES" in line]
        stages: dict[str, Any] = json.loads(line.split("HARNESS_STAGES ", 1)[1])
        return stages


class Bench:
    """Runs backtests in a folder; one with the same arguments is run once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        synthesize(self.data, synth_spec())
        self.run = cache(self._run)
        self._count = 0

    def _run(self, parameters: str, algorithm: Path = ALGORITHM, data: Path | None = None) -> Run:
        self._count += 1
        results = self.folder / f"run_{self._count}"
        options = {
            "data-folder": data or self.data,
            "algorithm-language": "Python",
            "algorithm-type-name": "ReferenceAlgorithm",
            "algorithm-id": "ReferenceAlgorithm",
            "backtest-name": "test",
            "algorithm-location": algorithm / "main.py",
            "results-destination-folder": results,
            "cache-folder": self.folder / "cache",
            "parameters": parameters,
        }
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        done = subprocess.run(
            [sys.executable, "-m", "harness.embedded", *words],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return Run(results, done.returncode, done.stdout + done.stderr)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("reference"))


def test_the_default_scenario_shows_every_behaviour(bench: Bench) -> None:
    run = bench.run("metrics:incremental")
    assert run.exit_code == 0, run.output
    events = json.loads(run.order_events)
    filled = Counter(event["direction"] for event in events if event["status"] == "filled")
    assert filled.total() >= 150
    assert run.result["runtimeStatistics"]["Fills"] == str(filled.total())
    assert any(event["status"] == "updateSubmitted" for event in events), "entries trail"
    tags = Counter(order["tag"] for order in run.result["orders"].values() if order["status"] == 3)
    entries = {"entry long": tags.pop("entry long"), "entry short": tags.pop("entry short")}
    assert min(entries.values()) >= 20
    assert set(tags) == {"target", "stop", "time", "close", "loss limit"}
    assert tags.total() == sum(entries.values()), "every position is left once"
    net = Counter[str]()
    for event in events:
        net[event["symbolValue"]] += round(event["fillQuantity"])
    assert set(net.values()) == {0}
    assert len(net) == 15
    assert any("RISK daily loss limit" in line for line in run.trading_log)
    assert any("RISK rejected" in line and "positions" in line for line in run.trading_log)
    assert any("RISK rejected" in line and "symbol trades" in line for line in run.trading_log)
    assert not any("ORDER" in line for line in run.trading_log)


def test_both_variants_send_the_same_orders_to_the_byte(bench: Bench) -> None:
    recompute, incremental = bench.run(f"metrics:recompute,{QUICK}"), bench.run(f"metrics:incremental,{QUICK}")
    assert (recompute.exit_code, incremental.exit_code) == (0, 0), recompute.output + incremental.output
    assert len(json.loads(recompute.order_events)) > 100
    assert recompute.order_events == incremental.order_events
    assert recompute.trading_log == incremental.trading_log
    assert recompute.result["statistics"] == incremental.result["statistics"]


def test_stage_times_are_in_the_log_and_in_the_object_store(bench: Bench) -> None:
    run = bench.run(f"metrics:incremental,{QUICK}")
    stages = run.stages["stages"]
    bars, days, symbols = 3 * 1560, 3, 5
    assert stages["data"]["count"] == symbols * (bars + days)
    assert stages["metrics"]["count"] == symbols * bars
    assert stages["risk"]["count"] >= bars
    assert stages["orders"]["count"] > 0
    assert sum(stage["wall_ns"] for stage in stages.values()) < run.stages["total_wall_ns"]
    assert sum(stage["cpu_ns"] for stage in stages.values()) < run.stages["total_cpu_ns"]
    (stored,) = run.folder.rglob("harness_stages.json")
    assert json.loads(stored.read_bytes()) == run.stages


def test_without_instrumentation_the_orders_are_the_same_and_nothing_is_timed(bench: Bench) -> None:
    timed, plain = (
        bench.run(f"metrics:incremental,{QUICK}"),
        bench.run(f"metrics:incremental,instrumentation:off,{QUICK}"),
    )
    assert plain.order_events == timed.order_events
    assert not any("HARNESS_STAGES" in line for line in plain.log)
    assert not list(plain.folder.rglob("harness_stages.json"))


def test_the_python_files_alone_in_another_folder_do_the_same(bench: Bench, tmp_path: Path) -> None:
    for source in ALGORITHM.glob("*.py"):
        shutil.copy(source, tmp_path)
    assert (
        bench.run(f"metrics:incremental,{QUICK}", tmp_path).order_events
        == bench.run(f"metrics:incremental,{QUICK}").order_events
    )


def test_a_bad_parameter_is_named(bench: Bench) -> None:
    run = bench.run("metrics:fast")
    assert run.exit_code == 1
    assert "parameter metrics is 'fast': give recompute or incremental" in run.output


@pytest.mark.recordings
def test_both_variants_trade_alike_on_real_market_data(bench: Bench) -> None:
    if not REAL_DATA.is_dir():
        pytest.skip("Lean's sample data is not beside the project")
    window = "symbols:SPY+AIG+BAC+IBM,start:2013-10-07,end:2013-10-09"
    recompute = bench.run(f"metrics:recompute,{window}", data=REAL_DATA)
    incremental = bench.run(f"metrics:incremental,{window}", data=REAL_DATA)
    assert recompute.exit_code == 0, recompute.output
    filled = [event for event in json.loads(recompute.order_events) if event["status"] == "filled"]
    assert len({event["symbolValue"] for event in filled}) == 4
    assert recompute.order_events == incremental.order_events


def test_nothing_but_lean_the_standard_library_and_its_own_modules_is_imported() -> None:
    own = {path.stem for path in ALGORITHM.glob("*.py")}
    allowed = own | set(sys.stdlib_module_names) | {"AlgorithmImports"}
    imported = set()
    for path in ALGORITHM.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path.name}: Lean does not load the folder as a package"
                imported.add((node.module or "").split(".")[0])
    assert imported <= allowed
    assert not own & set(sys.stdlib_module_names), "a module of that name would be hidden"
