"""How a backtest ended, read from its exit code and its files. The same rule for every engine.

The exit code alone is not enough: Lean exits 0 after an early stop, can abort after all results are on disk, and
writes result files even when ``initialize`` failed (``Launcher/Program.cs``, ``BacktestingResultHandler``). It exits 0
when data are missing too: :mod:`harness.engines.data_requests`.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from pathlib import Path

from harness.engines.base import BacktestRequest, Outcome
from harness.errors import HarnessError

INITIALIZE_MARK = "During the algorithm initialization"
TAIL_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Ending:
    """How it ended, one line for the user, and what did not change the outcome but should be known."""

    outcome: Outcome
    detail: str = ""
    notes: tuple[str, ...] = ()


def read_ending(request: BacktestRequest, exit_code: int, timed_out: bool = False) -> Ending:
    """The ending of the backtest whose files are in ``request.results_folder``; never raises for what is in them."""
    from harness.results.lean_results import LeanResults

    if timed_out:
        return Ending(
            Outcome.TIMED_OUT,
            f"not finished after {request.time_limit_s:g} s; it was ended. Raise time_limit_s or look for an endless "
            f"loop; its log is in {request.run_folder}",
        )
    try:
        results = LeanResults(request.results_folder, request.result_id)
        status, error = results.status, first_line(results.runtime_error)
    except HarnessError as problem:
        words = last_words(request.run_folder)
        if INITIALIZE_MARK in words:  # it did not get as far as having results: an import that failed, for instance
            return Ending(Outcome.INITIALIZE_ERROR, words)
        if exit_code == 0:  # its last words are those of a success
            return Ending(Outcome.ENGINE_CRASH, f"exit code 0, but {problem}")
        return Ending(Outcome.ENGINE_CRASH, f"{_exit_text(exit_code)}, {words or problem}")
    if error or status == "RuntimeError":
        outcome = Outcome.INITIALIZE_ERROR if INITIALIZE_MARK in error else Outcome.RUNTIME_ERROR
        return Ending(outcome, error or f"status {status} without a message")
    if status == "Completed" and exit_code != 0:
        return Ending(Outcome.ABORTED_AFTER_RESULTS, f"{_exit_text(exit_code)} after complete results were written")
    if status != "Completed":
        return Ending(
            Outcome.INCONSISTENT, f"{_exit_text(exit_code)}, but the result says status {status or 'nothing'}"
        )
    return Ending(Outcome.COMPLETED)


def first_line(text: str) -> str:
    """The first line that says something."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def last_words(run_folder: Path) -> str:
    """The last message on standard error, or on standard output when that is empty.

    Indented lines belong to a message above them (a trace, a code excerpt), so they are passed over.
    """
    for name in ("stderr.log", "stdout.log"):
        try:
            with (run_folder / name).open("rb") as file:
                file.seek(0, 2)
                file.seek(max(0, file.tell() - TAIL_BYTES))
                lines = file.read().decode("utf-8", "replace").splitlines()
        except OSError:
            continue
        found = next((line.strip() for line in reversed(lines) if line.strip() and not line[0].isspace()), "")
        if found:
            return found
    return ""


def _exit_text(exit_code: int) -> str:
    if exit_code >= 0:
        return f"exit code {exit_code}"
    try:
        return f"killed by {signal.Signals(-exit_code).name}"
    except ValueError:
        return f"killed by signal {-exit_code}"
