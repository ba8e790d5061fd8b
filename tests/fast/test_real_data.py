"""The fast path on Lean's own sample data: both modes agree there too."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.fast.ingest.clean import CleanOptions
from harness.fast.ingest.load import LoadOptions
from harness.fast.run import RunSettings, run
from harness.fast.strategy import StrategySettings

SAMPLE = Path(__file__).resolve().parents[3] / "shared" / "lean-data"


@pytest.mark.recordings
@pytest.mark.parametrize(
    ("resolution", "bar_seconds", "least_trades"), [("minute", None, 5), ("second", 15, 5), ("second", None, 20)]
)
def test_modes_agree_on_leans_sample_data(resolution: str, bar_seconds: int | None, least_trades: int) -> None:
    if not SAMPLE.is_dir():
        pytest.skip("Lean's sample data is not beside the project")
    strategy = StrategySettings(band=0.0003, stop_loss=0.001, take_profit=0.002, trailing=0.0015)
    load = LoadOptions(symbols=("SPY",), resolution=resolution, clean_options=CleanOptions(bar_seconds=bar_seconds))
    result = run(SAMPLE, RunSettings(strategy=strategy, load=load, verify=True))
    (report,) = result.dataset.reports
    assert report.rows_in - report.dropped.total == report.rows_out
    assert report.dropped.total == report.dropped.outside_hours
    assert result.trade_count >= least_trades
    assert result.fidelity is not None
    assert result.fidelity.identical
