"""One copy of the data for all workers: written once as memory-mappable arrays, mapped by everybody.

::

    with OptimizationData() as data:
        data.add_frame("returns", returns)                  # a pandas data frame
        data.add_array("signal", signal)                    # a numpy array
        data.add_bars(zip_path, "second", "trade", date)    # columns as the embedded engine reads them
        context = data.context()                            # paths only: this is what is sent to workers
        ...
    context.frame("returns")        # in a worker: a data frame over numpy.memmap(mode="r")

Only the :class:`OptimizationDataContext` travels; pickled it is under 1 kB whatever the data. Numbers, booleans,
dates, dates with a time zone and the codes of categories and of multi-indexes are mapped; values that have no fixed
size (text, mixed objects) cannot be mapped and are read from a pickle beside them, which the log says. The folder is
this user's alone (0700), and a pickle that another user could have written is refused.

The owner removes the folder at the end (also when an exception ends it, and at the interpreter's exit). Folders of
owners that were killed are swept when the next one starts: the owner holds a lock that the system releases with its
death.
"""

from __future__ import annotations

import atexit
import datetime as dt
import logging
import os
import pickle
import shutil
import socket
import tempfile
import uuid
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harness.errors import BusyError, DamagedError, InputError
from harness.results.lock import FolderLock
from harness.sweep.private_files import make_private_folder, read_private, write_private

if TYPE_CHECKING:
    import pandas as pd

    from harness.embedded.columns import BarColumns, ColumnStore

_log = logging.getLogger(__name__)
_PREFIX = "sweep-data-"
_MANIFEST = "manifest.pkl"
_MAPPED_KINDS = "biufcmM"


@dataclass(frozen=True, slots=True)
class _Stored:
    """One vector or index on disk. ``kind`` says how it is rebuilt, ``file`` holds numbers, ``extra`` the rest."""

    kind: str
    file: str = ""
    extra: Any = None
    parts: tuple[_Stored, ...] = ()


@dataclass(frozen=True, slots=True)
class _Frame:
    columns: tuple[_Stored, ...]
    block: str
    labels: Any
    index: _Stored
    rows: int
    attrs: Any


@dataclass(frozen=True, slots=True)
class _Bars:
    tick_type: str
    file: str
    price_scale: int
    volume_scale: int


