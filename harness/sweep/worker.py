"""The one function that runs in workers: evaluate a task, whatever happens, and say how it went."""

from __future__ import annotations

import hashlib
import os
import pickle
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.sweep.records import TrialOutcome, TrialTask

if TYPE_CHECKING:
    from harness.sweep.optimization_data import OptimizationDataContext
    from harness.sweep.records import Evaluate

_unpacked: dict[bytes, tuple[Any, Any]] = {}


@dataclass(frozen=True, slots=True)
class Payload:
    """What all tasks of a sweep have in common, pickled once; workers unpickle it once."""

    raw: bytes
    digest: bytes

    @classmethod
    def of(cls, evaluate: Evaluate | Callable[..., Any], data: OptimizationDataContext | None) -> Payload:
        raw = pickle.dumps((evaluate, data), protocol=5)
        return cls(raw, hashlib.sha256(raw).digest())

    def open(self) -> tuple[Any, OptimizationDataContext | None]:
        if self.digest not in _unpacked:
            _unpacked.clear()
            _unpacked[self.digest] = pickle.loads(self.raw)
        return _unpacked[self.digest]


@dataclass(frozen=True, slots=True)
class Answer:
    """An outcome and who worked it out."""

    outcome: TrialOutcome
    worker: str


def run_task(payload: Payload, task: TrialTask) -> Answer:
    """Evaluate ``task``. Errors of the evaluation become a failed outcome; only a dying process raises nothing."""
    started = time.perf_counter()
    try:
        evaluate, data = payload.open()
        outcome = evaluate(task, data)
        if not isinstance(outcome, TrialOutcome):
            outcome = TrialOutcome(float(outcome))
    except HarnessError as error:
        outcome = TrialOutcome(None, _one_line(str(error)))
    except Exception as error:
        outcome = TrialOutcome(None, _one_line(f"{type(error).__name__}: {error}"))
    if outcome.value is not None and not abs(outcome.value) < float("inf"):
        outcome = replace(outcome, value=None, reason=f"the value is {outcome.value}, which is not finite")
    if outcome.backtest_s == 0.0:
        outcome = replace(outcome, backtest_s=time.perf_counter() - started)
    return Answer(replace(outcome, reason=_one_line(outcome.reason)), f"{socket.gethostname()}:{os.getpid()}")


def _one_line(text: str) -> str:
    return " ".join(text.split())
