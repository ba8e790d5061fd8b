"""Which run follows which: balanced, seeded, known before the first run.

Pairs alternate as A B, B A (ABBA), so that a machine that slowly warms or tires favours neither side; the seed
decides for each block of two pairs which side begins. Control runs repeat the baseline right beside a pair's
baseline run: two runs of the same code under the same conditions, which show what this machine calls "no change".
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum

from harness.errors import InputError


class RunKind(StrEnum):
    """Why a run is made. Only measured runs and controls enter the statistics; every run is held to parity."""

    WARMUP = "warmup"
    MEASURED = "measured"
    CONTROL = "control"


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """One run of the plan. ``number`` and ``pair`` count from 1; ``pair`` is 0 for warm-ups.

    ``folder`` is relative to the session's folder.
    """

    number: int
    kind: RunKind
    variant: str
    pair: int
    folder: str


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """What a plan is made of. ``pairs`` is the most that will be run; a stopping rule may end earlier.

    ``warmups`` runs of each variant come first and are dropped, and one more of the baseline: the baseline is held
    against itself before anything is held against it. ``control_runs`` are spread over the first
    ``control_over`` pairs (0: over all).
    """

    baseline: str
    candidate: str
    pairs: int
    warmups: int = 1
    control_runs: int = 0
    control_over: int = 0
    seed: int = 0


def make_plan(settings: PlanSettings) -> tuple[PlannedRun, ...]:
    """The whole plan, the same for the same settings. Raises ``InputError`` for counts that make no sense."""
    if settings.pairs < 1:
        raise InputError(f"plan: pairs is {settings.pairs}, at least 1 is needed")
    if settings.warmups < 0 or settings.control_runs < 0:
        raise InputError("plan: warmups and control_runs cannot be negative")
    if settings.baseline == settings.candidate:
        raise InputError(f"plan: baseline and candidate are both {settings.baseline!r}; give two variants")
    over = min(settings.control_over or settings.pairs, settings.pairs)
    controlled = spread(settings.control_runs, over)
    steps: list[tuple[RunKind, str, int]] = []
    for _ in range(settings.warmups + 1):
        steps.append((RunKind.WARMUP, settings.baseline, 0))
    for _ in range(settings.warmups):
        steps.append((RunKind.WARMUP, settings.candidate, 0))
    for pair, baseline_first in enumerate(leading_sides(settings.pairs, settings.seed), start=1):
        inner = [(RunKind.MEASURED, settings.baseline, pair), (RunKind.MEASURED, settings.candidate, pair)]
        if pair in controlled:
            inner.insert(0, (RunKind.CONTROL, settings.baseline, pair))
        steps += inner if baseline_first else inner[::-1]
    return tuple(_number(steps))


def leading_sides(pairs: int, seed: int) -> list[bool]:
    """For each pair whether the baseline runs first. Each block of two pairs has one of each kind."""
    generator = random.Random(seed)
    sides: list[bool] = []
    while len(sides) < pairs:
        first = generator.random() < 0.5
        sides += [first, not first]
    return sides[:pairs]


def spread(count: int, over: int) -> set[int]:
    """``count`` (at most ``over``) distinct pair numbers in 1..over, evenly spaced."""
    count = min(count, over)
    return {1 + (2 * index + 1) * over // (2 * count) for index in range(count)}


def _number(steps: list[tuple[RunKind, str, int]]) -> list[PlannedRun]:
    words = {RunKind.WARMUP: "warmup", RunKind.MEASURED: "run", RunKind.CONTROL: "control"}
    counts: dict[tuple[RunKind, str], int] = {}
    runs = []
    for number, (kind, variant, pair) in enumerate(steps, start=1):
        counts[kind, variant] = counts.get((kind, variant), 0) + 1
        ordinal = pair if kind is RunKind.MEASURED else counts[kind, variant]
        runs.append(PlannedRun(number, kind, variant, pair, f"{variant}/{words[kind]}_{ordinal:02d}"))
    return runs