class OptimizationData:
    """Writes data once into a folder of its own under ``parent`` and removes it at the end.

    ``parent`` is a folder of this user in the system's temporary folder by default; for workers on other machines give
    a folder that all of them see under the same path. Raises ``InputError`` when it cannot be written. Not thread-safe.
    """

    def __init__(self, parent: str | os.PathLike[str] | None = None) -> None:
        base = _own_folder() if parent is None else Path(parent).resolve()
        with FolderLock(base, "making a sweep's data folder", wait_s=60):
            sweep_stale_folders(base)
            self.folder = base / f"{_PREFIX}{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
            make_private_folder(self.folder)
            self._lock = FolderLock(self.folder, "a sweep's shared data")
            self._lock.__enter__()
        self._frames: dict[str, _Frame] = {}
        self._arrays: dict[str, str] = {}
        self._bars: dict[tuple[str, str, str], _Bars] = {}
        self._count = 0
        self.mapped_bytes = 0
        self.pickled_bytes = 0
        self._closed = False
        atexit.register(self.close)

    # -- adding --------------------------------------------------------------------------------------------------

    def add_frame(self, name: str, frame: pd.DataFrame) -> None:
        """Store ``frame`` with its index, labels (duplicates too), dtypes and attributes."""
        self._new_name(name)
        values = [frame.iloc[:, position] for position in range(frame.shape[1])]
        dtypes = {column.dtype for column in values}
        block = ""
        columns: tuple[_Stored, ...] = ()
        if len(dtypes) == 1 and isinstance(first := next(iter(dtypes)), np.dtype) and first.kind in "biufc":
            # One block for all columns, as pandas keeps them itself: (columns, rows).
            block = self._save(np.ascontiguousarray(frame.to_numpy().T))
        else:
            columns = tuple(self._store_values(column.array) for column in values)
        self._frames[name] = _Frame(
            columns, block, frame.columns, self._store_index(frame.index), len(frame), frame.attrs
        )
        _log.info("saved frame %r: %d rows, %d columns", name, *frame.shape)

    def add_array(self, name: str, array: npt.NDArray[Any]) -> None:
        """Store an array of numbers, booleans or dates of any shape."""
        self._new_name(name)
        if array.dtype.kind not in _MAPPED_KINDS:
            raise InputError(f"array {name!r}: dtype {array.dtype} has no fixed size and cannot be mapped")
        self._arrays[name] = self._save(np.ascontiguousarray(array))
        _log.info("saved array %r: %s %s", name, array.dtype, array.shape)

    def add_bars(
        self, zip_path: str | os.PathLike[str], resolution: str, tick_type: str, date: dt.date | None = None
    ) -> bool:
        """Decode one of Lean's zips into engine columns. False when there is no such file.

        ``date`` is needed for second and minute zips. Raises ``FormatError`` for a zip that cannot be read.
        """
        from harness.embedded.columns import ColumnStore

        path = os.path.abspath(os.fspath(zip_path))  # noqa: PTH100 - the engine's own key
        store = ColumnStore(None)
        read = store.trade_bars if tick_type == "trade" else store.quote_bars
        columns = read(path, resolution, date)
        if columns is None:
            return False
        file = self._save(np.vstack([columns.start_us, *columns.columns]))
        self._bars[path, resolution, tick_type] = _Bars(tick_type, file, columns.price_scale, columns.volume_scale)
        return True

    def add_lean_folder(
        self, data_folder: str | os.PathLike[str], symbols: Iterable[str], resolution: str, days: Iterable[dt.date]
    ) -> int:
        """All bars of ``symbols``: trades and quotes of ``days`` for second and minute, whole files else; how many."""
        root = Path(data_folder).resolve() / "equity" / "usa" / resolution
        found = 0
        all_days = list(days)
        for ticker in (symbol.lower() for symbol in symbols):
            if resolution in ("second", "minute"):
                for day in all_days:
                    for side in ("trade", "quote"):
                        path = root / ticker / f"{day:%Y%m%d}_{side}.zip"
                        found += self.add_bars(path, resolution, side, day)
            else:
                found += self.add_bars(root / f"{ticker}.zip", resolution, "trade")
        _log.info("saved %d files of %s bars from %s", found, resolution, data_folder)
        return found

    def context(self) -> OptimizationDataContext:
        """What workers need to find the data; valid until :meth:`close`. Call it after everything was added."""
        manifest = {"frames": self._frames, "arrays": self._arrays, "bars": self._bars}
        raw = pickle.dumps(manifest, protocol=5)
        write_private(self.folder / _MANIFEST, raw)
        _log.info(
            "shared data in %s: %.1f MiB to map, %.1f MiB that cannot be mapped",
            self.folder,
            self.mapped_bytes / 2**20,
            self.pickled_bytes / 2**20,
        )
        return OptimizationDataContext(str(self.folder), self.mapped_bytes)

    # -- the end -------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Remove the folder. Where the system keeps mapped files (Windows), the next sweep removes what is left."""
        if self._closed:
            return
        self._closed = True
        atexit.unregister(self.close)
        self._lock.__exit__(None, None, None)
        shutil.rmtree(self.folder, ignore_errors=True)
        _log.info("removed shared data %s", self.folder)

    def __enter__(self) -> OptimizationData:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- storing -------------------------------------------------------------------------------------------------

    def _new_name(self, name: str) -> None:
        if self._closed:
            raise InputError("the shared data was already removed; make a new OptimizationData")
        if name in self._frames or name in self._arrays:
            raise InputError(f"shared data {name!r}: is there already; give another name")

    def _save(self, array: npt.NDArray[Any]) -> str:
        name = f"{self._count:05d}.npy"
        self._count += 1
        try:
            np.save(self.folder / name, array, allow_pickle=False)
        except OSError as error:
            raise InputError(
                f"{self.folder}: cannot be written ({error.strerror}); free space or give a folder"
            ) from error
        self.mapped_bytes += array.nbytes
        return name

    def _pickle(self, value: Any) -> str:
        name = f"{self._count:05d}.pkl"
        self._count += 1
        raw = pickle.dumps(value, protocol=5)
        write_private(self.folder / name, raw)
        self.pickled_bytes += len(raw)
        _log.info("%d bytes cannot be mapped (%s): pickled once, read by each worker", len(raw), type(value).__name__)
        return name

    def _store_values(self, values: Any) -> _Stored:
        import pandas as pd

        dtype = values.dtype
        if isinstance(dtype, pd.DatetimeTZDtype):
            return _Stored("zoned", self._save(np.asarray(values.asi8)), (dtype.unit, str(dtype.tz), dtype))
        if isinstance(dtype, pd.CategoricalDtype):
            return _Stored("categorical", self._save(np.asarray(values.codes)), dtype)
        plain = dtype if isinstance(dtype, np.dtype) else getattr(dtype, "numpy_dtype", None)
        if isinstance(values, pd.arrays.NumpyExtensionArray | pd.arrays.DatetimeArray | pd.arrays.TimedeltaArray) and (
            plain is not None and plain.kind in _MAPPED_KINDS
        ):
            return _Stored("plain", self._save(np.ascontiguousarray(values.to_numpy())))
        return _Stored("pickled", self._pickle(values))

    def _store_index(self, index: pd.Index[Any]) -> _Stored:
        import pandas as pd

        names: tuple[Hashable, ...] = tuple(index.names)
        if isinstance(index, pd.RangeIndex):
            return _Stored("range", "", (index.start, index.stop, index.step, names))
        if isinstance(index, pd.MultiIndex):
            codes = tuple(_Stored("plain", self._save(np.asarray(code))) for code in index.codes)
            levels = tuple(self._store_index(level) for level in index.levels)
            return _Stored("multi", "", names, codes + levels)
        if isinstance(index, pd.DatetimeIndex):
            return _Stored("dates", "", (names, index.freq), (self._store_values(index.array),))
        dtype = index.dtype
        if isinstance(dtype, np.dtype) and dtype.kind in "biufm":
            return _Stored("index", "", names, (self._store_values(index.array),))
        return _Stored("pickled", self._pickle(index))


