"""Which column of a table is what: names, times, symbols. Shared by the CSV and the Parquet reader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.fast.errors import IngestError

EXCHANGE_ZONE: Final = "America/New_York"
FIELDS: Final = ("time", "open", "high", "low", "close", "volume")
_ALIASES: Final[dict[str, tuple[str, ...]]] = {
    "time": ("time", "timestamp", "datetime", "date", "date_time", "start", "ts"),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c"),
    "volume": ("volume", "vol", "v"),
    "symbol": ("symbol", "ticker", "sym"),
}

# Epoch numbers are told apart by size: each unit covers the years 1973 to 2243 and no two ranges meet.
_EPOCH_UNITS: Final = (("s", 10**8, 10**10), ("ms", 10**11, 10**13), ("us", 10**14, 10**16), ("ns", 10**17, 10**19))
NS_PER_UNIT: Final = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """Name in the file of each field of ``FIELDS``, in that order, and of the symbol column (``None``: none)."""

    fields: tuple[str, ...]
    symbol: str | None


def map_columns(names: Sequence[str], source: Path) -> ColumnMap:
    """Find the fields among ``names``, whatever their case and order. Raises :class:`IngestError` naming what lacks."""
    by_name = {name.strip().strip('"').lower(): name for name in reversed(names)}

    def find(field: str) -> str | None:
        return next((by_name[alias] for alias in _ALIASES[field] if alias in by_name), None)

    found = {field: find(field) for field in (*FIELDS, "symbol")}
    lacking = [field for field in FIELDS if found[field] is None]
    if lacking:
        raise IngestError(
            f"{source}: no column for {', '.join(lacking)} (there are {', '.join(names) or 'none'}); "
            f"name the columns {', '.join(FIELDS)}"
        )
    return ColumnMap(tuple(str(found[field]) for field in FIELDS), found["symbol"])


def epoch_unit(value: int, source: Path) -> str:
    """Unit (``s``, ``ms``, ``us``, ``ns``) of a time given as a number since 1970. Raises :class:`IngestError`."""
    for unit, low, high in _EPOCH_UNITS:
        if low <= value < high:
            return unit
    raise IngestError(f"{source}: the time {value} is no number of s, ms, us or ns since 1970; give ISO 8601 times")


def symbol_of(path: Path) -> str:
    """The symbol that a file is named after: the file name without its endings, in capitals."""
    name = path.name
    return name[: name.index(".")].upper() if "." in name[1:] else name.upper()
