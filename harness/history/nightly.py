"""Is tonight's session a regression? Judged against the nights before, on the same machine, and confirmed.

A night is *suspect* when its parity differs, or when a quantity's candidate median lies above every one of the last
sessions' values and above their median by more than the allowed growth. One suspect night proves nothing: a machine
has bad nights. So the session is repeated at once; only what both show is a confirmed regression.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from harness.history.store import Entry

LEAST_NIGHTS = 3
NIGHTS = 20


@dataclass(frozen=True, slots=True)
class Suspicion:
    """One quantity of one night above the nights before: ``ratio`` to their median."""

    quantity: str
    ratio: float
    now: float
    before: float
    nights: int

    def __str__(self) -> str:
        return (
            f"{self.quantity}: {self.now:.3f} against a median of {self.before:.3f} over {self.nights} sessions "
            f"({100 * (self.ratio - 1):+.1f} %)"
        )


def comparable(history: Sequence[Entry], now: Entry) -> list[Entry]:
    """The latest sessions before ``now`` that its times may be held against."""
    same = [
        entry
        for entry in history
        if (entry.scenario, entry.candidate, entry.machine) == (now.scenario, now.candidate, now.machine)
        and entry.session != now.session
        and entry.created_at_utc <= now.created_at_utc
        and entry.verdict != "DIFFERENT"
    ]
    return same[-NIGHTS:]


def suspicions(history: Sequence[Entry], now: Entry, growth: float) -> list[Suspicion]:
    """What stands out tonight; empty when there are fewer than three comparable nights. ``growth`` 0.05 is 5 %."""
    nights = comparable(history, now)
    found = []
    for quantity, figures in now.quantities.items():
        before = [entry.quantities[quantity]["candidate"] for entry in nights if quantity in entry.quantities]
        if len(before) < LEAST_NIGHTS:
            continue
        ratio = figures["candidate"] / median(before)
        if ratio > 1 + growth and figures["candidate"] > max(before):
            found.append(Suspicion(quantity, ratio, figures["candidate"], median(before), len(before)))
    return found


def confirmed(first: Sequence[Suspicion], second: Sequence[Suspicion]) -> list[Suspicion]:
    """The suspicions of the repetition that the first session had too."""
    names = {item.quantity for item in first}
    return [item for item in second if item.quantity in names]
