"""Identifiers and symbols against those that real Lean wrote."""

from __future__ import annotations

import copy
import datetime as dt
import json
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.embedded.enums import SecurityType
from harness.embedded.reference.corporate import MapFileResolver
from harness.embedded.reference.symbols import (
    SecurityIdentifier,
    Symbol,
    SymbolError,
    encode_base36,
    set_map_file_resolver,
    symbol_cache,
)

SHARED = Path(__file__).resolve().parents[3].parent / "shared"


@pytest.fixture(autouse=True)
def fresh_cache() -> Iterator[None]:
    symbol_cache.clear()
    set_map_file_resolver(None)
    yield
    symbol_cache.clear()
    set_map_file_resolver(None)


def _equity(ticker: str = "SPY", first: dt.datetime | None = None) -> Symbol:
    sid = SecurityIdentifier.generate_equity(first or dt.datetime(1998, 1, 2), ticker)
    return Symbol(sid, ticker)


@pytest.mark.parametrize(
    ("ticker", "first", "text"),
    [
        # Identifiers that Lean's documentation and regression algorithms print.
        ("SPY", dt.datetime(1998, 1, 2), "SPY R735QTJ8XC9X"),
        ("GOOCV", dt.datetime(2014, 3, 27), "GOOCV VP83T1ZUHROL"),
        ("FB", dt.datetime(2012, 5, 18), "FB V6OIPNZEM8V9"),
    ],
)
def test_known_identifiers(ticker: str, first: dt.datetime, text: str) -> None:
    sid = SecurityIdentifier.generate_equity(first, ticker)
    assert str(sid) == text
    assert SecurityIdentifier.parse(text) == sid
    assert (sid.symbol, sid.market, sid.date, sid.security_type) == (ticker, "usa", first, SecurityType.EQUITY)


def test_a_ticker_without_map_file_has_the_default_date() -> None:
    assert str(SecurityIdentifier.generate_equity("nope")) == "NOPE 2T"


@pytest.mark.recordings
def test_identifiers_in_the_recordings() -> None:
    """Every symbol in real Lean's orders is what the map files of its data folder give."""
    found: dict[str, set[str]] = {}
    for path in sorted(SHARED.glob("conformance/*/lean/*-order-events.json")):
        for event in json.loads(path.read_text()):
            found.setdefault(event["symbolValue"], set()).add(event["symbol"])
    if not found:
        pytest.skip("no recordings beside the project")
    resolver = MapFileResolver(SHARED / "conformance/data")
    for ticker, texts in found.items():
        sid = SecurityIdentifier.generate_equity(ticker, "usa", resolver.resolve_map_file(ticker, dt.datetime.now()))
        assert texts == {str(sid)}


@given(st.integers(0, 2**63))
def test_base36(number: int) -> None:
    assert int(encode_base36(number) or "0", 36) == number


@given(st.text(st.characters(codec="ascii", exclude_characters="| "), min_size=1, max_size=12), st.integers(0, 90_000))
def test_printed_identifiers_are_parsed_back(ticker: str, days: int) -> None:
    first = dt.datetime(1899, 12, 30) + dt.timedelta(days=days)
    sid = SecurityIdentifier.generate_equity(first, ticker)
    assert SecurityIdentifier.parse(str(sid)) == sid


@given(st.text(max_size=30))
def test_other_text_is_no_identifier_or_is_refused(text: str) -> None:
    try:
        sid = SecurityIdentifier.parse(text)
    except SymbolError:
        assert SecurityIdentifier.try_parse(text) is None
    else:
        assert sid.security_type in (SecurityType.BASE, SecurityType.EQUITY)


def test_symbols_compare_as_in_lean() -> None:
    spy, same, ibm = _equity(), _equity(), _equity("IBM")
    assert spy == same
    assert spy != ibm
    assert spy == spy.id
    assert spy == "SPY R735QTJ8XC9X"
    assert spy != "SPY"  # not known by its ticker yet
    symbol_cache.clear()
    symbol_cache.set("SPY", spy)
    assert spy == "SPY"
    assert spy == "spy"
    assert spy != "IBM"
    assert spy != None  # noqa: E711
    assert Symbol.EMPTY == None  # noqa: E711
    assert Symbol.EMPTY == ""
    assert spy != 7
    assert hash(spy) == hash(same)
    assert {spy: 1}[same] == 1
    assert "SPY" not in {spy: 1}


def test_symbols_order_by_value_ignoring_case() -> None:
    spy, ibm = _equity(), _equity("IBM")
    assert ibm < spy
    assert spy > "ibm"
    assert spy >= "spy"
    assert spy <= same_value()
    assert sorted([spy, ibm]) == [ibm, spy]
    with pytest.raises(TypeError):
        spy < 3  # noqa: B015


def same_value() -> Symbol:
    return _equity("SPY", dt.datetime(2001, 1, 1))


def test_text_of_a_symbol_is_its_ticker_once_known() -> None:
    spy = _equity()
    assert str(spy) == f"{spy}" == "SPY R735QTJ8XC9X"
    symbol_cache.set("SPY", spy)
    assert str(spy) == f"{spy:>5}".strip() == "SPY"
    assert symbol_cache.get_symbol("spy") is spy
    with pytest.raises(SymbolError, match="no symbol is known by 'ABC'"):
        symbol_cache.get_symbol("ABC")


def test_both_spellings_and_no_changes() -> None:
    spy = _equity()
    assert (spy.Value, spy.ID, spy.SecurityType) == (spy.value, spy.id, spy.security_type)  # type: ignore[attr-defined]
    for name in ("value", "Value", "id"):
        with pytest.raises(AttributeError):
            setattr(spy, name, "x")
    assert copy.deepcopy(spy) == pickle.loads(pickle.dumps(spy)) == spy


def test_create_resolves_todays_ticker(tmp_path: Path) -> None:
    folder = tmp_path / "equity/usa/map_files"
    folder.mkdir(parents=True)
    (folder / "goog.csv").write_text("20140327,goocv,Q\n20140402,goocv,Q\n20501231,goog,Q\n")
    set_map_file_resolver(MapFileResolver(tmp_path))
    assert str(Symbol.create("GOOG", SecurityType.EQUITY, "usa").id) == "GOOCV VP83T1ZUHROL"
    assert Symbol.create("goog", SecurityType.EQUITY, "usa").value == "GOOG"
    with pytest.raises(SymbolError, match="FOREX is not covered"):
        Symbol.create("EURUSD", SecurityType.FOREX, "oanda")
    with pytest.raises(SymbolError, match="market 'india'"):
        Symbol.create("X", SecurityType.EQUITY, "india")


def test_hashes_are_the_same_in_every_process() -> None:
    code = (
        "from harness.embedded.reference.symbols import *;"
        "print(hash(Symbol(SecurityIdentifier.parse('SPY R735QTJ8XC9X'), 'SPY')))"
    )
    hashes = {subprocess.check_output([sys.executable, "-c", code], text=True).strip() for _ in range(2)}
    assert hashes == {str(hash(_equity()))}
