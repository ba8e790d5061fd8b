"""Who holds memory when most is held, from what ``harness.profiling.child`` traced."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.errors import DamagedError
from harness.profiling.stages import StageMap


@dataclass(frozen=True, slots=True)
class Allocation:
    """One line of code and what it held at the peak."""

    file: str
    line: int
    held_bytes: int
    blocks: int
    stage: str


@dataclass(frozen=True, slots=True)
class MemoryProfile:
    """``peak_bytes`` is the largest sum of traced allocations; ``snapshot_bytes`` what the snapshot nearest to it
    holds, of which ``stages_bytes`` are the parts. Allocations by size, the largest first."""

    peak_bytes: int
    snapshot_bytes: int
    allocations: tuple[Allocation, ...]
    stages_bytes: Mapping[str, int]


def read_memory(path: Path, stages: StageMap) -> MemoryProfile:
    """Reads a trace. Raises ``DamagedError`` when it is none."""
    by_line: dict[tuple[str, int, str], list[int]] = {}
    by_stage: dict[str, int] = {}
    try:
        document = json.loads(path.read_bytes())
        peak_bytes = int(document["peak_bytes"])
        for trace in document["traces"]:
            frames = trace["frames"]  # innermost first
            stage = stages.stage_of_stack(str(file) for file, _ in frames)
            place = by_line.setdefault((str(frames[0][0]), int(frames[0][1]), stage), [0, 0])
            place[0] += int(trace["bytes"])
            place[1] += int(trace["blocks"])
            by_stage[stage] = by_stage.get(stage, 0) + int(trace["bytes"])
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise DamagedError(f"{path}: not a memory trace ({error!r}); profile again") from error
    allocations = sorted(
        (Allocation(file, line, held, blocks, stage) for (file, line, stage), (held, blocks) in by_line.items()),
        key=lambda item: (-item.held_bytes, item.file, item.line),
    )
    return MemoryProfile(peak_bytes, sum(by_stage.values()), tuple(allocations), by_stage)
