"""Whether two backtests are identical: their order events one by one, then every figure of their results.

Bytes are compared first; only what differs in bytes is decoded, and only what differs in value is looked into.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from harness.errors import DamagedError
from harness.parity.event_stream import EventComparison, EventDifference, compare_events, events_at
from harness.parity.missing import MISSING, Missing
from harness.parity.rules import ParityRules
from harness.parity.values import Difference, Differences, compare, plain_value, show_value
from harness.results.decoding import decode_exact, decode_typed
from harness.results.lean_results import LeanResults
from harness.results.paths import Path, show_path
from harness.results.volatile import ORDER_EVENTS

_SPLIT_BYTES = 1 << 16
_READ_FIRST = ("statistics", "runtimeStatistics", "state", "totalPerformance", "profitLoss", "orders", "charts")


@dataclass(frozen=True, slots=True)
class FirstDifference:
    """The first differing order event with its neighbours.

    ``index`` counts from 0. ``left`` and ``right`` are the events as decoded (None when that side has ended),
    ``fields`` the differing fields, ``before`` the equal events just before, ``left_after`` and ``right_after`` those
    that follow on each side.
    """

    index: int
    left: dict[str, Any] | None
    right: dict[str, Any] | None
    fields: tuple[Difference, ...]
    before: tuple[dict[str, Any], ...]
    left_after: tuple[dict[str, Any], ...]
    right_after: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class ParityReport:
    """The outcome of :func:`diff_results`.

    ``order_event_count`` is (left, right), None where the file is missing. ``differing_event_count`` counts the
    differing events (``more_differing_events``: comparing stopped there); ``event_differences`` details the first.
    ``differences`` are the differing paths of the result document, up to the rules' limit in each section
    (``more_differences`` when there are others). ``problems`` are conditions that forbid a pass though nothing
    differs (no orders at all, a missing file).
    """

    identical: bool
    summary_line: str
    order_event_count: tuple[int | None, int | None]
    differing_event_count: int
    more_differing_events: bool
    first_difference: FirstDifference | None
    event_differences: tuple[EventDifference, ...]
    differences: tuple[Difference, ...]
    more_differences: bool
    problems: tuple[str, ...]
    tolerances_used: tuple[str, ...]
    ignored: tuple[tuple[str, str], ...] = field(repr=False, default=())

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON; decimals as their text."""
        first = self.first_difference
        return {
            "identical": self.identical,
            "summary": self.summary_line,
            "order_event_count": {"left": self.order_event_count[0], "right": self.order_event_count[1]},
            "differing_event_count": self.differing_event_count,
            "more_differing_events": self.more_differing_events,
            "first_difference": None
            if first is None
            else {
                "index": first.index,
                "left": plain_value(first.left),
                "right": plain_value(first.right),
                "fields": [_plain(one) for one in first.fields],
                "before": plain_value(list(first.before)),
                "left_after": plain_value(list(first.left_after)),
                "right_after": plain_value(list(first.right_after)),
            },
            "differences": [_plain(one) for one in self.differences],
            "more_differences": self.more_differences,
            "problems": list(self.problems),
            "tolerances_used": list(self.tolerances_used),
            "ignored": [{"path": path, "reason": reason} for path, reason in self.ignored],
        }


def diff_results(left: LeanResults, right: LeanResults, rules: ParityRules | None = None) -> ParityReport:
    """Compare two backtests' results. Raises ``InputError`` or ``DamagedError`` for a file that cannot be read.

    Identical means: the same order events in the same order, every figure of the result document equal but for the
    rules' allow-list and tolerances, the same files there, and at least one order unless the rules allow none.
    """
    rules = rules if rules is not None else ParityRules()
    events, counts, problems, missing = _events(left, right, rules)
    found = _documents(left, right, rules)
    if missing is not None:
        found.found.insert(0, missing)
    first = _first_difference(left, right, events, rules) if events.details else None
    tolerances = _tolerances(events.tolerances_used, found.tolerances_used)
    identical = not events.differing and not found.found and not problems
    return ParityReport(
        identical=identical,
        summary_line=_summary(
            identical, counts, events, first=first, found=found, problems=problems, tolerances=tolerances
        ),
        order_event_count=counts,
        differing_event_count=events.differing,
        more_differing_events=events.more,
        first_difference=first,
        event_differences=tuple(events.details),
        differences=tuple(found.found),
        more_differences=found.more,
        problems=tuple(problems),
        tolerances_used=tolerances,
        ignored=rules.ignored,
    )


