"""Industry identifiers, by Lean's ``SecurityDefinition.cs`` and ``SecurityDefinitionSymbolResolver.cs``."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from harness.embedded.reference.corporate import MapFileResolver
from harness.embedded.reference.security_definitions import SecurityDefinitions
from harness.embedded.reference.symbols import SecurityIdentifier, Symbol

_AAPL = Symbol(SecurityIdentifier.parse("AAPL R735QTJ8XC9X"), "AAPL")


@pytest.fixture
def definitions(tmp_path: Path) -> SecurityDefinitions:
    database = tmp_path / "symbol-properties" / "security-database.csv"
    database.parent.mkdir()
    database.write_text("# a comment\n\nAAPL R735QTJ8XC9X,03783310,BBG000B9XRY4,2046251,,320193\n")
    maps = tmp_path / "equity" / "usa" / "map_files"
    maps.mkdir(parents=True)
    (maps / "aapl.csv").write_text("19980102,aapl,Q\n20501231,aapl,Q\n")
    return SecurityDefinitions(tmp_path, MapFileResolver(tmp_path))


def test_from_symbol_to_identifier(definitions: SecurityDefinitions) -> None:
    found = [definitions.of_symbol(_AAPL, kind) for kind in ("cusip", "composite_figi", "sedol", "isin", "cik")]
    assert found == ["03783310", "BBG000B9XRY4", "2046251", None, 320193]
    assert definitions.of_symbol(Symbol(SecurityIdentifier.parse("SPY R735QTJ8XC9X"), "SPY"), "cusip") is None


def test_from_identifier_to_symbol(definitions: SecurityDefinitions) -> None:
    day = dt.datetime(2014, 6, 5)
    assert definitions.symbol_of("bbg000b9xry4", "composite_figi", day) == _AAPL, "case does not matter"
    assert definitions.symbol_of("nope", "cusip", day) is None
    assert definitions.symbols_of_cik(320193, day) == [_AAPL]
    assert definitions.symbols_of_cik(0, day) == []


def test_no_database_is_no_identifiers(tmp_path: Path) -> None:
    assert SecurityDefinitions(tmp_path, MapFileResolver(tmp_path)).of_symbol(_AAPL, "cusip") is None
