"""An engine's results against a recording of real Lean, artifact by artifact.

The rule is the one written beside the recordings ("What equal means"): numbers as decimals; order events but their
``id`` and ``algorithmId``; orders but ``brokerId``; the log but its wall-clock lines; statistics, order list hash,
runtime statistics; ``state.Status``, ``state.OrderCount``, the first line of ``state.RuntimeError``; closed trades but
their random ``id``; trade and portfolio statistics; ``profitLoss``; every chart but those that depend on the wall
clock; the exit code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import DamagedError, HarnessError, InputError
from harness.parity.missing import MISSING
from harness.parity.rules import ParityRules
from harness.parity.values import compare, show_value
from harness.results.decoding import decode_exact
from harness.results.lean_results import LeanResults
from harness.results.paths import show_path
from harness.results.volatile import ORDER_EVENTS

STATISTICS_FILE = "statistics.txt"
ORDER_LIST_HASH = "OrderListHash"

LOG_VOLATILE = ("Launching analysis", "completed in", "Processing algorithm warm-up request")
"""A log line with one of these is by the wall clock, or names the engine's version."""

CHARTS_LEFT_OUT = ("Performance", "Portfolio Margin")
"""Charts by the wall clock; every other chart, Lean's own or the algorithm's, is compared."""

RULES = ParityRules(
    ignored=(
        (f"{ORDER_EVENTS}[].id", "starts with the algorithm id"),
        (f"{ORDER_EVENTS}[].algorithmId", "the algorithm id"),
        ("orders.*.brokerId", "the broker's own id"),
        ("totalPerformance.closedTrades[].id", "a random GUID"),
        *((f'charts."{name}"', "wall clock") for name in CHARTS_LEFT_OUT),
    ),
    maximum_listed=20,
)

_TRACE_FILE = re.compile(r"^ in \S+\.py: line (\d+)$")


@dataclass(frozen=True, slots=True)
class ArtifactDifference:
    """One difference: which artifact, where in it, what Lean recorded and what the engine gave."""

    artifact: str
    path: str
    expected: Any
    actual: Any

    def __str__(self) -> str:
        where = f"{self.artifact} {self.path}".rstrip()
        return f"{where}: expected {show_value(self.expected, 300)}, got {show_value(self.actual, 300)}"


def compare_with_recording(
    case_folder: Path,
    results_folder: Path,
    exit_code: int,
    printed_statistics: Mapping[str, str] | Iterable[str],
) -> list[ArtifactDifference]:
    """Differences between the recording in ``case_folder`` and an engine's ``results_folder``; empty when equal.

    ``printed_statistics``: what the engine printed at the end, as name to value, as the lines ``name value`` of
    ``statistics.txt``, or as ``STATISTICS:: name value``; ``OrderListHash`` included. At most 20 differences an
    artifact, in file order: the first one of the order events is usually the cause of all others. Results that are
    missing or unreadable are a difference (artifact ``results``), a missing recording is an ``InputError``.
    """
    recording = _recording(case_folder)
    expected = LeanResults(case_folder / "lean", recording["class"])
    found: list[ArtifactDifference] = []
    if exit_code != recording["exit_code"]:
        found.append(ArtifactDifference("exit code", "", recording["exit_code"], exit_code))
    try:
        actual = _engine_results(results_folder, recording["class"])
        found += _order_events(expected, actual)
        found += _document(expected, actual)
        found += _log(expected, actual)
    except (HarnessError, OSError) as error:
        found.append(ArtifactDifference("results", str(results_folder), "readable results", str(error)))
    found += _printed(case_folder, expected, printed_statistics)
    return found


def _recording(case_folder: Path) -> dict[str, Any]:
    path = case_folder / "recording.json"
    try:
        recording = json.loads(path.read_bytes())
        return {"class": str(recording["class"]), "exit_code": int(recording["exit_code"])}
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); give a recording's folder") from error
    except (ValueError, TypeError, KeyError) as error:
        raise DamagedError(f"{path}: not a recording ({error!r})") from error


def _engine_results(folder: Path, class_name: str) -> LeanResults:
    return LeanResults(folder, class_name if (folder / f"{class_name}.json").exists() else None)


