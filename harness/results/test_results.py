"""A folder of results of any size, opened at once: datasets are read when used and forgotten when the cache is full.

    with TestResults("runs/2025-10-10_12-00", lazy=True) as test:
        for name in test.list_datasets():
            print(name, test.datasets[name]["statistics"]["Sharpe Ratio"])

Both modes give the same types and values; ``lazy=False`` reads everything first.
"""

from __future__ import annotations

import difflib
import json
import os
import sys
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any

from harness.errors import DamagedError, HarnessError, InputError
from harness.results.catalog import DatasetKind, Entry, open_catalog
from harness.results.decoding import decode_plain
from harness.results.lean_results import LeanResults
from harness.results.spans import CACHE_FOLDER, SectionFile, Sections

_SETTINGS_FILES = ("settings.json", "session.json")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SAMPLE = 200


class ParameterError(InputError, ValueError):
    """A parameter of :class:`TestResults` is out of range."""


class MissingFolderError(InputError, FileNotFoundError):
    """The folder to open is not there."""

    __str__ = Exception.__str__


class UnknownNameError(HarnessError, KeyError):
    """No strategy, dataset or section of that name; the message lists the near ones."""

    __str__ = Exception.__str__


@dataclass(frozen=True, slots=True)
class CacheInfo:
    """Uses of the cache since opening, and what it holds: ``datasets`` of them, ``bytes`` estimated in memory."""

    hits: int
    misses: int
    evictions: int
    bytes: int
    datasets: int
    maximum_datasets: int | None
    maximum_bytes: int | None


class Dataset(Mapping[str, Any]):
    """One dataset: a mapping of its sections to plain Python values, as ``json.loads`` would give them.

    A section is decoded at its first use and kept until the dataset leaves the cache or its file changes. Equal to
    the ``dict`` of the whole file. ``cached_bytes`` is the estimated memory of what is decoded now. :meth:`exact`
    keeps decimals, :attr:`lean` gives typed records and the files beside. Errors: ``DamagedError`` naming file and
    section; ``InputError`` when the file is gone. Thread-safe.
    """

    def __init__(self, entry: Entry, path: Path, cache: _Cache) -> None:
        self.name = entry.name
        self.strategy = entry.strategy
        self.kind = entry.kind
        self.path = path
        self._key = entry.key
        self._cache = cache
        self._lock = threading.RLock()
        self._file = SectionFile(path, cache.index_path(path))
        self._sections: Sections = self._file  # of a stored baseline: its result, from the first look at it
        self._generation: int | None = None
        self._names: list[str] = []
        self._values: dict[str, Any] = {}
        self.cached_bytes = 0

    def __getitem__(self, section: str) -> Any:
        with self._lock:
            names = self._current_names()
            if section in self._values:
                return self._values[section]
            if section not in names:
                raise UnknownNameError(_no_such("section", str(section), names, self._key))
            value = self._sections.value(section)
            self._values[section] = value
            self.cached_bytes += estimated_bytes(value)
        self._cache.charge(self)
        return value

    def __iter__(self) -> Iterator[str]:
        with self._lock:
            return iter(list(self._current_names()))

    def __len__(self) -> int:
        with self._lock:
            return len(self._current_names())

    def __contains__(self, section: object) -> bool:
        with self._lock:
            return section in self._current_names()

    def __repr__(self) -> str:
        return f"Dataset({self._key!r}, {str(self.path)!r})"

    def exact(self, section: str) -> Any:
        """The section with every fractional number as ``Decimal`` of its text. Not cached."""
        if section not in self:
            raise UnknownNameError(_no_such("section", section, list(self), self._key))
        return self._sections.value(section, exact=True)

    def text(self, section: str) -> bytes:
        """The section's JSON text as it stands in the file. Not cached."""
        if section not in self:
            raise UnknownNameError(_no_such("section", section, list(self), self._key))
        return self._sections.raw(section)

    @property
    def lean(self) -> LeanResults:
        """Typed records, order events and log of a Lean result or stored baseline. Not cached."""
        if self.kind is DatasetKind.BASELINE:
            from harness.results.baseline import load_baseline

            return load_baseline(self.path).results
        return LeanResults(self.path.parent, self.path.name.removesuffix(".json"))

    def load(self) -> None:
        """Decode every section now."""
        for section in list(self):
            self[section]

    def release(self) -> None:
        """Forget the decoded sections; the next use decodes them again."""
        with self._lock:
            self._values.clear()
            self.cached_bytes = 0

    def _current_names(self) -> list[str]:
        """The section names, after forgetting what was decoded from a file that has changed since."""
        stored = self.kind is DatasetKind.BASELINE
        try:
            generation = _changed_ns(self.path) if stored else self._file.refresh()
            if generation != self._generation:
                if stored:
                    self._sections = self.lean.document
                self._values.clear()
                self.cached_bytes = 0
                self._names = self._sections.names
                self._generation = generation
        except InputError:
            if self._cache.forgets or self._generation is None or len(self._values) < len(self._names):
                raise
        return self._names


