"""How a run of real Lean ended: the common rule of :mod:`harness.engines.outcome`, and what only real Lean does.

Lean exits 0 when data files are missing, and can abort while it shuts Python down after all results are on disk.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from harness.engines.base import BacktestRequest, Outcome
from harness.engines.lean_log import LeanLog
from harness.engines.outcome import Ending, read_ending
from harness.errors import HarnessError
from harness.results.lean_results import LeanResults

SHOWN = 3
# /equity/usa/second/spy/20251001_trade.zip, /equity/usa/hour/spy.zip
_DATA_FILE = re.compile(
    r"/?(?P<series>[a-z]+/[a-z]+/[a-z]+/[^/]+?)(?:/(?P<day>\d{8})_(?P<tick>trade|quote|openinterest)[^/]*)?\.zip$"
)
_BENCHMARK = "equity/usa/hour/spy"


@dataclass(frozen=True, slots=True)
class Allowances:
    """What a scenario accepts of real Lean: missing market data, an abort after complete results."""

    missing_data: bool = False
    abort_after_results: bool = False


def judge(request: BacktestRequest, exit_code: int, timed_out: bool, log: LeanLog, allowed: Allowances) -> Ending:
    """The ending by exit code, ``state.Status``, ``RuntimeError``, data requests and consistency of the files."""
    ending = read_ending(request, exit_code, timed_out)
    if ending.outcome is Outcome.ABORTED_AFTER_RESULTS:
        broken = inconsistencies(request)
        if broken:
            return Ending(Outcome.INCONSISTENT, f"{ending.detail}, but they do not agree: {broken[0]}")
        if not allowed.abort_after_results:
            return replace(
                ending,
                detail=f"{ending.detail}; set accept_abort = true for the scenario in harness.toml if this is known "
                "and harmless",
            )
        ending = Ending(Outcome.COMPLETED, "", (f"accepted: {ending.detail}",))
    if ending.outcome not in (Outcome.COMPLETED, Outcome.MISSING_DATA):
        return ending
    notes = [note for note in ending.notes if "were asked for and not found" not in note]
    succeeded, failed = request_lists(request.results_folder)
    lacking = missing_data(succeeded, failed)
    if lacking and not allowed.missing_data:
        return Ending(
            Outcome.MISSING_DATA,
            f"{_count(lacking, 'data file')} of subscribed symbols not there: {_shown(lacking)}; see `harness data "
            "check`, or set allow_missing_data = true for the scenario in harness.toml",
        )
    if failed:
        notes.append(f"{_count(failed, 'data request')} failed: {_shown(failed)}")
    told = log.requests.get("failed")
    if told is not None and told != len(failed):
        notes.append(f"Lean's log counts {told} failed data requests, its list has {len(failed)}")
    if log.mode and log.mode != "RELEASE":
        notes.append(f"Lean was built in {log.mode} mode; its times say little about a release build")
    return Ending(Outcome.COMPLETED, "", tuple(notes))


def request_lists(results_folder: Path) -> tuple[list[str], list[str]]:
    """The data files that Lean's data monitor lists as found and as not found, sorted; empty without a list."""
    return _request_list(results_folder, "succeeded"), _request_list(results_folder, "failed")


def missing_data(succeeded: Iterable[str], failed: Iterable[str]) -> list[str]:
    """Failed requests that leave a subscribed symbol without data; sorted.

    Of one symbol, resolution and day, trades or quotes are enough: Lean asks for both and fills from what is there.
    The benchmark's own hourly file is left out, since without it only alpha and beta become zero.
    """
    found = {key for path in succeeded if (key := _key(path))}
    groups: dict[str, list[str]] = defaultdict(list)
    for path in failed:
        key = _key(path)
        if key and key not in found and not key.startswith(_BENCHMARK):
            groups[key].append(path)
    return sorted(min(paths, key=lambda path: ("_trade" not in path, path)) for paths in groups.values())


def inconsistencies(request: BacktestRequest) -> list[str]:
    """What does not agree between the files of one run; empty when they are one complete set."""
    try:
        results = LeanResults(request.results_folder, request.result_id)
        orders, events = results.orders, results.order_events or []
        problems = []
        for path in (results.path, results.summary_path, results.log_path):
            if not path.is_file():
                problems.append(f"{path.name} is missing")
        told = results.state.get("OrderCount", "")
        if told and int(told) != len(orders):
            problems.append(f"state.OrderCount is {told}, {results.path.name} has {len(orders)} orders")
        without = {order.id for order in orders} - {event.order_id for event in events}
        if without:
            problems.append(f"order {min(without)} has no order event")
        if problems:
            return problems
        summary = _summary_statistics(results)
        if summary != results.statistics:
            problems.append(f"{results.summary_path.name} and {results.path.name} have different statistics")
        return problems
    except (HarnessError, ValueError) as error:
        return [str(error)]


def _summary_statistics(results: LeanResults) -> dict[str, str]:
    import json

    from harness.errors import DamagedError

    try:
        statistics: dict[str, str] = json.loads(results.summary_path.read_bytes())["statistics"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedError(f"{results.summary_path}: cannot be read ({error!r})") from error
    return statistics


def _request_list(folder: Path, kind: str) -> list[str]:
    lines = {
        line.strip()
        for path in folder.glob(f"{kind}-data-requests-*.txt")
        for line in path.read_text("utf-8", errors="replace").splitlines()
    }
    return sorted(line for line in lines if line)


def _key(path: str) -> str:
    match = _DATA_FILE.search(path.replace("\\", "/"))
    return "" if match is None else f"{match['series']}/{match['day'] or ''}"


def _shown(paths: list[str]) -> str:
    more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
    return ", ".join(path.lstrip("/") for path in paths[:SHOWN]) + more


def _count(paths: list[str], word: str) -> str:
    return f"{len(paths)} {word}{'' if len(paths) == 1 else 's'}"
