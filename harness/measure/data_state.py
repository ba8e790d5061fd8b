"""Whether the files of a data folder changed while something was running on them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

DataState = Mapping[str, tuple[int, int]]


def data_state(folder: Path) -> DataState:
    """Size and time of change (ns) of every file below ``folder``, by its path there. Empty when there is none."""
    found: dict[str, tuple[int, int]] = {}
    skipped = len(os.path.join(folder, ""))  # noqa: PTH118
    for root, _, files in os.walk(folder):
        for name in files:
            path = os.path.join(root, name)  # noqa: PTH118 - once for each of perhaps 100,000 files
            try:
                status = os.stat(path)  # noqa: PTH116
            except OSError:
                continue  # removed since it was listed
            found[path[skipped:]] = (status.st_size, status.st_mtime_ns)
    return found


def data_changes(before: DataState, folder: Path) -> str:
    """The first file of ``before`` that is gone or another now, and how many more; empty when none is.

    Files that were added are no change: engines that download data add what was missing.
    """
    now = data_state(folder)
    changed = sorted(name for name, known in before.items() if now.get(name) != known)
    if not changed:
        return ""
    first = f"{changed[0]} {'is gone' if changed[0] not in now else 'was changed'}"
    return first + (f", and {len(changed) - 1} more" if len(changed) > 1 else "")
