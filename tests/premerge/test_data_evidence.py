"""What the checklist makes of the data requests that a session's runs left."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.commands.premerge import _failed_requests
from harness.embedded.results.data_monitor import store_data_requests

TRADES, QUOTES = "equity/usa/minute/a/20251006_trade.zip", "equity/usa/minute/a/20251006_quote.zip"
RUNS = [SimpleNamespace(variant=name, kind="measured", folder=f"{name}/run_01") for name in ("baseline", "optimized")]
REPORT = cast(Any, SimpleNamespace(baseline="baseline", candidate="optimized", runs=RUNS))


@pytest.mark.parametrize(
    ("found", "failed"), [({TRADES: True, QUOTES: False}, 0), ({TRADES: False, QUOTES: False}, 4), ({}, None)]
)
def test_quotes_of_symbols_that_have_trades_only_are_not_missing(
    tmp_path: Path, found: dict[str, bool], failed: int | None
) -> None:
    for run in RUNS:
        folder = tmp_path / run.folder / "lean"
        folder.mkdir(parents=True)
        store_data_requests(
            {tmp_path / "data" / path: there for path, there in found.items()}, tmp_path / "data", folder
        )
    assert _failed_requests(REPORT, tmp_path) == failed
