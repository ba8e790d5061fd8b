"""Which stage of the algorithm a frame belongs to.

The rule is that of the algorithm's own timers: a stage's time is that of its code and of everything the engine does
while the stage waits for it. So of a stack, the innermost frame that lies in a stage's file decides; a stack without
one belongs to the engine (``remainder``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath

REMAINDER = "remainder"
DEFAULT_FILES: Mapping[str, str] = {
    "data_manager.py": "data",
    "metrics.py": "metrics",
    "strategy.py": "strategy",
    "risk_manager.py": "risk",
    "order_manager.py": "orders",
}


@dataclass(frozen=True, slots=True)
class StageMap:
    """Stages by the file names of the algorithm in ``folder``; files elsewhere are never a stage's."""

    folder: str
    files: Mapping[str, str]

    def stage_of(self, file: str) -> str | None:
        """The stage of one frame's file; None for all that is not the algorithm's."""
        path = PurePath(file)
        if path.is_absolute() and str(path.parent) != self.folder:
            return None
        return self.files.get(path.name)

    def stage_of_stack(self, innermost_first: Iterable[str]) -> str:
        """The stage of a stack, given the files of its frames."""
        for file in innermost_first:
            stage = self.stage_of(file)
            if stage is not None:
                return stage
        return REMAINDER
