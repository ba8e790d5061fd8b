"""The data check names every fault with its file and goes on."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import numpy as np
import pytest

from harness.errors import InputError
from harness.marketdata.check import check_folder
from harness.marketdata.lean_format import BarTable, entry_name, format_bars, midnight_us, write_zip, zip_path
from harness.marketdata.spec import synth_spec
from harness.marketdata.synth import synthesize

DAY = dt.date(2025, 10, 1)
WEEKEND = dt.date(2025, 10, 4)


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("check") / "data"
    synthesize(folder, synth_spec(["AAPL"], DAY, DAY, history_days=45))
    return folder


@pytest.fixture
def folder(master: Path, tmp_path: Path) -> Path:
    target = tmp_path / "data"
    shutil.copytree(master, target)
    return target


def _rewrite(folder: Path, seconds: list[int], prices: list[list[int]]) -> None:
    start_us = np.array([midnight_us(DAY) + second * 1_000_000 for second in seconds], dtype=np.int64)
    columns = tuple(np.array(column, dtype=np.int64) for column in zip(*prices, strict=True))
    payload = format_bars(BarTable("trade", start_us, columns), "second", DAY)
    write_zip(zip_path(folder, "AAPL", "second", DAY), entry_name("AAPL", "second", DAY), payload)


def test_good_data_is_ok(folder: Path) -> None:
    for resolution in ("second", "hour", "daily"):
        report = check_folder(folder, ["AAPL", "SPY"], resolution, [DAY, WEEKEND])
        assert report.is_ok, report.problems
        assert [row.symbol for row in report.rows if row.bars] == ["AAPL", "SPY"]
    assert not check_folder(folder, ["AAPL"], "second", [DAY]).warnings


@pytest.mark.parametrize(
    ("seconds", "prices", "said"),
    [
        ([34200, 34199], [[10, 11, 9, 10, 1]] * 2, "line 2 is not later than the line before"),
        ([34200, 34200], [[10, 11, 9, 10, 1]] * 2, "line 2 is not later than the line before"),
        ([34200, 34201], [[10, 11, 9, 10, 1], [10, 9, 8, 10, 1]], "line 2: open, high, low and close do not fit"),
        ([34200], [[0, 11, 0, 10, 1]], "line 1: open, high, low and close do not fit"),
        ([30000], [[10, 11, 9, 10, 1]], "no bar in the regular session"),
        ([], [], "holds no row"),
    ],
)
def test_bad_rows_are_named(folder: Path, seconds: list[int], prices: list[list[int]], said: str) -> None:
    if seconds:
        _rewrite(folder, seconds, prices)
    else:
        write_zip(zip_path(folder, "AAPL", "second", DAY), entry_name("AAPL", "second", DAY), b"")
    (problem,) = check_folder(folder, ["AAPL"], "second", [DAY]).problems
    assert said in problem.message
    assert str(problem.path) in problem.message
    assert (problem.symbol, problem.date) == ("AAPL", DAY)


def test_a_long_pause_is_a_warning(folder: Path) -> None:
    _rewrite(folder, [34200, 35000, 57599], [[10, 11, 9, 10, 1]] * 3)
    report = check_folder(folder, ["AAPL"], "second", [DAY])
    assert report.is_ok
    (warning,) = report.warnings
    assert warning.longest_pause_s == 57599 - 35000 - 1


def test_missing_and_truncated_files_are_errors(folder: Path) -> None:
    zip_path(folder, "AAPL", "second", DAY).write_bytes(b"PK\x03\x04")
    report = check_folder(folder, ["AAPL", "NONE"], "second", [DAY])
    assert [row.symbol for row in report.problems] == ["AAPL", "NONE"]
    assert "not a readable zip" in report.problems[0].message
    assert "no such file" in report.problems[1].message
    assert {row.what for row in report.warnings if row.symbol == "NONE"} == {"map file", "factor file"}


def test_missing_days_of_a_daily_file_are_errors(folder: Path) -> None:
    (problem,) = check_folder(folder, ["AAPL"], "daily", [DAY, DAY + dt.timedelta(days=1)]).problems
    assert problem.date == DAY + dt.timedelta(days=1)


def test_databases_are_checked(folder: Path) -> None:
    (folder / "market-hours/market-hours-database.json").write_text("{}")
    (folder / "symbol-properties/symbol-properties-database.csv").unlink()
    (folder / "alternative/interest-rate/usa/interest-rate.csv").write_text("DATE,PCREDIT8\n")
    report = check_folder(folder, ["AAPL"], "second", [DAY])
    assert {row.what for row in report.problems} == {"market hours", "symbol properties"}
    assert {row.what for row in report.warnings} == {"interest rates"}


def test_unknown_requests_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        check_folder(tmp_path / "absent", ["AAPL"], "second", [DAY])
    with pytest.raises(InputError, match="choose one of"):
        check_folder(folder, ["AAPL"], "weekly", [DAY])
