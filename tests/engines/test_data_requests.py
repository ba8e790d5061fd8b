"""Data that were asked for and not found: what it does to an ending, whichever engine left the lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.embedded.results.data_monitor import store_data_requests
from harness.engines.base import Outcome
from harness.engines.data_requests import judge_data, request_lists, telling_failures
from harness.engines.outcome import Ending

COMPLETED = Ending(Outcome.COMPLETED, "", ("a note",))
DAY = "equity/usa/minute/a/20251006_{}.zip"


def left(folder: Path, **found: bool) -> Path:
    """A results folder whose run asked for trades and quotes of one symbol and day, and for the benchmark."""
    requests = {folder / "data" / DAY.format(kind): there for kind, there in found.items()}
    store_data_requests(requests, folder / "data", folder)
    return folder


@pytest.mark.parametrize(("trade", "quote"), [(True, False), (False, True)])
def test_one_kind_of_data_is_enough(tmp_path: Path, trade: bool, quote: bool) -> None:
    assert judge_data(left(tmp_path, trade=trade, quote=quote), COMPLETED, allow_missing=False) == COMPLETED


def test_a_day_without_quotes_among_days_with_them_is_noted() -> None:
    found = [f"/{DAY.format(kind)}" for kind in ("quote", "trade")]
    later = [path.replace("1006", "1007") for path in found]
    assert telling_failures([*found, later[1]], [later[0]]) == [later[0]]
    assert telling_failures([found[1], later[1]], [found[0], later[0]]) == []
    assert telling_failures(found, ["/alternative/x.csv"]) == ["/alternative/x.csv"]


def test_a_symbol_without_data_is_missing_data_unless_allowed(tmp_path: Path) -> None:
    paths = [DAY.format("trade"), DAY.format("quote"), DAY.format("trade").replace("/a/", "/b/")]
    requests = {tmp_path / "data" / path: "/b/" in path for path in paths}
    store_data_requests(requests, tmp_path / "data", tmp_path)
    ending = judge_data(tmp_path, COMPLETED, allow_missing=False)
    assert ending.outcome is Outcome.MISSING_DATA
    assert ending.detail == (
        f"1 data file of subscribed symbols not there: {DAY.format('trade')}; see `harness data check`, "
        "or set allow_missing_data = true for the scenario in harness.toml"
    )
    assert judge_data(tmp_path, COMPLETED, allow_missing=True).outcome is Outcome.COMPLETED


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
