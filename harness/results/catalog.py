"""Which datasets a folder holds: the manifest of a tree of results, built once and checked at every opening.

A dataset is one Lean result set, one stored baseline or one other JSON file. Its strategy is the path of its folder
below the root, without folders that only say "results" (``lean``, ``results``, ``backtests``); a run's folder
(``run_01``, or lean-cli's time stamp) names the dataset instead. So a session reads as variant and run, a project of
lean-cli as project and time, a plain tree as folder and file.
"""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from harness.errors import HarnessError, InputError
from harness.results.lean_results import ORDER_EVENTS_SUFFIX, SUMMARY_SUFFIX
from harness.results.spans import CACHE_FOLDER
from harness.results.store import read_json, write_json

MANIFEST_SCHEMA = "harness.manifest"
MANIFEST_NAME = "manifest.json"
BASELINE_RESULT_SUFFIX = "-result.json.gz"  # beside a stored baseline; see harness.results.baseline

# A folder changed this recently may change again without its time moving on: look again next time.
_RACY_NS = 50_000_000

_RUN_FOLDER = re.compile(r"((run|warmup|control)_\d+|\d{4}-\d{2}-\d{2}_\d{2}-\d{2}-\d{2})\Z")
_TRANSPARENT_FOLDERS = {"lean", "results", "backtests"}
_SKIPPED_FOLDERS = {"code", "storage", "__pycache__", "node_modules"}
_BOOKKEEPING = {
    "session.json",
    "settings.json",
    "manifest.json",
    "measurement.json",
    "stages.json",
    "report.json",
    "config.json",
    "alpha-results.json",
    "recording.json",
}


class DatasetKind(StrEnum):
    """How a dataset is stored."""

    LEAN = "lean"
    BASELINE = "baseline"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Entry:
    """One dataset: its strategy and name, its kind, its file relative to the root."""

    strategy: str
    name: str
    kind: DatasetKind
    file: str

    @property
    def key(self) -> str:
        """The name among all datasets: ``strategy/name``."""
        return f"{self.strategy}/{self.name}"


@dataclass(frozen=True, slots=True)
class Catalog:
    """The datasets below ``root``, sorted by key."""

    root: Path
    entries: tuple[Entry, ...]


def open_catalog(root: Path) -> Catalog:
    """The catalog of ``root``, from its manifest when that is up to date, else from the folders (and stored again).

    ``InputError`` when ``root`` is not a folder that can be read.
    """
    stored = _stored_catalog(root)
    if stored is not None:
        return stored
    with suppress(OSError):
        (root / CACHE_FOLDER).mkdir()  # before looking, since it changes the root's time
    now_ns = time.time_ns()
    folders: dict[str, int] = {}
    entries = _unique(_found(root, root, folders))
    rows = [[entry.strategy, entry.name, entry.kind.value, entry.file] for entry in entries]
    document = {"looked_ns": now_ns, "folders": folders, "datasets": rows}
    with suppress(HarnessError):  # a folder for reading only: the catalog is made anew each time
        write_json(root / CACHE_FOLDER / MANIFEST_NAME, document, schema=MANIFEST_SCHEMA, durable=False)
    return Catalog(root, entries)


def _stored_catalog(root: Path) -> Catalog | None:
    try:
        document = read_json(root / CACHE_FOLDER / MANIFEST_NAME, schema=MANIFEST_SCHEMA, version=1)
        for folder, mtime_ns in document["folders"].items():
            if (root / folder).stat().st_mtime_ns != mtime_ns or mtime_ns > document["looked_ns"] - _RACY_NS:
                return None
        return Catalog(root, tuple(Entry(row[0], row[1], DatasetKind(row[2]), row[3]) for row in document["datasets"]))
    except (HarnessError, OSError, KeyError, TypeError, ValueError, IndexError, AttributeError):
        return None


def _found(root: Path, folder: Path, folders: dict[str, int]) -> list[Entry]:
    """The datasets in ``folder`` and below it; notes each folder's time in ``folders``."""
    relative = folder.relative_to(root).as_posix()
    try:
        folders[relative] = folder.stat().st_mtime_ns
        with os.scandir(folder) as listing:
            children = list(listing)
    except NotADirectoryError as error:
        raise InputError(f"{folder}: is a file; give the folder that holds the results") from error
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror or error})") from error
    names = {child.name for child in children if child.is_file()}
    entries = [_entry(root, folder, name, kind) for name, kind in _datasets_among(names)]
    for child in children:
        hidden = child.name.startswith(".") or child.name in _SKIPPED_FOLDERS
        if not hidden and child.is_dir(follow_symlinks=False):
            entries += _found(root, folder / child.name, folders)
    return entries


def _datasets_among(names: set[str]) -> list[tuple[str, DatasetKind]]:
    found = []
    for name in names:
        stem = name.removesuffix(".json")
        if stem in ("", name) or name in _BOOKKEEPING or name.startswith("data-monitor-report-"):
            continue
        if name.endswith((SUMMARY_SUFFIX, ORDER_EVENTS_SUFFIX)):
            whole = name.removesuffix(SUMMARY_SUFFIX).removesuffix(ORDER_EVENTS_SUFFIX) + ".json"
            if whole in names:
                continue
        if stem + BASELINE_RESULT_SUFFIX in names:
            found.append((name, DatasetKind.BASELINE))
        elif stem + SUMMARY_SUFFIX in names or stem + ORDER_EVENTS_SUFFIX in names:
            found.append((name, DatasetKind.LEAN))
        else:
            found.append((name, DatasetKind.JSON))
    return found


def _entry(root: Path, folder: Path, name: str, kind: DatasetKind) -> Entry:
    parts = [part for part in folder.relative_to(root).parts if part not in _TRANSPARENT_FOLDERS]
    dataset = name.removesuffix(".json")
    if parts and _RUN_FOLDER.match(parts[-1]):
        dataset = parts.pop()
    strategy = "/".join(parts) or root.resolve().name or "results"
    return Entry(strategy, dataset, kind, (folder / name).relative_to(root).as_posix())


def _unique(entries: list[Entry]) -> tuple[Entry, ...]:
    """Sorted by key; where several files come to the same key, each is named by its file as well, or by its path."""
    named = _renamed(entries, lambda entry: f"{entry.name}/{entry.file.rpartition('/')[2].removesuffix('.json')}")
    named = _renamed(named, lambda entry: entry.file.removesuffix(".json"))
    return tuple(sorted(named, key=lambda entry: entry.key))


def _renamed(entries: list[Entry], name: Callable[[Entry], str]) -> list[Entry]:
    count = Counter(entry.key for entry in entries)
    return [entry if count[entry.key] == 1 else replace(entry, name=name(entry)) for entry in entries]
