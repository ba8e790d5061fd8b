"""The digests of a run's own result files: taken when the run is stored, held against the files afterwards.

They stand in ``measurement.json``, a document that is itself checked; without them an engine's files could change
without anybody noticing.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from harness.errors import DamagedError, HarnessError
from harness.results.lean_results import ORDER_EVENTS_SUFFIX, SUMMARY_SUFFIX, find_result_ids
from harness.results.store import read_json

MEASUREMENT_NAME = "measurement.json"
FILES_FIELD = "files"


def file_digests(results_folder: Path) -> dict[str, str]:
    """``{file name: "sha256:..."}`` of the result, its summary and the order events of each result in the folder."""
    found = {}
    for result_id in find_result_ids(results_folder) if results_folder.is_dir() else ():
        for suffix in (".json", SUMMARY_SUFFIX, ORDER_EVENTS_SUFFIX):
            path = results_folder / f"{result_id}{suffix}"
            if path.is_file():
                found[path.name] = _digest(path)
    return found


def changed_files(results_folder: Path) -> list[tuple[Path, str]]:
    """Files of a run that are not what was stored, each with what is wrong; none where no digests were taken."""
    path = results_folder.parent / MEASUREMENT_NAME
    try:
        stored: Any = read_json(path).get(FILES_FIELD)
    except HarnessError:  # there is none, or it is damaged itself, which is told by who checks it
        return []
    found = []
    for name, digest in sorted(stored.items()) if isinstance(stored, dict) else ():
        file = results_folder / Path(name).name
        try:
            if _digest(file) != digest:
                found.append((file, "is not what the run left (digest)"))
        except OSError as error:
            found.append((file, "is gone" if isinstance(error, FileNotFoundError) else str(error.strerror)))
    return found


def verify_files(results_folder: Path) -> None:
    """Raises ``DamagedError`` when a file of a stored run is not what the run left."""
    for file, problem in changed_files(results_folder):
        raise DamagedError(f"{file}: {problem}; run that backtest again")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
