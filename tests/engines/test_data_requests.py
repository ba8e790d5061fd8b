"""Data that were asked for and not found: what it does to an ending, whichever engine left the lists."""

from __future__ import annotations

from pathlib import Path

from harness.embedded.results.data_monitor import store_data_requests
from harness.engines.base import Outcome
from harness.engines.data_requests import judge_data, request_lists
from harness.engines.outcome import Ending

COMPLETED = Ending(Outcome.COMPLETED, "", ("a note",))
DAY = "equity/usa/minute/a/20251006_{}.zip"


def left(folder: Path, **found: bool) -> Path:
    """A results folder whose run asked for trades and quotes of one symbol and day, and for the benchmark."""
    requests = {folder / "data" / DAY.format(kind): there for kind, there in found.items()}
    store_data_requests(requests, folder / "data", folder)
    return folder


def test_one_kind_of_data_is_enough_and_the_other_is_noted(tmp_path: Path) -> None:
    ending = judge_data(left(tmp_path, trade=True, quote=False), COMPLETED, allow_missing=False)
    assert ending == Ending(Outcome.COMPLETED, "", ("a note", f"1 data request failed: {DAY.format('quote')}"))


def test_a_symbol_without_data_is_missing_data_unless_allowed(tmp_path: Path) -> None:
    folder = left(tmp_path, trade=False, quote=False)
    store_data_requests({tmp_path / "data/equity/usa/minute/b/20251006_trade.zip": True}, tmp_path / "data", folder)
    ending = judge_data(folder, COMPLETED, allow_missing=False)
    assert ending.outcome is Outcome.MISSING_DATA
    assert ending.detail == (
        f"1 data file of subscribed symbols not there: {DAY.format('trade')}; see `harness data check`, "
        "or set allow_missing_data = true for the scenario in harness.toml"
    )
    assert judge_data(folder, COMPLETED, allow_missing=True).outcome is Outcome.COMPLETED


def test_a_run_that_found_nothing_at_all_has_probably_the_wrong_folder(tmp_path: Path) -> None:
    ending = judge_data(left(tmp_path, trade=False), COMPLETED, allow_missing=False)
    assert ending.outcome is Outcome.MISSING_DATA
    assert ending.detail == f"not one data file was found: {DAY.format('trade')}; check the data folder"


def test_a_run_that_failed_keeps_its_own_reason(tmp_path: Path) -> None:
    failed = Ending(Outcome.RUNTIME_ERROR, "x")
    assert judge_data(left(tmp_path, trade=False), failed, allow_missing=False) is failed


def test_a_run_that_asked_for_nothing_leaves_no_lists(tmp_path: Path) -> None:
    store_data_requests({}, tmp_path / "data", tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert request_lists(tmp_path) == ([], [])
    assert judge_data(tmp_path, COMPLETED, allow_missing=False) == COMPLETED
