"""One Lean results folder, whichever engine wrote it, opened without reading it.

:class:`LeanResults` finds Lean's file set by name (``<id>.json``, ``<id>-summary.json``, ``<id>-order-events.json``,
``<id>-log.txt``); each property reads only its own part, once, when first asked.
"""

from __future__ import annotations

import json
import os
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from harness.errors import DamagedError, InputError
from harness.results.decoding import decode_typed
from harness.results.lean_types import Chart, Order, OrderEvent, TotalPerformance, Trade
from harness.results.spans import CACHE_FOLDER, SectionFile, Sections

SUMMARY_SUFFIX = "-summary.json"
ORDER_EVENTS_SUFFIX = "-order-events.json"
LOG_SUFFIX = "-log.txt"
STAGES_MARK = "HARNESS_STAGES"
INDEX_FROM_BYTES = 4 << 20

# Files beside the result set that end in .json but are not it.
_NOT_RESULTS = ("data-monitor-report-", "alpha-results", "measurement", "stages", "session", "config", "manifest")


@dataclass(frozen=True, slots=True)
class DataRequests:
    """Lean's data monitor: how many data files were asked for, and which were missing."""

    succeeded: int
    failed: int
    failed_paths: tuple[str, ...]


def find_result_ids(folder: Path) -> list[str]:
    """The ``<id>`` of every Lean file set in ``folder`` (not below it), sorted; empty when there is none."""
    try:
        names = {entry.name for entry in os.scandir(folder) if entry.is_file()}
    except FileNotFoundError as error:
        raise InputError(f"{folder}: no such folder") from error
    except NotADirectoryError as error:
        raise InputError(f"{folder}: is a file, not a results folder; give the folder that holds it") from error
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror or error})") from error
    return result_ids_among(names)


def result_ids_among(names: set[str]) -> list[str]:
    """As :func:`find_result_ids`, from the file names of one folder."""
    ids = set()
    for name in names:
        for suffix in (SUMMARY_SUFFIX, ORDER_EVENTS_SUFFIX):
            if name.endswith(suffix):
                ids.add(name[: -len(suffix)])
        if name.endswith(LOG_SUFFIX) and name[: -len(LOG_SUFFIX)] + ".json" in names:
            ids.add(name[: -len(LOG_SUFFIX)])
    if not ids:
        plain = [name for name in names if name.endswith(".json") and not name.startswith(_NOT_RESULTS)]
        ids = {name[: -len(".json")] for name in plain if not name.endswith((SUMMARY_SUFFIX, ORDER_EVENTS_SUFFIX))}
    return sorted(name for name in ids if name)


