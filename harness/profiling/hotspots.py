"""Functions that take time, from cProfile's counts: each call is counted, so nothing is missed."""

from __future__ import annotations

import pstats
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import DamagedError
from harness.profiling.stages import REMAINDER, StageMap

# How often the share of callers is passed on: deeper than any chain of engine functions below a stage.
PASSES = 60

Key = tuple[str, int, str]


@dataclass(frozen=True, slots=True)
class Hotspot:
    """One function: calls, seconds of its own and with all it calls, and the stage that most of its own time is for."""

    function: str
    file: str
    line: int
    calls: int
    own_s: float
    cumulative_s: float
    stage: str


@dataclass(frozen=True, slots=True)
class Hotspots:
    """All functions by own time, the largest first; ``stages_s``: own time by stage, adding up to ``total_s``."""

    functions: tuple[Hotspot, ...]
    stages_s: Mapping[str, float]
    total_s: float


def read_hotspots(path: Path, stages: StageMap) -> Hotspots:
    """Reads a cProfile file. Raises ``DamagedError`` when it is none."""
    try:
        stats: dict[Key, Any] = pstats.Stats(str(path)).stats  # type: ignore[attr-defined]
    except (OSError, ValueError, TypeError, EOFError) as error:
        raise DamagedError(f"{path}: not a cProfile file ({error}); profile again") from error
    shares = stage_shares(stats, stages)
    totals: dict[str, float] = {}
    functions = []
    for key, (_, calls, own_s, cumulative_s, _) in stats.items():
        file, line, name = key
        for stage, share in shares[key].items():
            totals[stage] = totals.get(stage, 0.0) + own_s * share
        main_stage = max(shares[key].items(), key=lambda item: item[1])[0]
        functions.append(Hotspot(name, file, line, calls, own_s, cumulative_s, main_stage))
    functions.sort(key=lambda item: (-item.own_s, item.file, item.line, item.function))
    return Hotspots(tuple(functions), totals, sum(item.own_s for item in functions))


def stage_shares(stats: Mapping[Key, Any], stages: StageMap) -> dict[Key, dict[str, float]]:
    """For each function, which part of its own time was spent for which stage; the parts add up to 1.

    A function in a stage's file is all that stage's. Any other has the shares of its callers, weighted by the time
    it spent for each: cProfile knows the direct caller only, so this is passed down the call graph step by step.
    """
    fixed = {key: stage for key in stats if (stage := stages.stage_of(key[0])) is not None}
    shares: dict[Key, dict[str, float]] = {key: {fixed.get(key, REMAINDER): 1.0} for key in stats}
    weights: dict[Key, list[tuple[Key, float]]] = {}
    for key, (*_, callers) in stats.items():
        if key in fixed or not callers:
            continue
        edges = [(caller, _edge(counted)) for caller, counted in callers.items() if caller in stats and caller != key]
        whole = sum(weight for _, weight in edges)
        if whole > 0:
            weights[key] = [(caller, weight / whole) for caller, weight in edges]
    for _ in range(PASSES):
        largest = 0.0
        for key, edges in weights.items():
            mixed: dict[str, float] = {}
            for caller, weight in edges:
                for stage, share in shares[caller].items():
                    mixed[stage] = mixed.get(stage, 0.0) + weight * share
            old = shares[key]
            largest = max(largest, *(abs(share - old.get(stage, 0.0)) for stage, share in mixed.items()))
            shares[key] = mixed
        if largest < 1e-6:
            break
    return shares


def _edge(counted: Any) -> float:
    """The weight of a caller: cumulative seconds for it, and calls where the clock saw nothing."""
    calls, _, _, cumulative_s = counted
    return float(cumulative_s) + 1e-9 * float(calls)
