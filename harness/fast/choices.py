"""The choices a user has, as words; imports nothing, so that the command line starts at once."""

from __future__ import annotations

from enum import StrEnum


class SimMode(StrEnum):
    """``BATCH``: whole columns. ``EVENT``: bar by bar."""

    BATCH = "batch"
    EVENT = "event"


class Direction(StrEnum):
    """Which signals are taken."""

    LONG = "long"
    SHORT = "short"
    BOTH = "both"


class EntryAt(StrEnum):
    """Where a signal of bar ``s`` is filled: at the open of bar ``s + 1``, or at the close of bar ``s`` itself."""

    NEXT_OPEN = "next-open"
    CLOSE = "close"


class Kernel(StrEnum):
    """Which code runs the inner loops. All give the same bits."""

    AUTO = "auto"
    NUMPY = "numpy"
    NUMBA = "numba"


class InputFormat(StrEnum):
    """How the market data is stored; ``AUTO`` looks."""

    AUTO = "auto"
    CSV = "csv"
    PARQUET = "parquet"
    LEAN = "lean"
