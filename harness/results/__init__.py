"""What is on disk: stored documents and rows, Lean result folders, baselines, labels, lazy results.

``from harness.results import TestResults`` is the way in for reading; the store's functions are in their modules.
Names are imported when first used, so that a command that only writes a document does not pay for the readers.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.results.baseline import StoredBaseline, load_baseline, save_baseline
    from harness.results.labels import ResolvedRun, resolve
    from harness.results.lean_results import LeanResults
    from harness.results.test_results import CacheInfo, Dataset, StrategyResults, TestResults

__all__ = [
    "CacheInfo",
    "Dataset",
    "LeanResults",
    "ResolvedRun",
    "StoredBaseline",
    "StrategyResults",
    "TestResults",
    "load_baseline",
    "resolve",
    "save_baseline",
]

_HOME = {
    "CacheInfo": "test_results",
    "Dataset": "test_results",
    "StrategyResults": "test_results",
    "TestResults": "test_results",
    "LeanResults": "lean_results",
    "ResolvedRun": "labels",
    "resolve": "labels",
    "StoredBaseline": "baseline",
    "load_baseline": "baseline",
    "save_baseline": "baseline",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
