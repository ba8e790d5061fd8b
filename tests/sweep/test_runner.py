"""The sweep's promises: same table for any number of workers, nothing lost to a kill, nothing run twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import optuna
import pyarrow.parquet
import pytest

from harness.errors import BusyError, DamagedError, InputError
from harness.results.lock import FolderLock
from harness.sweep.outputs import write_outputs
from harness.sweep.runner import ParallelOptimizationRunner, SweepProgress, SweepResult
from harness.sweep.settings import SweepSettings
from harness.sweep.space import SearchSpace
from tests.sweep import objectives

ROOT = Path(__file__).resolve().parents[2]
SPACE = SearchSpace.parse(["x=0:10:1", "y=0.1:1.0:0.1"])


def run(folder: Path, evaluate: Callable[..., Any] = objectives.counted, **changes: Any) -> SweepResult:
    space = changes.pop("space", SPACE)
    options = {key: changes.pop(key) for key in list(changes) if key in ("executor", "on_progress", "storage_url")}
    settings = SweepSettings(**{"objective": "score", "trials": 40, "workers": 1, **changes})
    return ParallelOptimizationRunner(evaluate, space, folder, settings, **options).run()


def table(result: SweepResult) -> list[dict[str, Any]]:
    return [row.table_row() for row in result.rows]


def evaluations(folder: Path) -> list[int]:
    log = folder.parent / "evaluations.log"
    return [int(line) for line in log.read_text().splitlines()] if log.exists() else []


@pytest.mark.parametrize("sampler", ["tpe", "random", "grid"])
def test_any_number_of_workers_gives_the_one_worker_table(tmp_path: Path, sampler: str) -> None:
    one = run(tmp_path / "one" / "s", sampler=sampler, workers=1)
    four = run(tmp_path / "four" / "s", sampler=sampler, workers=4)
    assert table(one) == table(four)
    assert one.best is not None and four.best is not None
    assert one.best.number == four.best.number
    write_outputs(one, plots=False)
    write_outputs(four, plots=False)
    for name in ("trials.csv", "trials.parquet", "best.json"):
        assert (one.folder / name).read_bytes() == (four.folder / name).read_bytes()


def test_the_estimator_finds_the_best_point_and_learns(tmp_path: Path) -> None:
    result = run(tmp_path / "s", trials=60, workers=3)
    assert result.best is not None
    assert result.best.parameters == {"x": "3", "y": "0.5"}
    values = [row.value for row in result.rows if row.value is not None]
    assert sum(values[40:]) / 20 > sum(values[:20]) / 20


def test_the_estimators_bounded_history_is_renewed_the_same_way_for_any_number_of_workers(tmp_path: Path) -> None:
    space = SearchSpace.parse(["x=0:10", "y=0.0:1.0"])  # more than two epochs of different points
    with ThreadPoolExecutor(4) as threads:
        one = run(tmp_path / "1" / "s", _plain, space=space, trials=300, workers=1, executor=threads)
        four = run(tmp_path / "4" / "s", _plain, space=space, trials=300, workers=4, executor=threads)
    assert table(one) == table(four)


def _plain(task: Any, data: Any) -> float:
    return -((float(task.parameters["x"]) - 3) ** 2) - float(task.parameters["y"])


def test_equal_parameters_are_run_once(tmp_path: Path) -> None:
    result = run(tmp_path / "s", space=SearchSpace.parse(["x=0:2:1", "y=0.5"]), trials=30, workers=3)
    assert len(result.rows) == 30
    assert sorted(evaluations(result.folder)) == sorted(row.number for row in result.rows if row.same_as is None)
    assert result.evaluated == len({tuple(row.parameters.items()) for row in result.rows}) <= 3
    for row in result.rows:
        if row.same_as is not None:
            first = result.rows[row.same_as]
            assert (row.parameters, row.value, row.statistics) == (first.parameters, first.value, first.statistics)


def test_a_grid_is_every_point_once(tmp_path: Path) -> None:
    result = run(tmp_path / "s", space=SearchSpace.parse(["x=1:3", "y=0.5,1"]), trials=100, sampler="grid", workers=2)
    points = [tuple(row.parameters.values()) for row in result.rows]
    assert points == [("1", "0.5"), ("1", "1"), ("2", "0.5"), ("2", "1"), ("3", "0.5"), ("3", "1")]
    with pytest.raises(InputError, match="no steps"):
        run(tmp_path / "t", space=SearchSpace.parse(["x=0.0:1.0"]), sampler="grid")


def test_a_failed_trial_says_why_and_the_sweep_goes_on(tmp_path: Path) -> None:
    result = run(tmp_path / "s", objectives.failing, space=SearchSpace.parse(["x=0:5"]), sampler="grid", workers=2)
    assert [row.state for row in result.rows] == ["complete", "complete", "failed", "complete", "failed", "complete"]
    assert result.rows[2].reason == "ValueError: two is not allowed"
    assert "not finite" in result.rows[4].reason
    assert result.best is not None and result.best.value == 5.0


def test_a_killed_worker_is_replaced_and_its_trial_is_not_lost(tmp_path: Path) -> None:
    whole = run(tmp_path / "whole" / "s", workers=3)
    broken = run(tmp_path / "broken" / "s", objectives.dies_once, workers=3)
    assert (tmp_path / "broken" / "died").exists()
    assert table(broken) == table(whole)


def test_a_trial_that_always_kills_its_worker_fails_alone(tmp_path: Path) -> None:
    space = SearchSpace.parse(["x=0:4"])
    result = run(tmp_path / "s", objectives.always_dies, space=space, sampler="grid", workers=3)
    assert [row.state for row in result.rows] == ["complete", "complete", "failed", "complete", "complete"]
    assert result.rows[2].reason == "the worker process died in each of 3 attempts"


_SWEEP = """
import sys
from pathlib import Path
from harness.sweep import ParallelOptimizationRunner, SearchSpace, SweepSettings
from tests.sweep import objectives
if __name__ == "__main__":
    space = SearchSpace.parse(["x=0:10:1", "y=0.1:1.0:0.1"])
    settings = SweepSettings(objective="score", trials=24, workers=2)
    try:
        ParallelOptimizationRunner(objectives.slow, space, Path(sys.argv[1]), settings).run()
    except KeyboardInterrupt:
        sys.exit(130)
