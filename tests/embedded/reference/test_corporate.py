"""Map and factor files: real ones, the recorded split and dividend, and damaged ones."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from pathlib import Path

import pytest

from harness.embedded.clr import div, mul
from harness.embedded.enums import DataNormalizationMode
from harness.embedded.reference.corporate import (
    CorporateEvents,
    DelistingEvent,
    DividendEvent,
    MapFileResolver,
    SplitEvent,
    SymbolChangedEvent,
    compute_distribution,
    load_factor_file,
)
from harness.embedded.reference.market_hours import MarketHoursDatabase
from harness.embedded.reference.symbols import SecurityIdentifier, Symbol
from harness.marketdata.lean_format import FormatError, read_bars, zip_path

SHARED = Path(__file__).resolve().parents[3].parent / "shared"
D = dt.datetime
Mode = DataNormalizationMode


def _file(folder: Path, kind: str, name: str, text: str) -> None:
    path = folder / "equity/usa" / kind / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Real histories: GOOGL was GOOG, GOOG was GOOCV; VXX was reused; one made-up delisting and split."""
    _file(tmp_path, "map_files", "googl", "20040819,goog,Q\n20140402,goog,Q\n20501231,googl,Q\n")
    _file(tmp_path, "map_files", "goog", "20140327,goocv,Q\n20140402,goocv,Q\n20501231,goog,Q\n")
    _file(tmp_path, "map_files", "vxx.1", "20090130,vxx,P\n20190129,vxx,P\n")
    _file(tmp_path, "map_files", "vxx", "20180118,vxxb,Z\n20190501,vxxb,Z\n20501231,vxx,Z\n")
    _file(
        tmp_path,
        "factor_files",
        "echo",
        "20100104,0.9860153,0.5,53.63\n20251002,0.9860153,0.5,53.63\n20251003,1,0.5,52.39\n20501231,1,1,0\n",
    )
    return tmp_path


def test_a_ticker_belongs_to_different_securities_over_time(data: Path) -> None:
    resolver = MapFileResolver(data)
    assert resolver.resolve_map_file("GOOG", D(2013, 1, 1)).permtick == "GOOGL"
    assert resolver.resolve_map_file("goog", D(2020, 1, 1)).permtick == "GOOG"
    assert resolver.resolve_map_file("VXX", D(2015, 1, 1)).permtick == "VXX.1"
    assert resolver.resolve_map_file("VXX", D(2019, 1, 29)).permtick == "VXX.1"
    assert resolver.resolve_map_file("VXX", D(2026, 1, 1)).permtick == "VXX"
    assert resolver.resolve_map_file("ABC", D(2026, 1, 1)).is_empty
    old = resolver.resolve_map_file("VXX", D(2015, 1, 1))
    assert (old.first_ticker, old.delisting_date) == ("VXX", D(2019, 1, 29))


def test_a_symbol_finds_its_map_file_by_identifier(data: Path) -> None:
    resolver = MapFileResolver(data)
    googl = Symbol(SecurityIdentifier.parse("GOOG T1AZ164W5VTX"), "GOOGL")
    map_file = resolver.resolve_for_symbol(googl)
    assert map_file.permtick == "GOOGL"
    assert map_file.get_mapped_symbol(D(2014, 4, 2)) == "GOOG"
    assert map_file.get_mapped_symbol(D(2014, 4, 3)) == "GOOGL"
    assert map_file.get_mapped_symbol(D(2051, 1, 1), "none") == "none"
    assert [map_file.has_data(day) for day in (D(2004, 8, 18), D(2004, 8, 19), D(2051, 1, 1))] == [False, True, False]


def test_a_folder_without_map_files_maps_nothing(tmp_path: Path) -> None:
    map_file = MapFileResolver(tmp_path).resolve_map_file("SPY", D(2025, 1, 1))
    assert (map_file.permtick, map_file.is_empty, map_file.has_data(D(1900, 1, 1))) == ("SPY", True, True)


def test_price_factors(data: Path) -> None:
    echo = load_factor_file(data, "ECHO")
    days = (D(2009, 1, 1), D(2025, 10, 2, 15), D(2025, 10, 3), D(2025, 10, 4))
    adjusted = [echo.get_price_factor(day, Mode.ADJUSTED) for day in days]
    assert adjusted == [Decimal("0.49300765"), Decimal("0.49300765"), Decimal("0.5"), Decimal(1)]
    split = [echo.get_price_factor(day, Mode.SPLIT_ADJUSTED) for day in days]
    assert split == [Decimal("0.5"), Decimal("0.5"), Decimal("0.5"), Decimal(1)]
    assert split == [echo.get_price_factor(day, Mode.TOTAL_RETURN) for day in days]
    assert echo.get_price_factor(days[0], Mode.RAW) == 0
    assert echo.get_price_scale(days[0], Mode.SCALED_RAW, D(2025, 10, 3)) == Decimal("0.9860153")
    assert load_factor_file(data, "absent").get_price_factor(days[0], Mode.ADJUSTED) == 1
    assert echo.minimum_date == D(2010, 1, 3)