def _events(
    left: LeanResults, right: LeanResults, rules: ParityRules
) -> tuple[EventComparison, tuple[int | None, int | None], list[str], Difference | None]:
    problems: list[str] = []
    missing: Difference | None = None
    paths = left.order_events_path, right.order_events_path
    comparison = EventComparison()
    counts: tuple[int | None, int | None] = (None, None)
    if paths[0] is not None and paths[1] is not None:
        comparison = compare_events(left, right, rules)
        counts = comparison.left_count, comparison.right_count
    elif paths[0] is not None or paths[1] is not None:
        values = [f"{path.name}" if path is not None else MISSING for path in paths]
        missing = Difference((ORDER_EVENTS,), values[0], values[1])
        counts = tuple(_count(results) for results in (left, right))  # type: ignore[assignment]
    for results, path in zip((left, right), paths, strict=True):
        orders = results.state.get("OrderCount", "0")
        if path is None and orders not in ("0", ""):
            problems.append(f"{results.folder}: {orders} orders but no order-events file; run that backtest again")
    if not any(counts) and not problems and missing is None and not rules.allow_zero_orders:
        problems.append("neither backtest has an order event, which proves nothing; set allow_zero_orders if it should")
    return comparison, counts, problems, missing


def _count(results: LeanResults) -> int | None:
    if results.order_events_path is None:
        return None
    with results.open_order_events() as stream:
        text = stream.read()
    try:
        return len(msgspec.json.decode(text, type=list[msgspec.Raw]))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DamagedError(f"{results.order_events_path}: {error}; run the backtest again") from error


def _first_difference(
    left: LeanResults, right: LeanResults, events: EventComparison, rules: ParityRules
) -> FirstDifference:
    one = events.details[0]
    before = range(max(0, one.index - rules.neighbours), one.index)
    after = range(one.index + 1, one.index + 1 + rules.neighbours)
    near = [events_at(results, {*before, *after}) if rules.neighbours else {} for results in (left, right)]
    return FirstDifference(
        index=one.index,
        left=None if isinstance(one.left, Missing) else one.left,
        right=None if isinstance(one.right, Missing) else one.right,
        fields=one.fields,
        before=tuple(near[0][index] for index in before),
        left_after=tuple(near[0][index] for index in after if index in near[0]),
        right_after=tuple(near[1][index] for index in after if index in near[1]),
    )


# --------------------------------------------------------------------------------------------- documents


def _documents(left: LeanResults, right: LeanResults, rules: ParityRules) -> Differences:
    """Section by section, the figures a reader looks at first; the limit of listed differences holds for each."""
    documents = left.document, right.document
    where = documents[0].path, documents[1].path
    names = [set(document.names) for document in documents]
    every = dict.fromkeys([*_READ_FIRST, *documents[0].names, *documents[1].names])
    total = Differences(rules.maximum_listed)
    for name in every:
        if name not in names[0] | names[1] or rules.ignored_tree.find((name,)) is not None:
            continue
        texts = [
            document.raw(name) if name in known else None for document, known in zip(documents, names, strict=True)
        ]
        found = Differences(rules.maximum_listed, tolerances_used=total.tolerances_used)
        _compare_texts(texts[0], texts[1], (name,), rules, found=found, where=where)
        total.found += found.found
        total.more |= found.more
    return total


