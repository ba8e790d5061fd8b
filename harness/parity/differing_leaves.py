"""The leaves in which two small values differ, found by deepdiff."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from deepdiff import DeepDiff
from deepdiff.operator import BaseOperatorPlus

from harness.parity.missing import MISSING
from harness.results.paths import Path


def differing_leaves(left: Any, right: Any, equal: Callable[[Any, Any], bool]) -> list[tuple[Path, Any, Any]]:
    """``(path, left, right)`` of every leaf that differs; ``equal`` says which scalars are the same value."""
    tree = DeepDiff(
        left,
        right,
        view="tree",
        ignore_order=False,
        zip_ordered_iterables=True,
        threshold_to_diff_deeper=0,
        custom_operators=[_SameScalar(equal)],
    )
    return [
        (tuple(level.path(output_format="list")), _level_value(level.t1), _level_value(level.t2))
        for group in tree.values()
        for level in group
    ]


class _SameScalar(BaseOperatorPlus):
    """Tells deepdiff which scalars are the same value."""

    def __init__(self, equal: Callable[[Any, Any], bool]) -> None:
        super().__init__()
        self._equal = equal

    def match(self, level: Any) -> bool:
        return not isinstance(level.t1, (dict, list)) and not isinstance(level.t2, (dict, list))

    def give_up_diffing(self, level: Any, diff_instance: Any) -> bool:
        return self._equal(level.t1, level.t2)

    def normalize_value_for_hashing(self, parent: Any, obj: Any) -> Any:
        return obj


def _level_value(value: Any) -> Any:
    return MISSING if type(value).__name__ == "NotPresent" else value
