"""Parameter sweeps over many processes or machines that share one copy of the data.

Names are imported when first used: a worker process that only runs backtests never loads Optuna.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.sweep.backtests import EmbeddedBacktest, EngineBacktest
    from harness.sweep.executors import SpawnPool
    from harness.sweep.optimization_data import OptimizationData, OptimizationDataContext
    from harness.sweep.records import TrialOutcome, TrialRow, TrialTask
    from harness.sweep.runner import ParallelOptimizationRunner, SweepResult
    from harness.sweep.settings import SweepSettings
    from harness.sweep.space import SearchSpace

__all__ = [
    "EmbeddedBacktest",
    "EngineBacktest",
    "OptimizationData",
    "OptimizationDataContext",
    "ParallelOptimizationRunner",
    "SearchSpace",
    "SpawnPool",
    "SweepResult",
    "SweepSettings",
    "TrialOutcome",
    "TrialRow",
    "TrialTask",
]

_HOME = {
    "EmbeddedBacktest": "backtests",
    "EngineBacktest": "backtests",
    "OptimizationData": "optimization_data",
    "OptimizationDataContext": "optimization_data",
    "ParallelOptimizationRunner": "runner",
    "SearchSpace": "space",
    "SpawnPool": "executors",
    "SweepResult": "runner",
    "SweepSettings": "settings",
    "TrialOutcome": "records",
    "TrialRow": "records",
    "TrialTask": "records",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