"""


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_sweep_goes_on_and_its_table_is_the_unbroken_one(tmp_path: Path, signal_number: int) -> None:
    script = tmp_path / "sweep.py"
    script.write_text(_SWEEP)
    folder = tmp_path / "broken" / "s"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, str(script), str(folder)], env=environment) as sweep:
        deadline = time.monotonic() + 60
        while len(evaluations(folder)) < 6 and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(sweep.pid, signal_number)
        assert sweep.wait(30) == (130 if signal_number == signal.SIGINT else -signal.SIGKILL)
    time.sleep(0.6)  # workers end with their parent; one that did not would go on evaluating
    before = evaluations(folder)
    time.sleep(0.6)
    assert evaluations(folder) == before
    assert 4 <= len(before) < 20
    resumed = run(folder, objectives.slow, trials=24, workers=2)
    whole = run(tmp_path / "whole" / "s", objectives.slow, trials=24, workers=2)
    assert table(resumed) == table(whole)
    again = [number for number in before if evaluations(folder).count(number) > 1]
    assert len(again) <= 3  # only what was running
    assert resumed.evaluated < whole.evaluated


def test_more_trials_may_be_asked_for_later(tmp_path: Path) -> None:
    short = run(tmp_path / "a" / "s", trials=20, workers=2)
    longer = run(tmp_path / "a" / "s", trials=30, workers=2)
    whole = run(tmp_path / "b" / "s", trials=30, workers=1)
    assert table(longer)[:20] == table(short)
    assert table(longer) == table(whole)
    assert run(tmp_path / "b" / "s", trials=30).evaluated == 0


def test_another_sweep_in_the_folder_is_refused(tmp_path: Path) -> None:
    run(tmp_path / "s", trials=3)
    with pytest.raises(InputError, match=r"another search .*seed"):
        run(tmp_path / "s", trials=3, seed=5)
    with pytest.raises(InputError, match="another space"):
        run(tmp_path / "s", trials=3, space=SearchSpace.parse(["x=0:3"]))
    with FolderLock(tmp_path / "s", "a test"), pytest.raises(BusyError, match="a test"):
        run(tmp_path / "s", trials=3)


def test_a_damaged_trial_file_is_said_not_guessed(tmp_path: Path) -> None:
    run(tmp_path / "s", trials=5)
    path = tmp_path / "s" / "trials.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"value": -', b'"value": 9', 1))
    with pytest.raises(DamagedError, match=r"trials\.jsonl"):
        run(tmp_path / "s", trials=5)


@pytest.mark.parametrize("database", [False, True])
def test_the_optuna_study_holds_the_same_trials_and_is_repaired(tmp_path: Path, database: bool) -> None:
    url = f"sqlite:///{tmp_path / 'study.db'}" if database else None
    run(tmp_path / "s", trials=8, storage_url=url)
    if not database:  # a torn last line and a stale lock, as a killed process leaves them
        with (tmp_path / "s" / "optuna.journal").open("ab") as journal:
            journal.write(b'{"op_code": 4, "wor')
        (tmp_path / "s" / "optuna.journal.lock").write_bytes(b"")
    result = run(tmp_path / "s", trials=12, storage_url=url)
    storage: Any = url
    if not database:
        backend = optuna.storages.journal.JournalFileBackend(str(tmp_path / "s" / "optuna.journal"))
        storage = optuna.storages.JournalStorage(backend)
    study = optuna.load_study(study_name="s", storage=storage)
    assert [trial.number for trial in study.trials] == list(range(12))
    for trial, row in zip(study.trials, result.rows, strict=True):
        assert SPACE.texts(trial.params) == row.parameters
        assert trial.value == row.value
    assert result.best is not None and study.best_value == result.best.value


def test_a_database_with_another_sweep_under_this_name_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'study.db'}"
    run(tmp_path / "a" / "s", trials=4, storage_url=url)
    with pytest.raises(InputError, match="another sweep"):
        run(tmp_path / "b" / "s", trials=4, seed=2, storage_url=url)


def test_progress_ends_with_everything_done(tmp_path: Path) -> None:
    seen: list[SweepProgress] = []
    result = run(tmp_path / "s", trials=10, workers=2, on_progress=seen.append)
    assert (seen[-1].done, seen[-1].total, seen[-1].best) == (10, 10, result.best)
    assert [step.done for step in seen] == sorted(step.done for step in seen)


def test_tables_and_plots_are_written(tmp_path: Path) -> None:
    result = run(tmp_path / "s", trials=15, workers=2)
    written = {path.relative_to(result.folder).as_posix() for path in write_outputs(result)}
    assert written >= {"trials.csv", "trials.parquet", "timings.csv", "best.json"}
    assert written >= {f"plots/{name}.html" for name in ("history", "importance", "contour", "slice")}
    parquet = pyarrow.parquet.read_table(result.folder / "trials.parquet").to_pylist()
    assert [row["value"] for row in parquet] == [row.value for row in result.rows]
    assert [row["param x"] for row in parquet] == [row.parameters["x"] for row in result.rows]
    html = (result.folder / "plots" / "history.html").read_text()
    assert "cdn" not in html and (result.folder / "plots" / "plotly.min.js").exists()


def test_an_objective_that_cannot_be_sent_is_said_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="define it in a module"):
        run(tmp_path / "s", lambda task, data: 1.0)
    assert not (tmp_path / "s").exists()
