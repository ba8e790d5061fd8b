"""Each indicator of a symbol and window is computed once, on demand, and shared."""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from harness.fast import indicators
from harness.fast.bars import Bars, FloatArray, session_bounds
from harness.fast.choices import Kernel
from harness.fast.errors import FastPathError

DEFAULT_MAX_BYTES: Final = 512 << 20
SOURCES: Final = ("open", "high", "low", "close", "volume")

_WINDOWED: Final[dict[str, Callable[[FloatArray, int], FloatArray]]] = {
    "sma": indicators.sma,
    "max": indicators.rolling_max,
    "min": indicators.rolling_min,
}
_RECURSIVE: Final[dict[str, Callable[[FloatArray, int, Kernel], FloatArray]]] = {
    "ema": indicators.ema,
    "wilder": indicators.wilder,
    "rsi": indicators.rsi,
}
NAMES: Final = (*_WINDOWED, *_RECURSIVE, "atr", "vwap")


@dataclass(frozen=True, slots=True)
class CacheInfo:
    """Counters of an :class:`IndicatorCache`; ``size_bytes`` and ``entries`` are what it holds now."""

    hits: int
    misses: int
    evictions: int
    entries: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class _Key:
    data: str
    name: str
    window: int
    source: str

    def file_name(self) -> str:
        text = f"{self.data}|{self.name}|{self.window}|{self.source}"
        return f"{self.name}-{self.window}-{self.source}-{hashlib.sha256(text.encode()).hexdigest()[:24]}.npy"


class IndicatorCache:
    """Indicator columns by data, name, window and source column; read-only, shared, bounded in bytes.

    The least recently used columns are dropped beyond ``max_bytes``; a column larger than that is returned but not
    kept. With ``folder`` the columns are stored there as ``.npy`` files and memory-mapped, so that processes share
    them and they survive the run; the data's ``data_key`` must then name the data across processes (ingestion's
    does). Safe from several threads: two requests for one column compute it once.
    """

    def __init__(
        self, max_bytes: int = DEFAULT_MAX_BYTES, folder: Path | None = None, kernel: Kernel = Kernel.AUTO
    ) -> None:
        if max_bytes < 0:
            raise FastPathError(f"indicator cache: max_bytes is {max_bytes}: give 0 or more")
        self._max_bytes = max_bytes
        self._folder = folder
        self._kernel = kernel
        self._columns: OrderedDict[_Key, FloatArray] = OrderedDict()
        self._size_bytes = 0
        self._hits = 0
        self._misses = 0
        self._evictions = 0
        self._lock = threading.Lock()
        self._under_way: dict[_Key, threading.Lock] = {}

    def get(self, bars: Bars, name: str, window: int = 0, source: str = "close") -> FloatArray:
        """The indicator ``name`` (one of ``NAMES``) of ``bars``, float64 of shape ``(len(bars),)``, read-only.

        ``vwap`` has no window; ``vwap`` and ``atr`` have no source. Raises :class:`FastPathError` for other names.
        """
        key = _key(bars, name, window, source)
        with self._lock:
            column = self._columns.get(key)
            if column is not None:
                self._columns.move_to_end(key)
                self._hits += 1
                return column
            turn = self._under_way.setdefault(key, threading.Lock())
        with turn:
            with self._lock:
                column = self._columns.get(key)
                if column is not None:
                    self._hits += 1
                    return column
            column = self._load_or_compute(key, bars)
            with self._lock:
                self._misses += 1
                self._under_way.pop(key, None)
                self._keep(key, column)
            return column

    def info(self) -> CacheInfo:
        """Counters so far."""
        with self._lock:
            return CacheInfo(self._hits, self._misses, self._evictions, len(self._columns), self._size_bytes)

    def clear(self) -> None:
        """Forget every column (files in ``folder`` stay)."""
        with self._lock:
            self._columns.clear()
            self._size_bytes = 0

    def _keep(self, key: _Key, column: FloatArray) -> None:
        if column.nbytes > self._max_bytes:
            return
        self._columns[key] = column
        self._size_bytes += column.nbytes
        while self._size_bytes > self._max_bytes:
            _, dropped = self._columns.popitem(last=False)
            self._size_bytes -= dropped.nbytes
            self._evictions += 1

    def _load_or_compute(self, key: _Key, bars: Bars) -> FloatArray:
        if self._folder is None:
            column = _compute(key, bars, self._kernel)
            column.flags.writeable = False
            return column
        path = self._folder / key.file_name()
        stored = _load(path, len(bars))
        if stored is not None:
            return stored
        self._folder.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
        try:
            with temporary.open("wb") as file:
                np.save(file, _compute(key, bars, self._kernel))
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        column = np.load(path, mmap_mode="r") if len(bars) else np.load(path)
        return np.asanyarray(column)


def _key(bars: Bars, name: str, window: int, source: str) -> _Key:
    if name not in NAMES:
        raise FastPathError(f"no indicator {name!r}: there are {', '.join(NAMES)}")
    if name == "vwap":
        return _Key(bars.data_key, name, 0, "")
    if window < 1:
        raise FastPathError(f"indicator {name}: window is {window}: give at least 1")
    if name == "atr":
        return _Key(bars.data_key, name, window, "")
    if source not in SOURCES:
        raise FastPathError(f"indicator {name}: no column {source!r}: there are {', '.join(SOURCES)}")
    return _Key(bars.data_key, name, window, source)


def _compute(key: _Key, bars: Bars, kernel: Kernel) -> FloatArray:
    if key.name == "vwap":
        bounds = session_bounds(bars.time_ns)
        return indicators.session_vwap(
            bounds, high=bars.high, low=bars.low, close=bars.close, volume=bars.volume, kernel=kernel
        )
    if key.name == "atr":
        return indicators.atr(bars.high, bars.low, bars.close, key.window, kernel)
    column: FloatArray = getattr(bars, key.source)
    if key.name in _RECURSIVE:
        return _RECURSIVE[key.name](column, key.window, kernel)
    return _WINDOWED[key.name](column, key.window)


def _load(path: Path, rows: int) -> FloatArray | None:
    """The stored column, or ``None`` when there is none or the file is not one of ``rows`` float64 values."""
    try:
        column = np.load(path, mmap_mode="r") if rows else np.load(path)
    except (OSError, ValueError, EOFError):
        return None
    return np.asanyarray(column) if column.shape == (rows,) and column.dtype == np.float64 else None
