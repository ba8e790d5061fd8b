"""What got faster and what got slower between two profiles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath

from harness.errors import InputError
from harness.profiling.record import ProfileRecord


@dataclass(frozen=True, slots=True)
class Change:
    """One function or stage in both profiles; ``unit`` is ``s`` (counted), ``share`` (sampled) or ``bytes``."""

    name: str
    left: float
    right: float
    unit: str

    @property
    def delta(self) -> float:
        """Right minus left: negative is faster, or less."""
        return self.right - self.left


@dataclass(frozen=True, slots=True)
class ProfileDiff:
    """Changes, the largest first. Functions are known by file and name, since lines move between versions."""

    stages: tuple[Change, ...]
    functions: tuple[Change, ...]
    memory: tuple[Change, ...]

    @property
    def faster(self) -> tuple[Change, ...]:
        return tuple(change for change in self.functions if change.delta < 0)

    @property
    def slower(self) -> tuple[Change, ...]:
        return tuple(change for change in self.functions if change.delta > 0)


def diff_profiles(left: ProfileRecord, right: ProfileRecord) -> ProfileDiff:
    """Compares by counted own seconds where both have them, else by sampled shares.

    Raises ``InputError`` when the two were not made by the same tool.
    """
    memory: tuple[Change, ...] = ()
    if left.memory is not None and right.memory is not None:
        memory = _changes(left.memory.stages_bytes, right.memory.stages_bytes, "bytes")
    if left.hotspots is not None and right.hotspots is not None:
        before = _sums((item.file, item.function, item.own_s) for item in left.hotspots.functions)
        after = _sums((item.file, item.function, item.own_s) for item in right.hotspots.functions)
        stages = _changes(left.hotspots.stages_s, right.hotspots.stages_s, "s")
        return ProfileDiff(stages, _changes(before, after, "s"), memory)
    if left.samples is not None and right.samples is not None:
        before = _sums((item.file, item.function, item.own) for item in left.samples.functions)
        after = _sums((item.file, item.function, item.own) for item in right.samples.functions)
        return ProfileDiff(
            _changes(left.samples.stages, right.samples.stages, "share"), _changes(before, after, "share"), memory
        )
    if memory:
        return ProfileDiff((), (), memory)
    raise InputError("profile diff: the two profiles have no tool in common; profile both with the same --tool")


def _sums(rows: Iterable[tuple[str, str, float]]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for file, function, value in rows:
        # Two versions lie in two folders; the last two parts of the path are the same in both.
        name = f"{'/'.join(PurePath(file).parts[-2:])}:{function}" if file not in ("", "~") else function
        sums[name] = sums.get(name, 0.0) + value
    return sums


def _changes(left: Mapping[str, float], right: Mapping[str, float], unit: str) -> tuple[Change, ...]:
    made = [Change(name, left.get(name, 0.0), right.get(name, 0.0), unit) for name in {**left, **right}]
    return tuple(sorted(made, key=lambda change: (-abs(change.delta), change.name)))
