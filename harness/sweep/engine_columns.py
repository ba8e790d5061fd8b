"""The embedded engine's column store for a process that runs many backtests on the same data."""

from __future__ import annotations

import datetime as dt
import os
from typing import TYPE_CHECKING

from harness.embedded.columns import BarColumns, ColumnStore

if TYPE_CHECKING:
    from harness.sweep.optimization_data import OptimizationDataContext


class KeptColumnStore(ColumnStore):
    """Opens each zip once and keeps it: a sweep's data does not change while it runs.

    Columns come from ``shared`` when it has them, else from the engine's own cache folder, which is mapped too. Only
    the mapping is kept, not a copy: processes share the pages.
    """

    def __init__(
        self, cache_folder: str | os.PathLike[str] | None, shared: OptimizationDataContext | None = None
    ) -> None:
        super().__init__(None if cache_folder is None else os.fspath(cache_folder))
        self._shared = shared
        self._kept: dict[tuple[str, str, str], BarColumns | None] = {}

    def _open(self, path: str, resolution: str, tick_type: str, date: dt.date | None) -> BarColumns | None:
        key = (path, resolution, tick_type)
        if key not in self._kept:
            found = None
            if self._shared is not None:
                found = self._shared.bars(os.path.abspath(path), resolution, tick_type)  # noqa: PTH100 - the key
            self._kept[key] = super()._open(path, resolution, tick_type, date) if found is None else found
        return self._kept[key]