class StrategyResults:
    """The datasets of one strategy: ``datasets`` maps name to dataset."""

    def __init__(self, name: str, datasets: Mapping[str, Any]) -> None:
        self.name = name
        self.datasets = datasets

    def list_datasets(self) -> list[str]:
        """The dataset names, sorted."""
        return list(self.datasets)

    def __repr__(self) -> str:
        return f"StrategyResults({self.name!r}, {len(self.datasets)} datasets)"


class TestResults:
    """All results below ``test_path``: our sessions, stored baselines, lean-cli's backtests, any tree of JSON results.

    ``lazy=False`` decodes every dataset at once and keeps it. ``lazy=True`` reads names only; a
    dataset is read section by section when used, the last ``cache_size`` used datasets (and, when given, no more than
    ``cache_bytes`` of estimated memory) stay decoded. A dataset that was evicted stays usable; it decodes again. In
    both modes a file that changed is read again.

    ``datasets`` maps ``strategy/name`` to :class:`Dataset` (a list for a JSON file that holds one); a bare name
    works too where it is the only one. Unknown names raise ``KeyError`` listing the near ones. A damaged file raises
    ``DamagedError`` where it is used (in eager mode with a warning at once) and leaves the others alone.

    Raises ``ValueError`` (as :class:`ParameterError`) for a bad parameter and :class:`MissingFolderError`, a
    ``FileNotFoundError``, for a missing folder. Safe from several threads.
    """

    __test__ = False  # the name is the interface's; pytest must not collect it

    def __init__(
        self,
        test_path: str | os.PathLike[str],
        lazy: bool = False,
        cache_size: int = 10,
        cache_bytes: int | None = None,
    ) -> None:
        if not isinstance(lazy, bool):
            raise ParameterError(f"lazy is {lazy!r}; give True or False")
        if isinstance(cache_size, bool) or not isinstance(cache_size, int) or cache_size < 1:
            raise ParameterError(f"cache_size is {cache_size!r}; give a whole number of at least 1")
        if cache_bytes is not None and (
            isinstance(cache_bytes, bool) or not isinstance(cache_bytes, int) or cache_bytes < 1
        ):
            raise ParameterError(f"cache_bytes is {cache_bytes!r}; give a whole number of at least 1, or None")
        if not isinstance(test_path, (str, os.PathLike)) or not str(test_path):
            raise ParameterError(f"test_path is {test_path!r}; give the folder that holds the results")
        if lazy and cache_size < 3:
            warnings.warn(
                f"cache_size {cache_size} keeps almost nothing: comparing datasets will read them again and again; "
                "use 3 or more",
                stacklevel=2,
            )
        self.path = Path(test_path)
        if not self.path.exists():
            raise MissingFolderError(f"{self.path}: no such folder")
        self.lazy = lazy
        self._cache = _Cache(self.path, cache_size if lazy else None, cache_bytes if lazy else None)
        self._entries = {entry.key: entry for entry in open_catalog(self.path).entries}
        names: dict[str, dict[str, str]] = {}
        for entry in self._entries.values():
            names.setdefault(entry.strategy, {})[entry.name] = entry.key
        self.datasets: Mapping[str, Any] = _Datasets("dataset", {key: key for key in self._entries}, self._get)
        self.strategies: Mapping[str, StrategyResults] = _Strategies(
            {name: StrategyResults(name, _Datasets("dataset", keys, self._get)) for name, keys in names.items()}
        )
        self._settings: dict[str, Any] | None = None
        if not lazy:
            self._load_all()

    # ---------------------------------------------------------------- what is there

    @property
    def settings(self) -> dict[str, Any]:
        """The test's own settings (``settings.json``, or a session's); empty when it has none."""
        if self._settings is None:
            self._settings = _read_settings(self.path)
        return self._settings

    def list_strategies(self) -> list[str]:
        """The strategy names, sorted."""
        return sorted(self.strategies)

    def list_datasets(self) -> list[str]:
        """The names of all datasets (``strategy/name``), sorted."""
        return list(self.datasets)

    # ---------------------------------------------------------------- cache

    def preload(self, datasets: Iterable[str] | None = None) -> None:
        """Decode the named datasets now; all of them, in order, when none is named."""
        for name in list(self._entries) if datasets is None else datasets:
            dataset = self.datasets[name]
            if isinstance(dataset, Dataset):
                dataset.load()

    def invalidate_cache(self) -> None:
        """Forget everything decoded; the next use reads the files again. Counts start anew."""
        self._cache.clear()

    def cache_info(self) -> CacheInfo:
        """Hits, misses, evictions and size of the cache."""
        return self._cache.info()

    def __enter__(self) -> TestResults:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.invalidate_cache()

    def __repr__(self) -> str:
        return f"TestResults({str(self.path)!r}, lazy={self.lazy}, {len(self._entries)} datasets)"

    # ---------------------------------------------------------------- loading

    def _get(self, key: str) -> Any:
        return self._cache.get(self._entries[key])

    def _load_all(self) -> None:
        for key in self._entries:
            try:
                dataset = self._get(key)
                if isinstance(dataset, Dataset):
                    dataset.load()
            except (DamagedError, InputError) as error:
                warnings.warn(str(error), stacklevel=3)


