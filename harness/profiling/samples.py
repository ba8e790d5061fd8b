"""Sampled stacks in speedscope's JSON, as py-spy writes it: shares of functions and stages.

Format: https://www.speedscope.app/file-format-schema.json (``sampled`` profiles).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.errors import DamagedError
from harness.profiling.stages import StageMap


@dataclass(frozen=True, slots=True)
class SampledFunction:
    """One function's share of all samples, 0 to 1: with it innermost, and with it anywhere in the stack."""

    function: str
    file: str
    own: float
    cumulative: float


@dataclass(frozen=True, slots=True)
class Samples:
    """``count`` samples; functions by own share, the largest first; ``stages``: shares that add up to 1."""

    count: int
    functions: tuple[SampledFunction, ...]
    stages: Mapping[str, float]


def read_samples(path: Path, stages: StageMap) -> Samples:
    """Reads a speedscope file. Raises ``DamagedError`` when it is none, or holds no sample."""
    own: dict[tuple[str, str], float] = {}
    anywhere: dict[tuple[str, str], float] = {}
    by_stage: dict[str, float] = {}
    total, count = 0.0, 0
    try:
        document = json.loads(path.read_bytes())
        frames = [(str(frame["name"]), str(frame.get("file", ""))) for frame in document["shared"]["frames"]]
        for profile in document["profiles"]:
            for stack, weight in zip(profile["samples"], profile["weights"], strict=True):
                if not stack:
                    continue
                count += 1
                total += weight
                seen = [frames[index] for index in stack]  # outermost first
                own[seen[-1]] = own.get(seen[-1], 0.0) + weight
                for frame in set(seen):
                    anywhere[frame] = anywhere.get(frame, 0.0) + weight
                stage = stages.stage_of_stack(file for _, file in reversed(seen))
                by_stage[stage] = by_stage.get(stage, 0.0) + weight
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise DamagedError(f"{path}: not a speedscope file ({error!r}); profile again") from error
    if total <= 0:
        raise DamagedError(f"{path}: holds no sample; was the run too short? Raise --rate")
    functions = sorted(
        (
            SampledFunction(name, file, own.get((name, file), 0.0) / total, value / total)
            for (name, file), value in anywhere.items()
        ),
        key=lambda item: (-item.own, -item.cumulative, item.file, item.function),
    )
    return Samples(count, tuple(functions), {stage: value / total for stage, value in by_stage.items()})
