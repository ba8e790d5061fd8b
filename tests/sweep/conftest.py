"""Synthetic market data and the reference algorithm's backtest, made once for all tests here."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.marketdata.spec import synth_spec
from harness.marketdata.synth import synthesize
from harness.sweep.backtests import EmbeddedBacktest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three symbols, three days."""
    folder = tmp_path_factory.mktemp("lean-data")
    synthesize(folder, synth_spec(("AAPL", "NVDA", "JPM"), quick=True))
    return folder


@pytest.fixture
def backtest(data_folder: Path, tmp_path: Path) -> EmbeddedBacktest:
    """The reference algorithm on that data, in the worker's process."""
    return EmbeddedBacktest(
        algorithm_file=ROOT / "algorithm" / "main.py",
        algorithm_class="ReferenceAlgorithm",
        data_folder=data_folder,
        objective="End Equity",
        parameters={
            "symbols": "AAPL NVDA JPM",
            "start": "2025-10-01",
            "end": "2025-10-02",
            "metrics": "incremental",
            "instrumentation": "off",
        },
        cache_folder=tmp_path / "cache",
    )
