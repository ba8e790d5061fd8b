"""The cluster path, with a real scheduler and two worker processes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.errors import EngineError
from harness.sweep.backtests import EmbeddedBacktest
from harness.sweep.executors import dask_executor
from harness.sweep.optimization_data import OptimizationData
from harness.sweep.runner import ParallelOptimizationRunner
from harness.sweep.settings import SweepSettings
from harness.sweep.space import SearchSpace
from tests.sweep import objectives

distributed = pytest.importorskip("distributed")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(ROOT)  # workers import the objectives from the project's root
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as made:
        yield made
    if before is None:
        del os.environ["PYTHONPATH"]
    else:
        os.environ["PYTHONPATH"] = before


def test_a_cluster_gives_the_one_process_table(cluster: Any, tmp_path: Path) -> None:
    space = SearchSpace.parse(["x=0:10:1", "y=0.1:1.0:0.1"])
    client, executor, threads = dask_executor(cluster.scheduler_address)
    try:
        assert threads == 2
        settings = SweepSettings(trials=30, workers=threads)
        there = ParallelOptimizationRunner(objectives.counted, space, tmp_path / "a" / "s", settings, executor=executor)
        result = there.run()
    finally:
        client.close()
    here = ParallelOptimizationRunner(objectives.counted, space, tmp_path / "b" / "s", SweepSettings(trials=30)).run()
    assert [row.table_row() for row in result.rows] == [row.table_row() for row in here.rows]
    assert len({row.worker for row in result.rows if row.worker}) == 2


def test_cluster_workers_map_the_shared_data(cluster: Any, tmp_path: Path) -> None:
    client, executor, _ = dask_executor(cluster.scheduler_address)
    try:
        with OptimizationData(tmp_path / "shared") as data:
            data.add_array("prices", np.arange(1000.0))
            settings = SweepSettings(trials=6, sampler="grid", workers=2)
            space = SearchSpace.parse(["x=0:5"])
            result = ParallelOptimizationRunner(
                objectives.from_shared, space, tmp_path / "s", settings, executor=executor, data=data.context()
            ).run()
    finally:
        client.close()
    assert [row.value for row in result.rows] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


def test_a_worker_of_the_cluster_that_dies_loses_no_trial(cluster: Any, tmp_path: Path) -> None:
    client, executor, _ = dask_executor(cluster.scheduler_address)
    try:
        settings = SweepSettings(trials=12, sampler="grid", workers=2)
        space = SearchSpace.parse(["x=0:2", "y=0.1:0.4:0.1"])
        result = ParallelOptimizationRunner(
            objectives.dies_once, space, tmp_path / "a" / "s", settings, executor=executor
        ).run()
    finally:
        client.close()
    assert (tmp_path / "a" / "died").exists()
    assert [row.state for row in result.rows] == ["complete"] * 12


def test_backtests_run_on_a_cluster(cluster: Any, backtest: EmbeddedBacktest, tmp_path: Path) -> None:
    client, executor, _ = dask_executor(cluster.scheduler_address)
    try:
        settings = SweepSettings(trials=3, sampler="grid", workers=2)
        space = SearchSpace.parse(["target_share=0.2:0.4:0.1"])
        result = ParallelOptimizationRunner(backtest, space, tmp_path / "s", settings, executor=executor).run()
    finally:
        client.close()
    assert [row.state for row in result.rows] == ["complete"] * 3, [row.reason for row in result.rows]


def test_a_scheduler_that_is_not_there_is_one_line() -> None:
    with pytest.raises(EngineError, match="no Dask scheduler") as caught:
        dask_executor("tcp://127.0.0.1:9", 1.0)
    assert "\n" not in str(caught.value)
