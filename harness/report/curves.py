"""What a page shows beyond the report's figures, read from the runs' own result files: equity and first difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.report.model import Report

EQUITY_CHART = "Strategy Equity"
EQUITY_SERIES = "Equity"


@dataclass(frozen=True, slots=True)
class EquityCurve:
    """Portfolio value of one variant: ISO times in UTC and values in account currency, of the same length."""

    times: tuple[str, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class EventRow:
    """One line of the order diff: which side, the order event's place (from 1), and its fields as text."""

    side: str
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Curves:
    """Equity by variant; ``events`` and ``paths`` are empty when the runs are identical; ``notes`` say what lacks."""

    equity: Mapping[str, EquityCurve] = field(default_factory=dict)
    events: tuple[EventRow, ...] = ()
    paths: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read_curves(report: Report, folder: Path) -> Curves:
    """Equity of the last run of each variant and, when a run differs, its first differing event.

    ``folder`` is the session's. Result files that were removed or cannot be read become notes, not errors: the
    report's own figures do not depend on them.
    """
    from harness.results.lean_results import LeanResults

    equity: dict[str, EquityCurve] = {}
    notes: list[str] = []
    for variant in (report.baseline, report.candidate):
        runs = [run for run in report.runs if run.variant == variant and run.outcome == "completed"]
        if not runs:
            continue
        try:
            curve = _equity(LeanResults(folder / runs[-1].folder / "lean"))
        except HarnessError as error:
            notes.append(f"no equity curve of {variant}: {error}")
            continue
        if curve.values:
            equity[variant] = curve
    different = next((run for run in report.runs if not run.identical), None)
    first = next((run for run in report.runs if run.variant == report.baseline), None)
    if different is None or first is None:
        return Curves(equity, notes=tuple(notes))
    try:
        events, paths = _difference(folder / first.folder / "lean", folder / different.folder / "lean")
    except HarnessError as error:
        return Curves(equity, notes=(*notes, f"no order diff: {error}"))
    return Curves(equity, events, paths, tuple(notes))


def event_text(event: Mapping[str, Any] | None) -> str:
    """The fields of an order event that tell it from another, or that the side has no such event."""
    if event is None:
        return "no event"
    symbol = event.get("symbolValue") or event.get("symbol") or ""
    if isinstance(symbol, Mapping):
        symbol = symbol.get("value", "")
    price, quantity = event.get("fillPrice", ""), event.get("fillQuantity", "")
    parts = (
        f"order {event.get('orderId', '')}",
        str(symbol),
        str(event.get("status", "")),
        f"quantity {quantity}",
        f"price {price}",
        f"at {event.get('time', '')}",
    )
    return ", ".join(part for part in parts if part)


def _equity(results: Any) -> EquityCurve:
    chart = results.charts.get(EQUITY_CHART)
    series = None if chart is None else chart.series.get(EQUITY_SERIES)
    if series is None:
        return EquityCurve((), ())
    points = [(value[0], value[-1]) for value in series.values if isinstance(value, list) and len(value) >= 2]
    times = tuple(datetime.fromtimestamp(float(time), UTC).isoformat() for time, _ in points)
    return EquityCurve(times, tuple(float(value) for _, value in points))


def _difference(left: Path, right: Path) -> tuple[tuple[EventRow, ...], tuple[str, ...]]:
    from harness.parity.diff import diff_results
    from harness.parity.rules import ParityRules
    from harness.results.lean_results import LeanResults

    found = diff_results(LeanResults(left), LeanResults(right), ParityRules())
    rows: list[EventRow] = []
    first = found.first_difference
    if first is not None:
        number = first.index + 1
        rows += [
            EventRow("same", number - len(first.before) + offset, event_text(event))
            for offset, event in enumerate(first.before)
        ]
        rows += [EventRow("left", number, event_text(first.left)), EventRow("right", number, event_text(first.right))]
        rows += [EventRow("field", number, str(item)) for item in first.fields]
    return tuple(rows), tuple(str(item) for item in found.differences[:50])