def _compare_texts(
    left: bytes | msgspec.Raw | None,
    right: bytes | msgspec.Raw | None,
    path: Path,
    rules: ParityRules,
    *,
    found: Differences,
    where: tuple[object, object],
) -> None:
    """Compare two JSON texts at ``path``; large ones part by part, so that only unequal parts are decoded."""
    if found.more or rules.ignored_tree.find(path) is not None:
        return
    if left is None or right is None:
        values = [
            MISSING if text is None else decode_exact(text, side)
            for text, side in zip((left, right), where, strict=True)
        ]
        compare(values[0], values[1], rules, path, found)
        return
    if left == right:
        return
    parts = _parts(left, where[0]), _parts(right, where[1])
    if isinstance(parts[0], dict) and isinstance(parts[1], dict):
        for key in dict.fromkeys([*parts[0], *parts[1]]):
            _compare_texts(parts[0].get(key), parts[1].get(key), (*path, key), rules, found=found, where=where)
    elif isinstance(parts[0], list) and isinstance(parts[1], list):
        for index in range(max(len(parts[0]), len(parts[1]))):
            one = parts[0][index] if index < len(parts[0]) else None
            other = parts[1][index] if index < len(parts[1]) else None
            if one != other:
                _compare_texts(one, other, (*path, index), rules, found=found, where=where)
            if found.more:
                return
    else:
        compare(decode_exact(left, where[0]), decode_exact(right, where[1]), rules, path, found)


def _parts(text: bytes | msgspec.Raw, where: object) -> dict[str, msgspec.Raw] | list[msgspec.Raw] | None:
    """One level of a large container, its parts undecoded; None for a small value or a scalar."""
    view = memoryview(text)
    if len(view) <= _SPLIT_BYTES:
        return None
    if view[0] == ord("{"):
        return decode_typed(text, dict[str, msgspec.Raw], where)
    return decode_typed(text, list[msgspec.Raw], where) if view[0] == ord("[") else None


# --------------------------------------------------------------------------------------------- words


def _summary(
    identical: bool,
    counts: tuple[int | None, int | None],
    events: EventComparison,
    *,
    first: FirstDifference | None,
    found: Differences,
    problems: list[str],
    tolerances: tuple[str, ...],
) -> str:
    shown = ["no file" if count is None else f"{count:,}" for count in counts]
    number = shown[0] if counts[0] == counts[1] else f"{shown[0]} and {shown[1]}"
    if identical:
        within = f" within {len(tolerances)} tolerance{'s' * (len(tolerances) > 1)}" if tolerances else ""
        return f"identical{within}: {number} order events and every compared figure"
    parts = []
    if first is not None:
        parts.append(
            f"{'at least ' * events.more}{events.differing:,} of {number} order events differ, "
            f"the first is number {first.index + 1} ({_why(first)})"
        )
    if found.found:
        several = len(found.found) != 1 or found.more
        parts.append(
            f"{'at least ' * found.more}{len(found.found)} figure{'s' * several} differ{'s' * (not several)}, "
            f"the first is {found.found[0]}"
        )
    return "different: " + "; ".join([*parts, *problems])


def _why(first: FirstDifference) -> str:
    if first.left is None or first.right is None:
        return f"only on the {'right' if first.left is None else 'left'}"
    shown = [f"{one.path[-1]} {show_value(one.left, 40)} | {show_value(one.right, 40)}" for one in first.fields[:3]]
    return ", ".join(shown) + (f", {len(first.fields) - 3} more" if len(first.fields) > 3 else "")


def _tolerances(*used: dict[str, int]) -> tuple[str, ...]:
    total: dict[str, int] = {}
    for one in used:
        for name, count in one.items():
            total[name] = total.get(name, 0) + count
    return tuple(f"{name} ({count} value{'s' * (count != 1)})" for name, count in sorted(total.items()))


def _plain(one: Difference) -> dict[str, Any]:
    return {
        "path": show_path(one.path),
        "left": plain_value(one.left),
        "right": plain_value(one.right),
        "left_missing": isinstance(one.left, Missing),
        "right_missing": isinstance(one.right, Missing),
    }
