"""Clean columns on disk, memory-mapped: a source is parsed once, whatever the number of runs and processes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from harness.fast.bars import COLUMNS, Bars
from harness.fast.ingest.report import IngestReport

FORMAT_VERSION: Final = 1
DEFAULT_MAX_BYTES: Final = 8 << 30
_META: Final = "meta.json"


@dataclass(frozen=True, slots=True, eq=False)
class Ingested:
    """Clean bars of one symbol and the account of how they came about."""

    bars: Bars
    report: IngestReport


def source_key(files: Iterable[Path], options: object) -> str:
    """Key of what reading ``files`` with ``options`` gives: their paths, sizes, times and the options' text."""
    parts: list[Any] = [FORMAT_VERSION, repr(options)]
    for path in files:
        stat = path.stat()
        parts.append((str(path.resolve()), stat.st_size, stat.st_mtime_ns))
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:40]


class ColumnCache:
    """A folder with one subfolder a key, each complete or absent; bounded in bytes, oldest use dropped first.

    Safe among processes: an entry is written beside and renamed, and readers of a dropped entry keep their mapping.
    """

    def __init__(self, folder: Path, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self._folder = folder
        self._max_bytes = max_bytes

    def load(self, key: str) -> list[Ingested] | None:
        """The stored symbols, mapped read-only; ``None`` when there are none or the entry is damaged."""
        entry = self._folder / key
        try:
            meta = json.loads((entry / _META).read_bytes())
            reports = [IngestReport.from_dict(values) for values in meta["reports"]]
            columns = [_mapped(entry / f"{name}.npy", sum(report.bars for report in reports)) for name in COLUMNS]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        os.utime(entry / _META)
        return _split(key, columns, reports)

    def store(self, key: str, symbols: Sequence[Ingested]) -> list[Ingested]:
        """Write the symbols and return them mapped from the files (or as they are when the folder is not writable)."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            temporary = Path(tempfile.mkdtemp(prefix=f".{key[:8]}-", dir=self._folder))
        except OSError:
            return list(symbols)
        try:
            for name in COLUMNS:
                _write_column(temporary / f"{name}.npy", [getattr(symbol.bars, name) for symbol in symbols])
            meta = {"reports": [symbol.report.as_dict() for symbol in symbols]}
            (temporary / _META).write_text(json.dumps(meta), encoding="utf-8")
            target = self._folder / key
            if target.exists():
                shutil.rmtree(target, ignore_errors=True)
            temporary.rename(target)
        except OSError:
            # Another process stored the same entry first, or the disk is full: either way nothing is lost.
            shutil.rmtree(temporary, ignore_errors=True)
        self._prune(keep=key)
        return self.load(key) or list(symbols)

    def _prune(self, keep: str) -> None:
        entries = []
        for meta in self._folder.glob(f"*/{_META}"):
            try:
                size = sum(file.stat().st_size for file in meta.parent.iterdir())
                entries.append((meta.stat().st_mtime_ns, size, meta.parent))
            except OSError:
                continue
        total = sum(size for _, size, _ in entries)
        for _, size, entry in sorted(entries):
            if total <= self._max_bytes:
                return
            if entry.name != keep:
                shutil.rmtree(entry, ignore_errors=True)
                total -= size


def _mapped(path: Path, rows: int) -> np.ndarray[Any, Any]:
    column = np.load(path, mmap_mode="r") if rows else np.load(path)
    if column.shape != (rows,):
        raise ValueError(f"{path} holds {column.shape}, not {rows} values")
    return np.asanyarray(column)


def _write_column(path: Path, parts: Sequence[np.ndarray[Any, Any]]) -> None:
    """One ``.npy`` file from several arrays, without joining them in memory."""
    dtype = parts[0].dtype if parts else np.dtype(np.float64)
    with path.open("wb") as file:
        header = {
            "descr": np.lib.format.dtype_to_descr(dtype),
            "fortran_order": False,
            "shape": (sum(len(part) for part in parts),),
        }
        np.lib.format.write_array_header_1_0(file, header)
        for part in parts:
            file.write(np.ascontiguousarray(part).data)


def _split(key: str, columns: Sequence[np.ndarray[Any, Any]], reports: Sequence[IngestReport]) -> list[Ingested]:
    found = []
    start = 0
    for report in reports:
        rows = slice(start, start + report.bars)
        bars = Bars.of(report.symbol, (column[rows] for column in columns), f"{key}-{report.symbol}")
        found.append(Ingested(bars, report))
        start = rows.stop
    return found
