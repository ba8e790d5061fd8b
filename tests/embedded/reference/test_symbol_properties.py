"""Symbol properties: the ticker's row, else the wildcard's, else Lean's defaults."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from harness.embedded.reference.symbol_properties import SymbolPropertiesDatabase
from harness.marketdata.lean_format import FormatError, symbol_properties_path

HEADER = "market,symbol,type,description,quote_currency,contract_multiplier,minimum_price_variation,lot_size\n"


def _database(folder: Path, rows: str) -> SymbolPropertiesDatabase:
    path = symbol_properties_path(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{HEADER}\n# comment\n{rows}")
    return SymbolPropertiesDatabase(folder)


def test_rows(tmp_path: Path) -> None:
    database = _database(
        tmp_path, "usa,[*],equity,,USD,1,0.01,1\nusa,abc,equity,Odd lot,EUR,10,0.05,100,ABCX,2,100,0.5\n"
    )
    spy, abc = database.get_symbol_properties("SPY"), database.get_symbol_properties("ABC")
    assert (spy.quote_currency, spy.minimum_price_variation, spy.lot_size) == ("USD", 0.01, 1.0)
    assert (spy._minimum_price_variation, spy._lot_size, spy.minimum_order_size) == (Decimal("0.01"), 1, None)
    assert (abc.description, abc.quote_currency, abc.market_ticker) == ("Odd lot", "EUR", "ABCX")
    assert (abc.contract_multiplier, abc.minimum_order_size, abc.price_magnifier) == (10.0, 2.0, 100.0)
    assert (abc.strike_multiplier, abc.LotSize) == (0.5, 100.0)  # type: ignore[attr-defined]
    assert (abc.QuoteCurrency, abc.MarketTicker) == ("EUR", "ABCX")  # type: ignore[attr-defined]
    assert database.get_symbol_properties("spy") is spy


def test_defaults(tmp_path: Path) -> None:
    found = _database(tmp_path, "").get_symbol_properties("SPY")
    assert (found._lot_size, found._minimum_price_variation, found.quote_currency) == (1, Decimal("0.01"), "USD")


def test_bad_input_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="cannot read the symbol properties database"):
        SymbolPropertiesDatabase(tmp_path)
    for row in ("usa,[*],equity,,USD,1,x,1\n", "usa,[*],equity,,USD\n", "usa,[*],equity,,USD,1,0.01,0\n"):
        with pytest.raises(FormatError, match="line 4: "):
            _database(tmp_path, row).get_symbol_properties("SPY")