@pytest.mark.recordings
@pytest.mark.parametrize(
    ("case", "mode"),
    [
        ("split_dividend_adjusted", Mode.ADJUSTED),
        ("split_dividend_split_adjusted", Mode.SPLIT_ADJUSTED),
        ("split_dividend_total_return", Mode.TOTAL_RETURN),
        ("split_dividend_raw", Mode.RAW),
    ],
)
def test_events_and_prices_of_the_recordings(case: str, mode: DataNormalizationMode) -> None:
    """Dividend, split, warning and the 09:31 prices that real Lean logged, from the same data."""
    logs = sorted((SHARED / "conformance" / case / "lean").glob("*-log.txt"))
    if not logs:
        pytest.skip("no recordings beside the project")
    data = SHARED / "conformance/data"
    hours = MarketHoursDatabase(data).get_exchange_hours("ECHO")
    factors = load_factor_file(data, "echo")
    events = CorporateEvents(MapFileResolver(data).resolve_map_file("ECHO", D(2025, 10, 1)), factors)
    made = []
    last_close: Decimal | None = None
    for day in (D(2025, 10, number) for number in range(1, 9)):
        if not hours.is_date_open(day):
            continue
        for event in events.events(day, last_raw_price=last_close):
            if isinstance(event, DividendEvent):
                made.append(f"{event.date} dividend {event.distribution} {event.reference_price}")
            elif isinstance(event, SplitEvent):
                kind = "WARNING" if event.is_warning else "SPLIT_OCCURRED"
                made.append(f"{event.date} split {kind} {event.split_factor} {event.reference_price}")
        bars = read_bars(zip_path(data, "ECHO", "minute", day), "minute", "trade", day)
        row = bars.start_us.tolist().index(
            (day + dt.timedelta(hours=9.5) - D(1970, 1, 1)) // dt.timedelta(microseconds=1)
        )
        price = Decimal(int(bars.columns[3][row])) / 10_000
        if mode != Mode.RAW:
            price = price * factors.get_price_scale(day, mode)
            price += events.sum_of_dividends if mode == Mode.TOTAL_RETURN else 0
        made.append(f"{day + dt.timedelta(hours=9, minutes=31)} {float(price)}")
        last_close = Decimal(int(bars.columns[3][-1])) / 10_000
    text = logs[0].read_text()
    pattern = r"^\S+ \S+ (\S+ \S+ (?:dividend \S+ \S+|split \S+ \S+ \S+|\d[\d.]*))"
    # The log is in the order of the slice: dividends before splits; ours is in the order Lean creates them.
    recorded = re.findall(pattern, text, re.MULTILINE)
    assert sorted(made) == sorted(recorded)


@pytest.mark.recordings
def test_real_factor_files_give_known_events() -> None:
    """Apple's splits and a dividend, public facts, from Lean's sample factor file."""
    if not (SHARED / "lean-data/equity/usa/factor_files/aapl.csv").exists():
        pytest.skip("no market data beside the project")
    hours = MarketHoursDatabase(SHARED / "lean-data").get_exchange_hours("AAPL")
    events = load_factor_file(SHARED / "lean-data", "aapl").dividends_and_splits(hours)
    splits = {event.date: round(event.split_factor, 4) for event in events if isinstance(event, SplitEvent)}
    assert splits[D(2014, 6, 9)] == round(Decimal(1) / 7, 4)
    assert splits[D(2005, 2, 28)] == Decimal("0.5")
    dividends = {event.date: event.distribution for event in events if isinstance(event, DividendEvent)}
    assert dividends[D(2012, 8, 9)] == Decimal("2.65")
    assert [event.date for event in events] == sorted(event.date for event in events)


