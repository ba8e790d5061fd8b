"""Texts of data objects, as Lean's ``ToString`` of each class makes them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest

from harness.embedded.clock import to_us
from harness.embedded.data import Bar, Delisting, Dividend, QuoteBar, Split, SymbolChangedEvent
from harness.embedded.enums import DelistingType, SecurityType, SplitType
from harness.embedded.reference.symbols import Symbol, symbol_cache

_STOCK = Symbol.create("XYZ", SecurityType.EQUITY, "usa")
_MIDNIGHT_US = to_us(datetime(2025, 10, 6))


@pytest.fixture(autouse=True)
def _known_symbol() -> None:
    symbol_cache.set("XYZ", _STOCK)


def test_corporate_events() -> None:
    """``Dividend``, ``Split``, ``Delisting`` and ``SymbolChangedEvent``: numbers keep their scale."""
    dividend = Dividend(_STOCK, _MIDNIGHT_US, Decimal("0.75"), Decimal("53.63"))
    warning = Split(_STOCK, _MIDNIGHT_US, Decimal("52.3900"), Decimal("0.5"), SplitType.WARNING)
    split = Split(_STOCK, _MIDNIGHT_US, Decimal("52.39"), Decimal("0.5"), SplitType.SPLIT_OCCURRED)
    delisting = Delisting(_STOCK, _MIDNIGHT_US, Decimal(1), DelistingType.WARNING)
    renamed = SymbolChangedEvent(_STOCK, _MIDNIGHT_US, "OLD", "XYZ")
    assert [str(event) for event in (dividend, warning, split, delisting, renamed)] == [
        "Dividend: XYZ: 0.75 | 53.63",
        "Split Warning: XYZ: 0.5 | 52.3900",
        "Split: XYZ: 0.5 | 52.39",
        "Delisting Warning: XYZ 10/06/2025 00:00:00",
        "10/06/2025 00:00:00 OLD->XYZ",
    ]


def test_quote_bar_shows_both_sides() -> None:
    """``QuoteBar.ToString``: smart rounding, a blank after every value, nothing for a side that is missing."""
    quote = QuoteBar(datetime(2025, 10, 6, 9, 30), _STOCK, Bar(10, 11, 9.5, 10.25), 100, None, 0)
    assert str(quote) == ("XYZ: Bid: O: 10 Bid: H: 11 Bid: L: 9.5 Bid: C: 10.25 Ask: O:  Ask: H:  Ask: L:  Ask: C:  ")
    assert str(quote.bid) == "O: 10 H: 11 L: 9.5 C: 10.25"
