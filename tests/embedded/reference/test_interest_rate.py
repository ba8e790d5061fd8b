"""Interest rates: filled forward from 1998 to today, 1 % without a file."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from harness.embedded.reference.interest_rate import InterestRateProvider
from harness.marketdata.lean_format import interest_rate_path

TODAY = dt.date(2026, 8, 21)


def _provider(folder: Path, text: str) -> InterestRateProvider:
    path = interest_rate_path(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return InterestRateProvider(folder, TODAY)


@pytest.mark.parametrize(
    ("day", "rate"),
    [
        (dt.date(1990, 1, 1), "0.0225"),  # before the first day that Lean fills
        (dt.date(2003, 1, 8), "0.0225"),
        (dt.date(2003, 1, 9), "0.0225"),
        (dt.date(2003, 6, 26), "0.02"),
        (dt.date(2023, 7, 26), "0.02"),
        (dt.datetime(2023, 7, 27, 15, 30), "0.055"),
        (dt.date(2026, 8, 22), "0.055"),
        (dt.date(2027, 1, 1), "0.06"),  # a row of a day to come counts on that very day only
        (dt.date(2027, 1, 2), "0.055"),
    ],
)
def test_rates(tmp_path: Path, day: dt.date, rate: str) -> None:
    text = "DATE,PCREDIT8\n2003-01-09,2.25\n2003-06-26,2.00\nnonsense,1\n2004-01-01,x\n\n2023-07-27,5.5\n2027-01-01,6"
    provider = _provider(tmp_path, text)
    assert provider.get_interest_rate(day) == Decimal(rate)
    assert provider.is_loaded


def test_rows_before_1998_are_not_carried_forward(tmp_path: Path) -> None:
    provider = _provider(tmp_path, "DATE,PCREDIT8\n1990-01-01,8\n1995-01-01,7\n2003-01-09,2\n")
    rates = [provider.get_interest_rate(dt.date(year, 1, 1)) for year in (1990, 1995, 1996, 1999, 2004)]
    assert rates == [Decimal("0.08"), Decimal("0.07"), Decimal("0.08"), Decimal("0.08"), Decimal("0.02")]


def test_no_file_is_one_per_cent(tmp_path: Path) -> None:
    provider = InterestRateProvider(tmp_path, TODAY)
    assert (provider.get_interest_rate(TODAY), provider.is_loaded) == (Decimal("0.01"), False)
    assert provider.get_average([]) == 0


def test_average(tmp_path: Path) -> None:
    provider = _provider(tmp_path, "DATE,PCREDIT8\n2003-01-09,1\n2003-01-10,2\n")
    assert provider.get_average([dt.date(2003, 1, 9), dt.date(2003, 1, 10), dt.date(2003, 1, 11)]) == (
        Decimal("0.0166666666666666666666666667")
    )