def test_renames_and_delisting_come_once(data: Path) -> None:
    resolver = MapFileResolver(data)
    factors = load_factor_file(data, "absent")
    events = CorporateEvents(
        resolver.resolve_map_file("GOOGL", D(2020, 1, 1)), factors, mapped_symbol="GOOGL", start=D(2014, 4, 1)
    )
    assert events.mapped_symbol == "GOOG"
    made = [event for day in range(1, 5) for event in events.events(D(2014, 4, day))]
    assert made == [SymbolChangedEvent(D(2014, 4, 3), "GOOG", "GOOGL")]
    vxx = CorporateEvents(resolver.resolve_map_file("VXX", D(2015, 1, 1)), factors, mapped_symbol="VXX")
    gone = [event for day in (28, 29, 30, 31) for event in vxx.events(D(2019, 1, day), last_price=Decimal(9))]
    assert gone == [
        DelistingEvent(D(2019, 1, 29), Decimal(9), is_warning=True),
        DelistingEvent(D(2019, 1, 30), Decimal(9), is_warning=False),
    ]


def test_subscriptions_without_splits_emit_none(data: Path) -> None:
    quiet = CorporateEvents(
        MapFileResolver(data).resolve_map_file("ECHO", D(2025, 1, 1)),
        load_factor_file(data, "echo"),
        splits_and_dividends=False,
    )
    assert [event for day in range(1, 9) for event in quiet.events(D(2025, 10, day))] == []


def test_distribution_is_rounded_half_to_even() -> None:
    assert compute_distribution(Decimal("53.63"), Decimal("0.9860153")) == Decimal("0.75")
    assert compute_distribution(Decimal(1), Decimal("0.995")) == Decimal("0.00")
    assert compute_distribution(Decimal(1), Decimal("0.985")) == Decimal("0.02")


def test_factors_are_multiplied_and_divided_as_system_decimal(data: Path) -> None:
    _file(data, "factor_files", "x", "20200102,0.9,0.3,10\n20200106,0.9,0.3,10\n20200107,1,0.7,10\n20501231,1,1,0\n")
    x = load_factor_file(data, "x")
    assert x.dividend_on_next_trading_day(D(2020, 1, 6)) == (Decimal("0.9"), Decimal(10))
    assert x.split_on_next_trading_day(D(2020, 1, 6)) == (div(Decimal("0.3"), Decimal("0.7")), Decimal(10))
    assert x.get_price_factor(D(2020, 1, 6), Mode.ADJUSTED) == mul(Decimal("0.9"), Decimal("0.3"))


def test_rows_that_lean_leaves_out(data: Path) -> None:
    _file(
        data,
        "factor_files",
        "x",
        "20140930,1,inf,1\n20151211,1,1.6e+6,1\n20160330,1,0,1\n20160915,1,80,0.07\n20501231,1,1,0",
    )
    x = load_factor_file(data, "x")
    assert [row.date for row in x.rows] == [D(2016, 9, 15), D(2050, 12, 31)]
    assert x.minimum_date == D(2016, 9, 14)


@pytest.mark.parametrize(
    "line", ["2020010,1,1,1", "20200102,1", "20200102,a,1,1", "20200102,1,nan,1", "20201301,1,1,1"]
)
def test_bad_factor_lines_are_named(data: Path, line: str) -> None:
    _file(data, "factor_files", "x", f"20100104,1,1,1\n{line}\n")
    with pytest.raises(FormatError, match=r"x\.csv: line 2: "):
        load_factor_file(data, "x")


@pytest.mark.parametrize("line", ["2020010,x,Q", "20200102", "20200102,,Q", "20200230,x,Q"])
def test_bad_map_lines_are_named(data: Path, line: str) -> None:
    _file(data, "map_files", "x", f"20100104,x,Q\n{line}\n")
    with pytest.raises(FormatError, match=r"x\.csv: line 2: "):
        MapFileResolver(data).resolve_map_file("X", D(2025, 1, 1))


def test_two_owners_of_a_ticker_on_one_day_are_refused(data: Path) -> None:
    _file(data, "map_files", "x", "20100104,x\n20501231,x\n")
    _file(data, "map_files", "y", "20100104,y\n20501231,x\n")
    with pytest.raises(FormatError, match="X and Y both map X"):
        MapFileResolver(data).resolve_map_file("X", D(2025, 1, 1))


def test_a_zero_reference_price_is_refused(data: Path) -> None:
    _file(data, "factor_files", "x", "20251001,1,0.5,0\n20501231,1,1,0\n")
    events = CorporateEvents(MapFileResolver(data).resolve_map_file("X", D(2025, 1, 1)), load_factor_file(data, "x"))
    events.events(D(2025, 10, 1))
    with pytest.raises(FormatError, match="no reference price"):
        events.events(D(2025, 10, 2))
