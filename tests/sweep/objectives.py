"""Objectives that workers can import: cheap, deterministic, and some that misbehave on purpose."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from harness.sweep.records import TrialOutcome, TrialTask


def paraboloid(task: TrialTask, data: Any) -> TrialOutcome:
    """Best at x = 3, y = 0.5; later trials finish earlier, so that the order of completion is not that of numbers."""
    time.sleep(0.02 * (3 - task.number % 4))
    x, y = float(task.parameters["x"]), float(task.parameters["y"])
    value = -((x - 3) ** 2) - (y - 0.5) ** 2
    return TrialOutcome(value, "", {"Total Orders": str(int(x))})


def counted(task: TrialTask, data: Any) -> TrialOutcome:
    """As ``paraboloid``; each evaluation leaves one line in a file beside the sweep."""
    log = task.run_folder.parents[2] / "evaluations.log"
    with log.open("a") as file:
        file.write(f"{task.number}\n")
    return paraboloid(task, data)


def failing(task: TrialTask, data: Any) -> TrialOutcome:
    """Raises for x = 2, gives no number for x = 4."""
    x = int(task.parameters["x"])
    if x == 2:
        raise ValueError("two is\nnot allowed")
    return TrialOutcome(float("nan") if x == 4 else float(x))


def dies_once(task: TrialTask, data: Any) -> TrialOutcome:
    """Kills its own process the first time that trial 3 is evaluated."""
    mark = task.run_folder.parents[2] / "died"
    if task.number == 3 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return counted(task, data)


def always_dies(task: TrialTask, data: Any) -> TrialOutcome:
    """Kills its process for x = 2."""
    if int(task.parameters["x"]) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return TrialOutcome(float(task.parameters["x"]))


def slow(task: TrialTask, data: Any) -> TrialOutcome:
    """A quarter of a second each."""
    time.sleep(0.25)
    return counted(task, data)


def from_shared(task: TrialTask, data: Any) -> float:
    """An element of the shared array."""
    return float(data.array("prices")[int(task.parameters["x"])])
