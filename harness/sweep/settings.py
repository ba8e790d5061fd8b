"""How a sweep searches. Everything here that names a trial's parameters is stored and must stay the same on resume."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from harness.errors import InputError

Sampler = Literal["tpe", "grid", "random"]
SAMPLERS: tuple[Sampler, ...] = ("tpe", "grid", "random")


@dataclass(frozen=True, slots=True)
class SweepSettings:
    """``lag``: the suggestion of trial k sees the outcomes of trials 0 to k - lag, however many workers there are.

    So at most ``lag`` trials run at a time under ``tpe`` (``grid`` and ``random`` look at no outcome and have no
    such limit), and the trial table does not depend on who finished first. ``workers`` and ``max_attempts`` (starts
    of one trial when its worker dies) change nothing in the table.
    """

    objective: str = "Sharpe Ratio"
    maximize: bool = True
    trials: int = 100
    sampler: Sampler = "tpe"
    seed: int = 20251001
    lag: int = 8
    workers: int = 1
    max_attempts: int = 3

    def __post_init__(self) -> None:
        if self.sampler not in SAMPLERS:
            raise InputError(f"--sampler {self.sampler!r}: not known; there are {', '.join(SAMPLERS)}")
        for name in ("trials", "lag", "workers", "max_attempts"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}: give at least 1")

    def identity(self) -> dict[str, Any]:
        """What decides which parameters trial k gets."""
        decisive: dict[str, Any] = {
            "objective": self.objective,
            "maximize": self.maximize,
            "sampler": self.sampler,
            "seed": self.seed,
        }
        return {**decisive, "lag": self.lag} if self.sampler == "tpe" else decisive