class _Datasets(Mapping[str, Any]):
    """Names to datasets, read when asked for; also by bare name where that is unambiguous."""

    def __init__(self, what: str, keys: dict[str, str], get: Callable[[str], Any]) -> None:
        self._what = what
        self._keys = keys
        self._get = get
        self._bare: dict[str, list[str]] = {}
        for name in keys:
            self._bare.setdefault(name.rpartition("/")[2], []).append(name)

    def __getitem__(self, name: str) -> Any:
        key = self._keys.get(name)
        if key is None:
            same = self._bare.get(name, [])
            if len(same) > 1:
                raise UnknownNameError(f"{self._what} {name!r} is there {len(same)} times: {', '.join(same[:5])}")
            if not same:
                raise UnknownNameError(_no_such(self._what, str(name), list(self._keys)))
            key = self._keys[same[0]]
        return self._get(key)

    def __contains__(self, name: object) -> bool:
        return name in self._keys or len(self._bare.get(str(name), [])) == 1

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def __repr__(self) -> str:
        return f"<{len(self)} {self._what}s: {', '.join(list(self)[:3])}{', ...' if len(self) > 3 else ''}>"


class _Strategies(dict[str, StrategyResults]):
    def __missing__(self, name: str) -> StrategyResults:
        raise UnknownNameError(_no_such("strategy", str(name), list(self)))


class _Cache:
    """Datasets in use, least recently used first. ``maximum_datasets`` None: keep all."""

    def __init__(self, root: Path, maximum_datasets: int | None, maximum_bytes: int | None) -> None:
        self.root = root
        self.maximum_datasets = maximum_datasets
        self.maximum_bytes = maximum_bytes
        self._lock = threading.RLock()
        self._held: OrderedDict[str, Dataset | _ListDataset] = OrderedDict()
        # Handles outlive eviction, so that two users of one file share its index.
        self._handles: dict[str, Dataset | _ListDataset] = {}
        self._hits = self._misses = self._evictions = 0

    @property
    def forgets(self) -> bool:
        """False for results that were read eagerly: what is decoded outlives its file."""
        return self.maximum_datasets is not None

    def get(self, entry: Entry) -> Any:
        with self._lock:
            handle = self._held.get(entry.key)
            if handle is not None:
                self._hits += 1
            else:
                self._misses += 1
                handle = self._handles.get(entry.key)
                if handle is None:
                    handle = self._handles[entry.key] = self._open(entry)
            self.charge(handle)
        return handle.value() if isinstance(handle, _ListDataset) else handle

    def charge(self, handle: Dataset | _ListDataset) -> None:
        """``handle`` was used or grew: it is held as the last one, and those used longest ago make room."""
        with self._lock:
            self._held[handle._key] = handle
            self._held.move_to_end(handle._key)
            while self._too_much():  # one that is larger than the whole cache is handed out, not kept
                self._held.popitem(last=False)[1].release()
                self._evictions += 1

    def clear(self) -> None:
        with self._lock:
            handles = list(self._handles.values())
            self._held.clear()
            self._handles.clear()
            self._hits = self._misses = self._evictions = 0
        for handle in handles:
            handle.release()

    def info(self) -> CacheInfo:
        with self._lock:
            size = sum(handle.cached_bytes for handle in self._held.values())
            return CacheInfo(
                self._hits,
                self._misses,
                self._evictions,
                size,
                len(self._held),
                self.maximum_datasets,
                self.maximum_bytes,
            )

    def index_path(self, path: Path) -> Path:
        """Where the section index of ``path`` is kept."""
        name = path.relative_to(self.root).as_posix()
        return self.root / CACHE_FOLDER / f"{path.name}-{sha256(name.encode()).hexdigest()[:12]}.index"

    def _open(self, entry: Entry) -> Dataset | _ListDataset:
        path = self.root / entry.file
        if entry.kind is DatasetKind.JSON and _holds_a_list(path):
            return _ListDataset(entry.key, path, self)
        return Dataset(entry, path, self)

    def _too_much(self) -> bool:
        if self.maximum_datasets is not None and len(self._held) > self.maximum_datasets:
            return True
        if self.maximum_bytes is None:
            return False
        return sum(handle.cached_bytes for handle in self._held.values()) > self.maximum_bytes


