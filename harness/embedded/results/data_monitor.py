"""Lean's data monitor: which data files were asked for, and which of them were not there.

Three files in the results folder, named after the moment they were made: ``succeeded-data-requests-<stamp>.txt``,
``failed-data-requests-<stamp>.txt``, ``data-monitor-report-<stamp>.json`` (``Common/Data/DataMonitor.cs``,
``Common/DataMonitorReport.cs``). None where nothing was asked for. The lists are sorted, and a file that is asked for
twice stands once, with its latest answer; Lean lists every request as its threads come. ``data-request-rates`` is a
figure of Lean's own reader and empty.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path


def store_data_requests(requests: Mapping[Path, bool], data_folder: Path, results_folder: Path) -> None:
    """Write the lists and the report. ``requests``: file -> whether it was there. Raises ``OSError``."""
    if not requests:
        return
    lists: dict[bool, list[str]] = {True: [], False: []}
    for path, found in requests.items():
        inside = path.relative_to(data_folder) if path.is_relative_to(data_folder) else path
        lists[found].append(f"/{inside.as_posix().lstrip('/')}")
    stamp = datetime.now(UTC).strftime("%Y%m%d%H%M%S%f")[:-3]
    for found, word in ((True, "succeeded"), (False, "failed")):
        text = "".join(f"{line}\n" for line in sorted(lists[found]))
        (results_folder / f"{word}-data-requests-{stamp}.txt").write_text(text, "utf-8")
    failed, total = len(lists[False]), len(requests)
    report = {
        "succeeded-data-requests-count": total - failed,
        "failed-data-requests-count": failed,
        "succeeded-universe-data-requests-count": 0,
        "failed-universe-data-requests-count": 0,
        "total-data-requests-count": total,
        "failed-data-requests-percentage": float(round(failed / total * 100)),
        "total-universe-data-requests-count": 0,
        "failed-universe-data-requests-percentage": 0.0,
        "data-request-rates": [],
    }
    (results_folder / f"data-monitor-report-{stamp}.json").write_text(json.dumps(report, separators=(",", ":")))
