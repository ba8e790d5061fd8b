"""Texts of the reference files that a Lean data folder needs, for synthetic data.

Formats are Lean's: ``MapFileRow``, ``CorporateFactorRow``, ``MarketHoursDatabaseJsonConverter``,
``SymbolPropertiesDatabase``, ``InterestRateProvider``.
"""

from __future__ import annotations

import datetime as dt
import json
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from harness.marketdata.calendar import ExchangeCalendar
from harness.marketdata.spec import SymbolSpec

_END_OF_FILES = "20501231"
_NO_HOURS: list[dict[str, str]] = []

# Changes of the US primary credit rate, per cent (Federal Reserve, public domain).
_PRIMARY_CREDIT_RATE = (
    *(("2015-12-17", "1.00"), ("2016-12-15", "1.25"), ("2017-03-16", "1.50"), ("2017-06-15", "1.75")),
    *(("2017-12-14", "2.00"), ("2018-03-22", "2.25"), ("2018-06-14", "2.50"), ("2018-09-27", "2.75")),
    *(("2018-12-20", "3.00"), ("2019-08-01", "2.75"), ("2019-09-19", "2.50"), ("2019-10-31", "2.25")),
    *(("2020-03-04", "1.75"), ("2020-03-16", "0.25"), ("2022-03-17", "0.50"), ("2022-05-05", "1.00")),
    *(("2022-06-16", "1.75"), ("2022-07-28", "2.50"), ("2022-09-22", "3.25"), ("2022-11-03", "4.00")),
    *(("2022-12-15", "4.50"), ("2023-02-02", "4.75"), ("2023-03-23", "5.00"), ("2023-05-04", "5.25")),
    *(("2023-07-27", "5.50"), ("2024-09-19", "5.00"), ("2024-11-08", "4.75"), ("2024-12-19", "4.50")),
    ("2025-09-18", "4.25"),
)


def map_file_text(symbol: SymbolSpec) -> str:
    """One ticker from the first day on, never delisted."""
    name = symbol.ticker.lower()
    return f"{symbol.first_date:%Y%m%d},{name},{symbol.exchange}\n{_END_OF_FILES},{name},{symbol.exchange}\n"


def factor_file_text(symbol: SymbolSpec, last_day: dt.date | None, close: int, split: int, dividend: int) -> str:
    """Factors up to ``last_day``, the trading day before the action; all 1 when ``last_day`` is None.

    ``close`` (raw, of ``last_day``) and ``dividend`` are in 1e-4 dollars; ``split`` new shares come for one.
    """
    first = f"{symbol.first_date:%Y%m%d}"
    if last_day is None:
        return f"{first},1,1,1\n{_END_OF_FILES},1,1,0\n"
    price_factor = _plain(Decimal(close - dividend) / close, 7)
    split_factor = _plain(Decimal(1) / split, 8)
    reference = _plain(Decimal(close) / 10_000, 4)
    factors = f"{price_factor},{split_factor},{reference}"
    return f"{first},{factors}\n{last_day:%Y%m%d},{factors}\n{_END_OF_FILES},1,1,0\n"


def _plain(value: Decimal, digits: int) -> str:
    rounded = value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_EVEN)
    text = f"{rounded:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def market_hours_text(calendar: ExchangeCalendar) -> str:
    """Equities (with pre-market and post-market) and indices of the US, holidays and early closes included."""
    entries = {
        "Equity-usa-[*]": _entry(
            calendar,
            "America/New_York",
            [
                ("04:00:00", "09:30:00", "premarket"),
                ("09:30:00", "16:00:00", "market"),
                ("16:00:00", "20:00:00", "postmarket"),
            ],
            shift_s=0,
        ),
        "Index-usa-[*]": _entry(calendar, "America/Chicago", [("08:30:00", "15:15:00", "market")], shift_s=-3600),
    }
    return json.dumps({"entries": entries}, indent=1) + "\n"


def _entry(
    calendar: ExchangeCalendar, time_zone: str, session: list[tuple[str, str, str]], shift_s: int
) -> dict[str, Any]:
    segments = [{"start": start, "end": end, "state": state} for start, end, state in session]
    week = dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), segments)
    return {
        "dataTimeZone": time_zone,
        "exchangeTimeZone": time_zone,
        "sunday": _NO_HOURS,
        **week,
        "saturday": _NO_HOURS,
        "holidays": [_date(day) for day in calendar.holidays],
        "earlyCloses": {_date(day): _time(close + shift_s) for day, close in sorted(calendar.early_closes.items())},
        "lateOpens": {},
    }


def _date(day: dt.date) -> str:
    return f"{day.month}/{day.day}/{day.year}"


def _time(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def symbol_properties_text() -> str:
    """US equities in steps of a cent and lots of one share; options and indices beside them, as Lean asks for."""
    header = (
        "market,symbol,type,description,quote_currency,contract_multiplier,minimum_price_variation,lot_size,"
        "market_ticker,minimum_order_size,price_magnifier,strike_multiplier"
    )
    rows = (
        "usa,[*],equity,,USD,1,0.01,1",
        "usa,[*],option,,USD,100,0.01,1",
        "usa,[*],index,,USD,1,0.01,1",
        "usa,[*],indexoption,,USD,100,0.05,1",
    )
    return "\n".join((header, *rows)) + "\n"


def interest_rate_text() -> str:
    """The US primary credit rate, as Lean's file of it."""
    return "DATE,PCREDIT8\n" + "".join(f"{day},{rate}\n" for day, rate in _PRIMARY_CREDIT_RATE)
