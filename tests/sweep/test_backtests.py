"""Trials as real backtests: what runs inside a worker equals what a process of its own gives."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

import pytest

from harness.engines.registry import EngineChoice
from harness.parity.diff import diff_results
from harness.results.lean_results import LeanResults
from harness.sweep.backtests import EmbeddedBacktest, EngineBacktest
from harness.sweep.optimization_data import OptimizationData
from harness.sweep.records import TrialTask
from harness.sweep.runner import ParallelOptimizationRunner
from harness.sweep.settings import SweepSettings
from harness.sweep.space import SearchSpace

ALGORITHM = """
from AlgorithmImports import *
import helper


class Probe(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2025, 10, 1)
        self.set_end_date(2025, 10, 1)
        self.add_equity("AAPL", Resolution.SECOND)
        helper.count += 1
        self.what = self.get_parameter("what")
        self.set_runtime_statistic("Count", str(helper.count))

    def on_data(self, data):
        if self.what == "raise":
            raise ValueError("asked to fail")
        if self.what == "hang":
            while True:
                pass
        if self.what == "exit":
            import sys
            sys.exit(7)
"""


def task(folder: Path, number: int, **parameters: str) -> TrialTask:
    return TrialTask(number, parameters, folder / f"run_{number:05d}")


def process_of(backtest: EmbeddedBacktest) -> EngineBacktest:
    fields = {name: getattr(backtest, name) for name in asdict(backtest) if name != "allow_missing_data"}
    return EngineBacktest(**fields, engine=EngineChoice("embedded", {}))


@pytest.fixture
def probe(tmp_path: Path, data_folder: Path) -> EmbeddedBacktest:
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "main.py").write_text(ALGORITHM)
    (folder / "helper.py").write_text("count = 0\n")
    return EmbeddedBacktest(
        algorithm_file=folder / "main.py",
        algorithm_class="Probe",
        data_folder=data_folder,
        objective="Count",
        time_limit_s=20.0,
    )


def test_one_after_the_other_in_one_process_equals_processes_of_their_own(
    backtest: EmbeddedBacktest, tmp_path: Path
) -> None:
    settings = [{"target_share": "0.3"}, {"target_share": "0.5"}, {"target_share": "0.3"}]
    inside = [backtest(task(tmp_path / "in", number, **point), None) for number, point in enumerate(settings)]
    outside = [process_of(backtest)(task(tmp_path / "out", number, **settings[number]), None) for number in (0, 1)]
    assert [one.reason for one in (*inside, *outside)] == [""] * 5
    assert inside[0].value != inside[1].value
    for number, source in ((0, 0), (1, 1), (2, 0)):
        ours, theirs = (
            tmp_path / "in" / f"run_{number:05d}" / "lean",
            tmp_path / "out" / f"run_{source:05d}" / "lean",
        )
        name = "ReferenceAlgorithm-order-events.json"
        assert (ours / name).read_bytes() == (theirs / name).read_bytes()
        assert diff_results(LeanResults(ours), LeanResults(theirs)).identical
        assert inside[number].statistics == outside[source].statistics


def test_shared_data_gives_the_same_backtest_and_decodes_nothing(backtest: EmbeddedBacktest, tmp_path: Path) -> None:
    days = [date(2025, 10, 1), date(2025, 10, 2)]
    plain = backtest(task(tmp_path, 0), None)
    with OptimizationData(tmp_path) as data:
        data.add_lean_folder(backtest.data_folder, ["AAPL", "NVDA", "JPM"], "second", days)
        data.add_lean_folder(backtest.data_folder, ["AAPL", "NVDA", "JPM"], "daily", [])
        data.add_lean_folder(backtest.data_folder, ["SPY"], "hour", [])
        cache = tmp_path / "unused"
        shared = replace(backtest, cache_folder=cache)(task(tmp_path, 1), data.context())
        assert shared.statistics == plain.statistics
        assert not cache.exists() or not any(cache.iterdir())
    names = ["run_00000", "run_00001"]
    left, right = (tmp_path / name / "lean" / "ReferenceAlgorithm-order-events.json" for name in names)
    assert left.read_bytes() == right.read_bytes()


def test_modules_of_the_algorithm_start_anew_for_each_trial(probe: EmbeddedBacktest, tmp_path: Path) -> None:
    assert [probe(task(tmp_path, number), None).value for number in range(3)] == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("what", "limit_s", "says"),
    [
        ("raise", 20.0, "runtime_error: .*asked to fail"),
        ("hang", 1.0, "timed_out: not finished after 1 s"),
        ("exit", 20.0, ""),
    ],
)
def test_a_backtest_that_fails_says_why_and_the_next_one_runs(
    probe: EmbeddedBacktest, tmp_path: Path, what: str, limit_s: float, says: str
) -> None:
    failed = replace(probe, time_limit_s=limit_s)(task(tmp_path, 0, what=what), None)
    assert failed.value is None
    assert failed.reason
    if says:
        import re

        assert re.match(says, failed.reason), failed.reason
    assert (tmp_path / "run_00000" / "stderr.log").exists()  # evidence stays
    assert probe(task(tmp_path, 1), None).value == 1.0


def test_a_statistic_that_is_not_there_is_named_with_those_that_are(probe: EmbeddedBacktest, tmp_path: Path) -> None:
    outcome = replace(probe, objective="Sharp")(task(tmp_path, 0), None)
    assert outcome.value is None
    assert "'Sharp' is not among the results" in outcome.reason and "Sharpe Ratio" in outcome.reason


def test_results_are_removed_when_they_are_not_kept(probe: EmbeddedBacktest, tmp_path: Path) -> None:
    assert replace(probe, keep_results=False)(task(tmp_path, 0), None).value == 1.0
    assert not (tmp_path / "run_00000").exists()


def test_a_run_folder_that_cannot_be_made_is_one_line(probe: EmbeddedBacktest, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    outcome = probe(TrialTask(0, {}, tmp_path / "file" / "run"), None)
    assert outcome.value is None
    assert "cannot be made" in outcome.reason


def test_a_sweep_of_the_reference_algorithm_with_four_workers_finds_what_one_finds(
    backtest: EmbeddedBacktest, tmp_path: Path
) -> None:
    space = SearchSpace.parse(["target_share=0.1:0.6:0.1", "stop_share=0.2,0.25,0.3"])
    tables = []
    for workers in (1, 4):
        settings = SweepSettings(trials=10, workers=workers)
        runner = ParallelOptimizationRunner(backtest, space, tmp_path / str(workers), settings, keep_best_only=True)
        result = runner.run()
        assert result.failed == 0 and result.best is not None
        kept = sorted(path.name for path in (result.folder / "trials").iterdir())
        assert kept == [f"run_{result.best.number:05d}"]
        tables.append([row.table_row() for row in result.rows])
    assert tables[0] == tables[1]
    assert len({row["value"] for row in tables[0]}) > 1
