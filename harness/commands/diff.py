"""``harness diff``: are two results the same?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.commands.common import print_json, settings_from, shown

if TYPE_CHECKING:
    from harness.parity.diff import FirstDifference, ParityReport

SHOWN_DIFFERENCES = 50


def diff(config: Path | None, left_label: str, right_label: str, *, as_json: bool) -> int:
    """Compares what two labels name; 0 when identical, else 1."""
    from harness.config import Settings, find_settings
    from harness.parity.diff import diff_results
    from harness.parity.rules import ParityRules
    from harness.results.digests import verify_files
    from harness.results.labels import Kind, resolve

    # Folders can be compared anywhere, also where there is no harness.toml.
    path = config or find_settings(Path.cwd())
    settings = settings_from(config) if config or path.is_file() else Settings(root=Path.cwd())
    places = (settings.root, settings.folders.runs, settings.folders.baselines)
    left, right = resolve(left_label, *places), resolve(right_label, *places)
    for side in (left, right):
        if side.kind in (Kind.VARIANT, Kind.RUN):
            verify_files(side.path)
    report = diff_results(left.results, right.results, ParityRules.from_settings(settings.parity))
    if as_json:
        print_json({"left": str(left.path), "right": str(right.path), **report.to_dict()})
    else:
        print(f"left   {left.label} ({left.kind}, {shown(left.path)})")
        print(f"right  {right.label} ({right.kind}, {shown(right.path)})")
        for line in difference_lines(report):
            print(line)
    return 0 if report.identical else 1


def difference_lines(report: ParityReport) -> list[str]:
    """The report in lines: the answer, the first differing event with its neighbours, every differing path."""
    lines = [("identical: " if report.identical else "different: ") + _without_prefix(report.summary_line)]
    lines += [f"problem: {problem}" for problem in report.problems]
    lines += [f"tolerance used: {tolerance}" for tolerance in report.tolerances_used]
    if report.first_difference is not None:
        lines += _event_lines(report.first_difference)
    if report.differences:
        lines.append("differing results (left | right):")
        lines += [f"  {item}" for item in report.differences[:SHOWN_DIFFERENCES]]
        hidden = len(report.differences) - SHOWN_DIFFERENCES
        if hidden > 0 or report.more_differences:
            lines.append(
                f"  and {'at least ' if report.more_differences else ''}{max(hidden, 1)} more; all with --json"
            )
    return lines


def _without_prefix(summary: str) -> str:
    for prefix in ("identical: ", "different: "):
        summary = summary.removeprefix(prefix)
    return summary


def _event_lines(first: FirstDifference) -> list[str]:
    lines = [f"first differing order event, number {first.index + 1}:"]
    lines += [f"    same   {_event(event)}" for event in first.before]
    lines.append(f"  > left   {_event(first.left)}")
    lines.append(f"  > right  {_event(first.right)}")
    lines += [f"    field  {item}" for item in first.fields]
    lines += [f"    left   {_event(event)}" for event in first.left_after]
    lines += [f"    right  {_event(event)}" for event in first.right_after]
    return lines


def _event(event: dict[str, Any] | None) -> str:
    """An order event in one line, the fields that matter first."""
    if event is None:
        return "(no more events)"
    keys = ("orderId", "orderEventId", "time", "symbolValue", "status", "direction", "quantity", "fillQuantity")
    prices = ("fillPrice", "stopPrice", "limitPrice", "orderFeeAmount")
    shown = [f"{key}={_value(event[key])}" for key in (*keys, *prices) if key in event]
    if event.get("message"):
        shown.append(f"message={json.dumps(event['message'])}")
    return " ".join(shown)


def _value(value: Any) -> str:
    return format(value, "f") if hasattr(value, "as_tuple") else str(value)
