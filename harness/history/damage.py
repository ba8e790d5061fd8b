"""The history's part of ``harness fsck``."""

from __future__ import annotations

from pathlib import Path

from harness.errors import BusyError, DamagedError, HarnessError
from harness.history.store import entries, salvage
from harness.results.fsck import Finding, Severity

REMEDY = "set it aside as history.sqlite.damaged and keep its good rows; or `harness history --rebuild`"


def inspect_history(path: Path, repair: bool = False) -> Finding | None:
    """What is wrong with the history at ``path``; None when nothing is, or there is none.

    With ``repair`` a damaged file is set aside and the rows that match their digest are stored anew.
    """
    try:
        entries(path)
    except BusyError as error:
        return Finding(path, Severity.BUSY, _problem(error, path), "run again when it has ended")
    except DamagedError as error:
        if not repair:
            return Finding(path, Severity.DAMAGED, _problem(error, path), REMEDY)
        try:
            kept = salvage(path)
        except (OSError, HarnessError) as failed:
            return Finding(path, Severity.DAMAGED, f"{_problem(error, path)}; repair failed ({failed})", REMEDY)
        done = f"set aside as {path.name}.damaged, {kept} good rows kept; `harness history --rebuild` makes it whole"
        return Finding(path, Severity.DAMAGED, _problem(error, path), done, repaired=True)
    return None


def _problem(error: HarnessError, path: Path) -> str:
    return str(error).removeprefix(f"{path}: ").split("; ")[0]
