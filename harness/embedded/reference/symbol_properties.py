"""Lot size, price step and quote currency of a security, from Lean's symbol properties database.

API::

    SymbolPropertiesDatabase(data_folder).get_symbol_properties(ticker, market="usa", security_type="equity")
    SymbolProperties: .lot_size .minimum_price_variation .quote_currency .contract_multiplier ...

The row of the very ticker wins over the market's wildcard row; without either, Lean's defaults hold. User code reads
floats (``lot_size``), the engine exact decimals (``_lot_size``).
Source: Lean's ``SymbolPropertiesDatabase`` and ``SymbolProperties``.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from harness.embedded.clr import ONE, to_float
from harness.embedded.naming import lean_api
from harness.marketdata.lean_format import FormatError, symbol_properties_path

_WILDCARD = "[*]"


@lean_api
@dataclass(frozen=True, slots=True)
class SymbolProperties:
    """What one row of the database says."""

    description: str
    quote_currency: str
    _contract_multiplier: Decimal
    _minimum_price_variation: Decimal
    _lot_size: Decimal
    market_ticker: str
    _minimum_order_size: Decimal | None
    _price_magnifier: Decimal
    _strike_multiplier: Decimal

    @staticmethod
    def get_default(quote_currency: str) -> SymbolProperties:
        """Properties of a security that the database does not know."""
        return SymbolProperties("", quote_currency.upper(), ONE, Decimal("0.01"), ONE, "", None, ONE, ONE)

    @property
    def contract_multiplier(self) -> float:
        return to_float(self._contract_multiplier)

    @property
    def minimum_price_variation(self) -> float:
        """Smallest price step, in the quote currency."""
        return to_float(self._minimum_price_variation)

    @property
    def lot_size(self) -> float:
        """Orders are multiples of this many units."""
        return to_float(self._lot_size)

    @property
    def minimum_order_size(self) -> float | None:
        return None if self._minimum_order_size is None else to_float(self._minimum_order_size)

    @property
    def price_magnifier(self) -> float:
        return to_float(self._price_magnifier)

    @property
    def strike_multiplier(self) -> float:
        return to_float(self._strike_multiplier)


class SymbolPropertiesDatabase:
    """Rows of the database, parsed when asked for."""

    def __init__(self, data_folder: Path | str) -> None:
        """Raises :class:`FormatError` when the database is missing."""
        self.path = symbol_properties_path(data_folder)
        try:
            text = self.path.read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise FormatError(
                f"{self.path}: cannot read the symbol properties database ({error}); "
                "write one with `harness data synth` or give another --data-folder"
            ) from None
        lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1)]
        self._lines = [(number, line) for number, line in lines if line.strip() and not line.startswith("#")][1:]
        self._cache: dict[tuple[str, str, str], SymbolProperties | None] = {}

    def get_symbol_properties(
        self, ticker: str, market: str = "usa", security_type: str = "equity", default_quote_currency: str = "USD"
    ) -> SymbolProperties:
        """Properties of ``ticker``. Raises :class:`FormatError` for a row that cannot be read."""
        exact = self._find(market, ticker, security_type)
        found = exact if exact is not None else self._find(market, _WILDCARD, security_type)
        return found if found is not None else SymbolProperties.get_default(default_quote_currency)

    def _find(self, market: str, ticker: str, security_type: str) -> SymbolProperties | None:
        key = (market.lower(), ticker.lower(), security_type.lower())
        if key not in self._cache:
            needle = ",".join(key) + ","
            rows = [(number, line) for number, line in self._lines if line.lower().startswith(needle)]
            self._cache[key] = self._parse(*rows[0]) if rows else None
        return self._cache[key]

    def _parse(self, number: int, line: str) -> SymbolProperties:
        fields = [field.strip() for field in line.split(",")] + [""] * 12
        try:
            contract, step, lot = (Decimal(field) for field in fields[5:8])
            order_size = Decimal(fields[9]) if fields[9] else None
            magnifier, strike = (Decimal(field) if field else ONE for field in fields[10:12])
            positive = lot > 0 and magnifier > 0 and strike > 0
        except InvalidOperation:
            raise FormatError(f"{self.path}: line {number}: a size or multiplier is not a number") from None
        if not positive:
            raise FormatError(f"{self.path}: line {number}: lot size and multipliers must be greater than zero")
        return SymbolProperties(fields[3], fields[4], contract, step, lot, fields[8], order_size, magnifier, strike)
