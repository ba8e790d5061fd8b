"""Industry identifiers of securities (CUSIP, composite FIGI, SEDOL, ISIN, CIK).

Source: Lean's ``SecurityDefinition`` and ``SecurityDefinitionSymbolResolver``, over
``symbol-properties/security-database.csv``. Without the file, or for a security that is not in it, there are none.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from harness.embedded.reference.corporate import MapFileResolver
from harness.embedded.reference.symbols import SecurityIdentifier, Symbol, SymbolError

KINDS = ("cusip", "composite_figi", "sedol", "isin")


class SecurityDefinition(NamedTuple):
    """One row of the database; what is blank is ``None``."""

    sid: SecurityIdentifier
    cusip: str | None
    composite_figi: str | None
    sedol: str | None
    isin: str | None
    cik: int | None


class SecurityDefinitions:
    """The database of a data folder, read when first asked."""

    def __init__(self, data_folder: Path, map_files: MapFileResolver) -> None:
        self._path = data_folder / "symbol-properties" / "security-database.csv"
        self._map_files = map_files
        self._rows: list[SecurityDefinition] | None = None

    def _definitions(self) -> list[SecurityDefinition]:
        if self._rows is None:
            try:
                self._rows = list(_read(self._path))
            except (OSError, ValueError, IndexError):
                self._rows = []  # Lean goes on without any, too
        return self._rows

    def of_symbol(self, symbol: Symbol, kind: str) -> str | int | None:
        """The identifier of a kind (one of :data:`KINDS`, or ``cik``), ``None`` where there is none."""
        for row in self._definitions():
            if row.sid == symbol.id:
                found: str | int | None = getattr(row, kind)
                return found
        return None

    def symbol_of(self, text: str, kind: str, day: dt.datetime) -> Symbol | None:
        """The symbol with an identifier, under its ticker of a day."""
        if not text.strip():
            return None
        for row in self._definitions():
            known = getattr(row, kind)
            if known is not None and known.casefold() == text.casefold():
                return self._symbol(row.sid, day)
        return None

    def symbols_of_cik(self, cik: int, day: dt.datetime) -> list[Symbol]:
        """All symbols of a company."""
        if not cik:
            return []
        found = [self._symbol(row.sid, day) for row in self._definitions() if row.cik == cik]
        return [symbol for symbol in found if symbol is not None]

    def _symbol(self, sid: SecurityIdentifier, day: dt.datetime) -> Symbol | None:
        map_file = self._map_files.resolve_map_file(sid.symbol, sid.date)
        if map_file.is_empty:
            return None
        ticker = map_file.get_mapped_symbol(day) or map_file.rows[-1].ticker
        return Symbol(sid, ticker) if ticker.strip() else None


def _read(path: Path) -> Iterator[SecurityDefinition]:
    for line in path.read_text("utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        cells = line.split(",")
        texts = [cell if cell.strip() else None for cell in cells[1:5]]
        if len(texts) < len(KINDS):
            raise IndexError(line)
        cik = int(cells[5]) if len(cells) > 5 and cells[5].strip() else None
        try:
            sid = SecurityIdentifier.parse(cells[0])
        except SymbolError:
            continue  # a security of another kind
        yield SecurityDefinition(sid, texts[0], texts[1], texts[2], texts[3], cik)
