"""One quantity of one scenario over the sessions: series by machine, with their change points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.history.changes import ChangePoint, change_points
from harness.history.store import Entry

BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class Trend:
    """The candidate's medians (``unit``: s or MiB) in the order of time on one machine; ``entries`` fit ``values``."""

    scenario: str
    candidate: str
    machine: str
    quantity: str
    unit: str
    entries: tuple[Entry, ...]
    values: tuple[float, ...]
    changes: tuple[ChangePoint, ...]


def trends(found: Sequence[Entry], quantity: str) -> list[Trend]:
    """One trend for each scenario, candidate and machine, in the order of their first session."""
    groups: dict[tuple[str, str, str], list[Entry]] = {}
    for entry in found:
        if entry.quantities.get(quantity, {}).get("candidate", 0.0) > 0:
            groups.setdefault((entry.scenario, entry.candidate, entry.machine), []).append(entry)
    made = []
    for (scenario, candidate, machine), members in groups.items():
        values = tuple(entry.quantities[quantity]["candidate"] for entry in members)
        unit = "MiB" if quantity == "memory" else "s"
        changes = tuple(change_points(values))
        made.append(Trend(scenario, candidate, machine, quantity, unit, tuple(members), values, changes))
    return made


def sparkline(values: Sequence[float]) -> str:
    """The values as one line of bars from the least to the greatest."""
    if not values:
        return ""
    low, high = min(values), max(values)
    span = high - low
    return "".join(BARS[round((value - low) / span * (len(BARS) - 1))] if span else BARS[3] for value in values)


def change_sentence(trend: Trend, change: ChangePoint) -> str:
    """A change in words, with the session and commit at which the new level begins."""
    entry = trend.entries[change.index]
    word = "slower" if change.ratio > 1 else "faster"
    if trend.quantity == "memory":
        word = "more" if change.ratio > 1 else "less"
    commit = f", commit {entry.commit[:12]}" if entry.commit else ""
    return (
        f"{100 * (change.ratio - 1):+.1f} % ({word}) from {entry.session}{commit}: "
        f"{change.before:.3f} to {change.after:.3f} {trend.unit} (p = {change.p:.3f})"
    )
