"""What ingestion did to the rows of one symbol: an account that must balance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Self

from harness.fast.errors import IngestError

LISTED_GAPS: Final = 20


@dataclass(frozen=True, slots=True)
class Gap:
    """A hole inside a session: starts of the bars around it (exchange wall clock, ISO 8601) and bars missing."""

    after: str
    before: str
    missing_bars: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """Rows left out, by reason; each row is counted once, under the first reason that applies.

    ``blank``: an empty line. ``malformed``: a line with another number of fields. ``unreadable``: a field that is no
    number or no time. ``invalid``: a price that is not positive and finite, a high below or a low above another
    price, a negative volume. ``outside_hours``: not in the hours asked for. ``duplicate``: a time already seen (the
    first row stays).
    """

    blank: int = 0
    malformed: int = 0
    unreadable: int = 0
    invalid: int = 0
    outside_hours: int = 0
    duplicate: int = 0

    @property
    def total(self) -> int:
        """Rows dropped for any reason."""
        return sum(getattr(self, field.name) for field in fields(self))


@dataclass(frozen=True, slots=True)
class IngestReport:
    """The account of one symbol. ``rows_in - dropped.total + filled == rows_out`` always holds.

    ``source_rows`` are the rows of the whole source (``None``: only a portion of it was looked at), ``rows_in`` those
    of the portion that was read. ``bars`` are what ``rows_out`` were consolidated to (equal when they were not).
    ``out_of_order`` rows were sorted in, ``conflicting`` duplicates carried other values than the row that stayed.
    ``cadence_s`` is the usual distance of two bars inside a session, ``off_cadence`` the number of distances that are
    no multiple of it, ``gaps`` and ``missing_bars`` count the holes inside sessions, of which ``listed_gaps`` are the
    first.
    """

    symbol: str
    source_rows: int | None
    rows_in: int
    rows_out: int
    bars: int
    dropped: Dropped
    filled: int = 0
    out_of_order: int = 0
    conflicting: int = 0
    sessions: int = 0
    cadence_s: float = 0.0
    off_cadence: int = 0
    gaps: int = 0
    missing_bars: int = 0
    listed_gaps: tuple[Gap, ...] = ()

    def __post_init__(self) -> None:
        if self.rows_in - self.dropped.total + self.filled != self.rows_out:
            raise IngestError(
                f"{self.symbol}: rows do not add up: {self.rows_in} in - {self.dropped.total} dropped "
                f"+ {self.filled} filled is not {self.rows_out} out; this is a defect, please report it"
            )

    def warnings(self) -> list[str]:
        """What the user should know, one line each."""
        lines = []
        dropped = ", ".join(
            f"{count} {name.replace('_', ' ')}" for name, count in asdict(self.dropped).items() if count
        )
        if dropped:
            lines.append(f"{self.symbol}: {self.dropped.total} of {self.rows_in} rows dropped ({dropped})")
        if self.conflicting:
            lines.append(f"{self.symbol}: {self.conflicting} duplicates carried other values; the first row was kept")
        if self.out_of_order:
            lines.append(f"{self.symbol}: {self.out_of_order} rows were out of order and have been sorted")
        if self.gaps:
            first = self.listed_gaps[0]
            lines.append(
                f"{self.symbol}: {self.gaps} gaps, {self.missing_bars} bars missing, first after {first.after}"
                + (f"; {self.filled} filled" if self.filled else "")
            )
        if self.off_cadence:
            lines.append(f"{self.symbol}: {self.off_cadence} distances are no multiple of {self.cadence_s:g} s")
        return lines

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of :meth:`as_dict`."""
        content = dict(values)
        content["dropped"] = Dropped(**content["dropped"])
        content["listed_gaps"] = tuple(Gap(**gap) for gap in content["listed_gaps"])
        return cls(**content)