class _ListDataset:
    """A JSON file that holds something else than an object: decoded whole."""

    def __init__(self, key: str, path: Path, cache: _Cache) -> None:
        self._key = key
        self._path = path
        self._cache = cache
        self._lock = threading.Lock()
        self._held: tuple[int, Any] | None = None  # the file's time and its value
        self.cached_bytes = 0

    def value(self) -> Any:
        with self._lock:
            try:
                changed_ns = _changed_ns(self._path)
            except InputError:
                if self._cache.forgets or self._held is None:
                    raise
                return self._held[1]
            if self._held is not None and self._held[0] == changed_ns:
                return self._held[1]
            try:
                text = self._path.read_bytes()
            except OSError as error:
                raise _unreadable(self._path, error) from error
            value = decode_plain(text.removeprefix(_BYTE_ORDER_MARK), self._path)
            self._held = changed_ns, value
            self.cached_bytes = estimated_bytes(value)
        self._cache.charge(self)
        return value

    def release(self) -> None:
        with self._lock:
            self._held = None
            self.cached_bytes = 0


def estimated_bytes(value: Any, depth: int = 0) -> int:
    """Memory of a decoded JSON value.

    Of a long container a sample is measured: at most 200 items, evenly spread; of one inside another half as many,
    and so on.
    """
    size = sys.getsizeof(value)
    if isinstance(value, dict):
        return size + _estimated_items(list(value), depth) + _estimated_items(list(value.values()), depth)
    return size + _estimated_items(value, depth) if isinstance(value, list) else size


def _estimated_items(items: list[Any], depth: int) -> int:
    if not items:
        return 0
    most = max(1, _SAMPLE >> depth)
    sample = items[:: 1 + (len(items) - 1) // most]
    return sum(estimated_bytes(item, depth + 1) for item in sample) * len(items) // len(sample)


def _no_such(what: str, name: str, known: list[str], where: str = "") -> str:
    near = difflib.get_close_matches(name, known, cutoff=0.4)
    place = f" in {where}" if where else ""
    if near:
        return f"no {what} {name!r}{place}; near are {', '.join(near)}"
    shown = ", ".join(known[:5]) + (", ..." if len(known) > 5 else "")
    return f"no {what} {name!r}{place}; there are {shown or 'none'}"


def _holds_a_list(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(64).removeprefix(_BYTE_ORDER_MARK).lstrip().startswith(b"[")
    except OSError:
        return False  # said when the dataset is used


def _changed_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> InputError:
    return InputError(f"{path}: cannot be read ({error.strerror or error})")


def _read_settings(root: Path) -> dict[str, Any]:
    for name in _SETTINGS_FILES:
        path = root / name
        try:
            document = json.loads(path.read_bytes())
        except OSError:
            continue
        except (ValueError, RecursionError) as error:
            raise DamagedError(f"{path}: not valid JSON ({error})") from error
        if isinstance(document, dict):
            inner = document.get("settings")
            return inner if isinstance(inner, dict) else document
    return {}