class LeanResults:
    """Lean's files in ``folder``, for the one result set there or the one named ``result_id``.

    Raises ``InputError`` when the folder is missing, has no set, or has several and none is named. Properties raise
    ``InputError`` for a file that is not there and ``DamagedError`` for one that cannot be decoded; both name it.
    Values are cached; objects are shared, treat them as read-only. Not refreshed when files change: make a new one.
    """

    def __init__(self, folder: str | os.PathLike[str], result_id: str | None = None) -> None:
        self.folder = Path(folder)
        ids = find_result_ids(self.folder)
        if result_id is None:
            if not ids:
                raise InputError(f"{self.folder}: no Lean result in it (no <id>.json with its -summary.json beside it)")
            if len(ids) > 1:
                raise InputError(f"{self.folder}: {len(ids)} results in it ({', '.join(ids[:5])}); name one of them")
            result_id = ids[0]
        self.result_id = result_id
        self.path = self.folder / f"{result_id}.json"
        self.summary_path = self.folder / f"{result_id}{SUMMARY_SUFFIX}"
        self.log_path = self.folder / f"{result_id}{LOG_SUFFIX}"

    def __repr__(self) -> str:
        return f"LeanResults({str(self.folder)!r}, {self.result_id!r})"

    # ---------------------------------------------------------------- the result document

    @cached_property
    def document(self) -> Sections:
        """``<id>.json`` section by section; the summary file when only that is there."""
        path = self.path if self.path.exists() or not self.summary_path.exists() else self.summary_path
        large = path.exists() and path.stat().st_size >= INDEX_FROM_BYTES
        return SectionFile(path, path.parent / CACHE_FOLDER / f"{path.name}.index" if large else None)

    def section(self, name: str, exact: bool = False) -> Any:
        """A top-level section as plain Python objects; None when the document has none of that name."""
        return self.document.value(name, exact) if name in self.document.names else None

    @cached_property
    def state(self) -> dict[str, str]:
        """``Status``, ``RuntimeError``, ``OrderCount`` and the rest of Lean's ``state``."""
        return self._mapping("state")

    @cached_property
    def statistics(self) -> dict[str, str]:
        """Lean's summary statistics, name to text, in Lean's order."""
        return self._mapping("statistics")

    @cached_property
    def runtime_statistics(self) -> dict[str, str]:
        return self._mapping("runtimeStatistics")

    @cached_property
    def algorithm_configuration(self) -> dict[str, Any]:
        return self._mapping("algorithmConfiguration")

    @cached_property
    def profit_loss(self) -> dict[str, Any]:
        """Realised profit by time of the trade's end, exact decimals."""
        return self.section("profitLoss", exact=True) or {}

    @cached_property
    def orders(self) -> list[Order]:
        """All orders, by id. Only the full document has them; empty in a summary."""
        orders = self._typed("orders", dict[str, Order] | None) or {}
        return sorted(orders.values(), key=lambda order: order.id)

    @cached_property
    def performance(self) -> TotalPerformance:
        return self._typed("totalPerformance", TotalPerformance | None) or TotalPerformance()

    @property
    def closed_trades(self) -> list[Trade]:
        """Closed trades, in Lean's order (by exit)."""
        return self.performance.closed_trades or []

    @cached_property
    def charts(self) -> dict[str, Chart]:
        """Charts by name; series values are floats."""
        return self._typed("charts", dict[str, Chart] | None) or {}

    @property
    def status(self) -> str:
        """Lean's final status (``Completed``, ``RuntimeError``, ...); empty when the document has none."""
        return self.state.get("Status", "")

    @property
    def runtime_error(self) -> str:
        """The runtime error with its trace; empty when there was none."""
        return self.state.get("RuntimeError", "")

    def _mapping(self, name: str) -> dict[str, Any]:
        value = self.section(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise DamagedError(f"{self.document.path}, section {name!r}: is a {type(value).__name__}, not an object")
        return value

    def _typed(self, name: str, kind: Any) -> Any:
        return self.document.typed(name, kind) if name in self.document.names else None

    # ---------------------------------------------------------------- order events

    @property
    def order_events_path(self) -> Path | None:
        """The order-events file; None when there is none (Lean writes none for zero events)."""
        path = self.folder / f"{self.result_id}{ORDER_EVENTS_SUFFIX}"
        return path if path.exists() else None

    @cached_property
    def order_events(self) -> list[OrderEvent] | None:
        """All order events in file order; None when the file is missing: missing is not empty."""
        path = self.order_events_path
        if path is None:
            return None
        with self.open_order_events() as stream:
            try:
                raw = stream.read()
            except (OSError, EOFError, zlib.error) as error:
                raise DamagedError(f"{path}: cannot be read ({error})") from error
        return decode_typed(raw, list[OrderEvent], path)

    def open_order_events(self) -> BinaryIO:
        """The order events' JSON text as a stream. ``InputError`` when there is none."""
        path = self.order_events_path
        if path is None:
            raise InputError(f"{self.folder}: no {self.result_id}{ORDER_EVENTS_SUFFIX} in it")
        try:
            return path.open("rb")
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error

    # ---------------------------------------------------------------- log

    @cached_property
    def log_lines(self) -> list[str] | None:
        """The algorithm's log, line by line without line ends; None when the file is missing."""
        try:
            text = self.log_path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InputError(f"{self.log_path}: cannot be read ({error.strerror or error})") from error
        return text.split("\n")[:-1] if text.endswith("\n") else text.split("\n") if text else []

    @cached_property
    def stages(self) -> dict[str, Any] | None:
        """The algorithm's stage timings, from its last log line with ``HARNESS_STAGES {json}``; None when it has none.

        ``{"stages": {"data": {"wall_ns": .., "cpu_ns": .., "count": .., "longest_ns": ..}, ..}, "total_wall_ns": ..}``
        """
        for line in reversed(self.log_lines or []):
            _, mark, rest = line.partition(STAGES_MARK)
            if mark and rest.lstrip().startswith("{"):
                try:
                    stages = json.loads(rest)
                except (ValueError, RecursionError) as error:
                    raise DamagedError(f"{self.log_path}: the {STAGES_MARK} line is not whole ({error})") from error
                return stages if isinstance(stages, dict) else None
        return None

    # ---------------------------------------------------------------- data requests

    @cached_property
    def data_requests(self) -> DataRequests | None:
        """Counts of Lean's latest data monitor report in the folder; None when there is none."""
        reports = sorted(self.folder.glob("data-monitor-report-*.json"))
        if not reports:
            return None
        try:
            fields = json.loads(reports[-1].read_bytes())
            succeeded, failed = int(fields["succeeded-data-requests-count"]), int(fields["failed-data-requests-count"])
        except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
            raise DamagedError(f"{reports[-1]}: not a data monitor report ({error})") from error
        lists = sorted(self.folder.glob("failed-data-requests-*.txt"))
        lines = lists[-1].read_text(encoding="utf-8", errors="replace").splitlines() if lists else []
        return DataRequests(succeeded, failed, tuple(sorted(line for line in lines if line)))
