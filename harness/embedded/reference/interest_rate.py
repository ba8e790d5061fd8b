"""The risk-free interest rate that Lean's statistics and models use.

API::

    InterestRateProvider(data_folder, today=None): .get_interest_rate(day) .get_average(days) .is_loaded .path

Source: Lean's ``InterestRateProvider`` and ``RiskFreeInterestRateModelExtensions``.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from pathlib import Path

from harness.embedded.clr import ZERO, div
from harness.marketdata.lean_format import interest_rate_path

DEFAULT_RISK_FREE_RATE = Decimal("0.01")
_FIRST_DAY = dt.date(1998, 1, 1)
_HUNDRED = Decimal(100)


class InterestRateProvider:
    """The US primary credit rate by day, as a fraction (0.055 for 5.5 %).

    A rate holds until the next one; days before the first row have the first row's rate, days after ``today`` (default:
    the current UTC day) have the rate of ``today`` unless the file has a row for that very day. Without a usable file
    every day has :data:`DEFAULT_RISK_FREE_RATE` and ``is_loaded`` is False.
    """

    def __init__(self, data_folder: Path | str, today: dt.date | None = None) -> None:
        self.path = interest_rate_path(data_folder)
        self._last_day = today or dt.datetime.now(dt.UTC).date()
        self._rates, self._before = _read(self.path)
        self._days = sorted(self._rates)
        self.is_loaded = bool(self._rates)

    def get_interest_rate(self, day: dt.date) -> Decimal:
        """Rate of ``day`` (a date or datetime)."""
        date = day.date() if isinstance(day, dt.datetime) else day
        exact = self._rates.get(date)
        if exact is not None:
            return exact
        return self._filled(min(max(date, _FIRST_DAY), self._last_day))

    def _filled(self, date: dt.date) -> Decimal:
        index = bisect_right(self._days, date) - 1
        # Rows before 1998 are not carried forward: Lean starts filling there with the file's first rate.
        if index < 0 or self._days[index] < _FIRST_DAY:
            return self._before
        return self._rates[self._days[index]]

    def get_average(self, days: Iterable[dt.date]) -> Decimal:
        """Mean rate of ``days``; zero for none."""
        rates = [self.get_interest_rate(day) for day in days]
        return div(sum(rates, ZERO), Decimal(len(rates))) if rates else ZERO


def _read(path: Path) -> tuple[dict[dt.date, Decimal], Decimal]:
    """Rows of the file and its first rate. Lines that are not a day and a number are left out, as Lean does."""
    rates: dict[dt.date, Decimal] = {}
    first = DEFAULT_RISK_FREE_RATE
    try:
        lines = path.read_text("latin-1").splitlines()[1:]
    except OSError:
        return rates, first
    for line in lines:
        fields = line.split(",")
        try:
            date = _parse_date(fields[0])
            rate = div(Decimal(fields[1].strip()), _HUNDRED)
        except (ValueError, IndexError, InvalidOperation):
            continue
        if not rates:
            first = rate
        rates[date] = rate
    return rates, first


def _parse_date(text: str) -> dt.date:
    """``yyyy-MM-dd``, nothing else."""
    if len(text) != 10 or text[4] != "-" or text[7] != "-":
        raise ValueError(text)
    return dt.date.fromisoformat(text)