def _order_events(expected: LeanResults, actual: LeanResults) -> list[ArtifactDifference]:
    sides = []
    for results in (expected, actual):
        path = results.order_events_path
        sides.append(MISSING if path is None else decode_exact(path.read_bytes(), path))
    return _list("order events", sides[0], sides[1], (ORDER_EVENTS,))


def _document(expected: LeanResults, actual: LeanResults) -> list[ArtifactDifference]:
    found: list[ArtifactDifference] = []
    for artifact, name in (
        ("orders", "orders"),
        ("statistics", "statistics"),
        ("runtime statistics", "runtimeStatistics"),
        ("profit and loss", "profitLoss"),
    ):
        found += _list(artifact, _section(expected, name), _section(actual, name), (name,))
    performance = [_section(results, "totalPerformance") for results in (expected, actual)]
    for artifact, name in (
        ("trade statistics", "tradeStatistics"),
        ("portfolio statistics", "portfolioStatistics"),
        ("closed trades", "closedTrades"),
    ):
        sides = [side.get(name, MISSING) if isinstance(side, dict) else side for side in performance]
        found += _list(artifact, sides[0], sides[1], ("totalPerformance", name))
    found += _list("charts", _section(expected, "charts"), _section(actual, "charts"), ("charts",))
    states = [_state(results) for results in (expected, actual)]
    return found + _list("state", states[0], states[1], ("state",))


def _section(results: LeanResults, name: str) -> Any:
    return results.section(name, exact=True) if name in results.document.names else MISSING


def _state(results: LeanResults) -> dict[str, Any]:
    state = results.state
    error = state.get("RuntimeError", "")
    return {
        "Status": state.get("Status", MISSING),
        "OrderCount": state.get("OrderCount", MISSING),
        "RuntimeError": error.partition("\n")[0].rstrip("\r") if isinstance(error, str) else error,
    }


def _log(expected: LeanResults, actual: LeanResults) -> list[ArtifactDifference]:
    sides = [_comparable_lines(results.log_lines) for results in (expected, actual)]
    return _list("log", sides[0], sides[1], ("line",))


def _comparable_lines(lines: list[str] | None) -> Any:
    """The log without volatile lines; in a trace, without the algorithm's file name (recordings were renamed)."""
    if lines is None:
        return MISSING
    kept = (line for line in lines if not any(mark in line for mark in LOG_VOLATILE))
    return [_TRACE_FILE.sub(r" in algorithm: line \1", line) for line in kept]


def _printed(
    case_folder: Path, expected: LeanResults, printed: Mapping[str, str] | Iterable[str]
) -> list[ArtifactDifference]:
    path = case_folder / "lean" / STATISTICS_FILE
    try:
        recorded = path.read_bytes().decode().splitlines()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise DamagedError(f"{path}: is not UTF-8 ({error})") from error
    names = [*expected.statistics, ORDER_LIST_HASH]
    wanted = _named(recorded, names)
    given = dict(printed) if isinstance(printed, Mapping) else _named(printed, names)
    found = [
        ArtifactDifference(
            "order list hash", "", wanted.get(ORDER_LIST_HASH, MISSING), given.get(ORDER_LIST_HASH, MISSING)
        )
        for _ in range(wanted.get(ORDER_LIST_HASH) != given.get(ORDER_LIST_HASH))
    ]
    for side in (wanted, given):
        side.pop(ORDER_LIST_HASH, None)
    return found + _list("printed statistics", wanted, given, ("statistics",))


def _named(lines: Iterable[str], names: Iterable[str]) -> dict[str, str]:
    """``name value`` lines as a mapping; a name has spaces, so known names are tried first, longest first."""
    known = sorted(names, reverse=True)  # a name comes after those that it begins with
    named: dict[str, str] = {}
    for line in lines:
        text = line.rstrip("\r\n").removeprefix("STATISTICS:: ")
        if not text.strip():
            continue
        name = next((name for name in known if text.startswith(name + " ") or text == name), None)
        if name is None:
            name = text.rsplit(" ", 1)[0]
        named[name] = text[len(name) :].strip()
    return named


def _list(artifact: str, expected: Any, actual: Any, at: tuple[str, ...]) -> list[ArtifactDifference]:
    found = compare(expected, actual, RULES, at)
    listed = [ArtifactDifference(artifact, show_path(one.path), one.left, one.right) for one in found.found]
    if found.more:
        listed.append(ArtifactDifference(artifact, "...", "the same", "more differences, not listed"))
    return listed