@dataclass(frozen=True)
class OptimizationDataContext:
    """Where the shared data is: a folder's path and its size. Rebuilds frames, arrays and engine columns by mapping.

    Everything returned is read-only and shared between processes by the system's page cache. Raises ``InputError``
    for an unknown name and ``DamagedError`` when the folder is gone or not whole.
    """

    folder: str
    mapped_bytes: int

    def __getstate__(self) -> dict[str, Any]:
        return {"folder": self.folder, "mapped_bytes": self.mapped_bytes}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all frames and arrays."""
        return (*self._manifest["frames"], *self._manifest["arrays"])

    def array(self, name: str) -> npt.NDArray[Any]:
        """The array of this name, mapped."""
        arrays = self._manifest["arrays"]
        if name not in arrays:
            raise InputError(f"shared array {name!r}: not there; there are {', '.join(arrays) or 'none'}")
        return self._map(arrays[name])

    def frame(self, name: str) -> pd.DataFrame:
        """The data frame of this name over mapped columns."""
        import pandas as pd

        frames = self._manifest["frames"]
        if name not in frames:
            raise InputError(f"shared frame {name!r}: not there; there are {', '.join(frames) or 'none'}")
        stored: _Frame = frames[name]
        index = self._index(stored.index)
        if stored.block:
            frame = pd.DataFrame(self._map(stored.block).T, index=index, copy=False)
        else:
            columns = {position: self._values(part) for position, part in enumerate(stored.columns)}
            frame = pd.DataFrame(columns, index=index, copy=False)
        frame.columns = stored.labels
        frame.attrs = dict(stored.attrs)
        _log.info("mapped frame %r: %d rows, %d columns", name, *frame.shape)
        return frame

    def column_store(self, cache_folder: str | os.PathLike[str] | None = None) -> ColumnStore:
        """Engine columns: those of the shared data mapped, others as ``ColumnStore(cache_folder)`` gives them.

        What was opened once stays open, so later backtests in the same process pay nothing for it.
        """
        from harness.sweep.engine_columns import KeptColumnStore

        return KeptColumnStore(cache_folder, self)

    def bars(self, path: str, resolution: str, tick_type: str) -> BarColumns | None:
        """Columns of one zip, mapped; None when it is not among the shared data."""
        from harness.embedded.columns import BarColumns

        stored: _Bars | None = self._manifest["bars"].get((path, resolution, tick_type))
        if stored is None:
            return None
        return BarColumns(stored.tick_type, self._map(stored.file), stored.price_scale, stored.volume_scale)

    @cached_property
    def _manifest(self) -> dict[str, Any]:
        path = Path(self.folder) / _MANIFEST
        try:
            manifest: dict[str, Any] = pickle.loads(read_private(path))
        except (OSError, pickle.UnpicklingError, EOFError) as error:
            raise DamagedError(f"{path}: the sweep's shared data is gone or not whole ({error})") from error
        _log.info("mapping shared data %s: %.1f MiB", self.folder, self.mapped_bytes / 2**20)
        return manifest

    def _map(self, file: str) -> npt.NDArray[Any]:
        path = Path(self.folder) / file
        try:
            with path.open("rb") as stream:
                version = np.lib.format.read_magic(stream)
                read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                shape, _fortran, dtype = read(stream)
                offset = stream.tell()
            if dtype.kind not in _MAPPED_KINDS:
                raise ValueError(f"dtype {dtype} is never stored here")
            if 0 in shape:  # nothing to map
                return np.empty(shape, dtype)
            return np.asarray(np.memmap(path, dtype, "r", offset, shape))
        except (OSError, ValueError) as error:
            raise DamagedError(f"{path}: the sweep's shared data is gone or not whole ({error})") from error

    def _values(self, stored: _Stored) -> Any:
        import pandas as pd

        if stored.kind == "pickled":
            return pickle.loads(read_private(Path(self.folder) / stored.file))
        array = self._map(stored.file)
        if stored.kind == "plain":
            return array
        if stored.kind == "zoned":
            unit, _, dtype = stored.extra
            # A view of the mapped UTC values: localising would copy them.
            return pd.Series(array.view(f"M8[{unit}]"), copy=False).array.view(dtype)
        return pd.Categorical.from_codes(array, dtype=stored.extra, validate=False)

    def _index(self, stored: _Stored) -> Any:
        import pandas as pd

        if stored.kind == "range":
            start, stop, step, names = stored.extra
            return pd.RangeIndex(start, stop, step, name=names[0])
        if stored.kind == "multi":
            half = len(stored.parts) // 2
            return pd.MultiIndex(
                levels=[self._index(part) for part in stored.parts[half:]],
                codes=[self._values(part) for part in stored.parts[:half]],
                names=stored.extra,
                verify_integrity=False,
            )
        if stored.kind == "dates":
            names, freq = stored.extra
            values = self._values(stored.parts[0])
            index: Any = pd.DatetimeIndex(pd.Series(values, copy=False).array, name=names[0])
            # Through the property pandas would build the whole range again to check a frequency that was checked.
            index._data._freq = freq
            return index
        if stored.kind == "index":
            return pd.Index(self._values(stored.parts[0]), name=stored.extra[0], copy=False)
        return self._values(stored)


def _own_folder() -> Path:
    """This user's folder below the system's temporary one, where anybody may have made a folder of any name."""
    user = os.getuid() if hasattr(os, "getuid") else "user"
    folder = Path(tempfile.gettempdir()) / f"lean-harness-sweeps-{user}"
    make_private_folder(folder)
    return folder


def sweep_stale_folders(base: Path) -> list[Path]:
    """Remove data folders under ``base`` whose owners on this machine are dead; what was removed.

    The caller holds the lock of ``base``, so no folder is just being made.
    """
    removed = []
    for folder in base.glob(f"{_PREFIX}{socket.gethostname()}-*"):
        lock = FolderLock(folder, "removing a dead sweep's data")
        try:
            lock.__enter__()
        except (BusyError, InputError):
            continue  # in use, or not ours to remove
        lock.__exit__(None, None, None)
        shutil.rmtree(folder, ignore_errors=True)
        removed.append(folder)
        _log.warning("removed %s: left behind by a sweep that was killed", folder)
    return removed
