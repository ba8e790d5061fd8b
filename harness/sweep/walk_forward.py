"""Walk-forward: search on some days, test the best parameters on the days that follow, move on, repeat.

Days are trading days. Windows move by the length of the test, so that the test days follow one another without gap
or overlap.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import InputError
from harness.results.store import write_bytes, write_json
from harness.sweep.outputs import csv_bytes
from harness.sweep.records import TrialOutcome, TrialRow
from harness.sweep.runner import SweepResult

_LENGTH = re.compile(r"\s*(train|test)\s*=\s*(\d+)\s*d\s*")


@dataclass(frozen=True, slots=True)
class WalkForward:
    """Lengths in trading days."""

    train_days: int
    test_days: int


@dataclass(frozen=True, slots=True)
class Window:
    """One step: days to search on and days to test on, both ends included."""

    number: int
    train: tuple[dt.date, dt.date]
    test: tuple[dt.date, dt.date]


@dataclass(frozen=True, slots=True)
class WindowResult:
    """The best trial of a window's search, and how its parameters did on the test days."""

    window: Window
    best: TrialRow | None
    test: TrialOutcome | None


def parse_walk_forward(text: str) -> WalkForward:
    """``train=20d,test=5d``. Raises ``InputError`` showing the form."""
    matches = [_LENGTH.fullmatch(part) for part in text.split(",")]
    found = {match[1]: int(match[2]) for match in matches if match is not None}
    if len(matches) != 2 or None in matches or set(found) != {"train", "test"} or min(found.values()) < 1:
        raise InputError(f"--walk-forward {text!r}: write trading days like train=20d,test=5d")
    return WalkForward(found["train"], found["test"])


def windows(days: Sequence[dt.date], lengths: WalkForward) -> list[Window]:
    """All whole windows over ``days`` (trading days in order). Raises ``InputError`` when not one fits."""
    found: list[Window] = []
    start = 0
    while start + lengths.train_days + lengths.test_days <= len(days):
        split = start + lengths.train_days
        train = (days[start], days[split - 1])
        test = (days[split], days[split + lengths.test_days - 1])
        found.append(Window(len(found) + 1, train, test))
        start += lengths.test_days
    if not found:
        needed = lengths.train_days + lengths.test_days
        raise InputError(f"--walk-forward: needs {needed} trading days, there are {len(days)}; take shorter windows")
    return found


def run_windows(
    folder: Path,
    steps: Sequence[Window],
    search: Callable[[Window, Path], SweepResult],
    test: Callable[[Window, TrialRow, Path], TrialOutcome],
) -> list[WindowResult]:
    """``search`` in ``folder/window_NN``, then ``test`` its best trial; writes ``walk_forward.csv`` and ``.json``.

    A window whose search found nothing that completed is reported without a test.
    """
    results: list[WindowResult] = []
    for step in steps:
        place = folder / f"window_{step.number:02d}"
        found = search(step, place)
        outcome = None if found.best is None else test(step, found.best, place)
        results.append(WindowResult(step, found.best, outcome))
        _write(folder, results)
    return results


def _write(folder: Path, results: Sequence[WindowResult]) -> None:
    rows = [_row(result) for result in results]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    write_bytes(folder / "walk_forward.csv", csv_bytes(columns, rows), durable=False)
    write_json(folder / "walk_forward.json", {"windows": rows}, "harness.walk-forward", 1)


def _row(result: WindowResult) -> dict[str, object]:
    window, best, test = result.window, result.best, result.test
    return {
        "window": window.number,
        "train start": window.train[0].isoformat(),
        "train end": window.train[1].isoformat(),
        "test start": window.test[0].isoformat(),
        "test end": window.test[1].isoformat(),
        "trial": None if best is None else best.number,
        "train value": None if best is None else best.value,
        "test value": None if test is None else test.value,
        "reason": "no trial completed" if test is None else test.reason,
        **({} if best is None else {f"param {name}": text for name, text in best.parameters.items()}),
    }
