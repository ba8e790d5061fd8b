"""How a run of real Lean ended: the common rule of :mod:`harness.engines.outcome`, and what only real Lean does.

Lean exits 0 when data files are missing, and can abort while it shuts Python down after all results are on disk.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.engines.base import BacktestRequest, Outcome
from harness.engines.data_requests import judge_data, request_lists
from harness.engines.lean_log import LeanLog
from harness.engines.outcome import Ending, read_ending
from harness.errors import HarnessError
from harness.results.lean_results import LeanResults


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
    ending = judge_data(request.results_folder, ending, allow_missing=allowed.missing_data)
    if ending.outcome is not Outcome.COMPLETED:
        return ending
    notes = list(ending.notes)
    told, failed = log.requests.get("failed"), request_lists(request.results_folder)[1]
    if told is not None and told != len(failed):
        notes.append(f"Lean's log counts {told} failed data requests, its list has {len(failed)}")
    if log.mode and log.mode != "RELEASE":
        notes.append(f"Lean was built in {log.mode} mode; its times say little about a release build")
    return Ending(Outcome.COMPLETED, "", tuple(notes))


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
