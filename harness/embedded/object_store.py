"""``self.object_store``: values kept under names, as files. Source: Lean's ``LocalObjectStore`` and ``ObjectStore``.

What is saved stays in memory and goes to its file when the store is flushed, cleared, or asked for a path.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from harness.embedded import clr
from harness.embedded.data import KeyNotFoundException, KeyValuePair
from harness.embedded.dotnet import concurrent_order
from harness.embedded.naming import lean_api
from harness.embedded.not_supported import NotSupportedError
from harness.embedded.uncovered import refuses_uncovered

STORAGE_LIMIT_BYTES = 10_737_418_240
STORAGE_FILE_COUNT = 10_000
_GOOD_PATH = re.compile(r"\.?[a-zA-Z0-9\\/_#\-$= ]+\.?[a-zA-Z0-9]*\n?")
_DEEPEST = 100


@refuses_uncovered("ObjectStore")
@lean_api
class ObjectStore:
    """Files below one folder. ``on_error`` takes what keeps a value from being saved."""

    def __init__(
        self,
        root: Path,
        maximum_bytes: int = STORAGE_LIMIT_BYTES,
        maximum_files: int = STORAGE_FILE_COUNT,
        on_error: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self._root = root
        self.max_size = maximum_bytes
        self.max_files = maximum_files
        self._on_error = on_error
        # None: a key whose file is not read, or not there yet.
        self._storage: dict[str, bytes | None] = {}
        self._dirty: set[str] = set()

    def _path(self, key: str) -> Path:
        path = self._root / _normalized(key)
        if ".." in path.parts:
            raise ValueError(f"LocalObjectStore: path is not supported: '{key}'")
        return path

    def contains_key(self, key: str) -> bool:
        if key is None:
            raise ValueError("Value cannot be null. (Parameter 'path')")
        name = _normalized(key)
        if name in self._storage:
            return True
        if not self._path(name).is_file():
            return False
        self._storage[name] = None
        return True

    def __contains__(self, key: str) -> bool:
        return self.contains_key(key)

    def save_bytes(self, key: str, contents: bytes | None) -> bool:
        """Keep bytes under a key. ``False`` over the limits. Raises ``ValueError`` for a path that Lean refuses."""
        if key is None:
            raise ValueError("Value cannot be null. (Parameter 'path')")
        if not _GOOD_PATH.fullmatch(key) or max(key.count("/"), key.count("\\")) > _DEEPEST:
            raise ValueError(f"LocalObjectStore: path is not supported: '{key}'")
        name = _normalized(key)
        data = None if contents is None else bytes(contents)
        if not self._is_within_limits(name, data):
            return False
        self._storage.pop(name, None)
        self._storage[name] = data
        if data is None:
            self._dirty.discard(name)
            return False
        self._dirty.add(name)
        return True

    def _is_within_limits(self, name: str, data: bytes | None) -> bool:
        files, size = 1, len(data or b"")
        for other in self._names():
            if other != name:
                files += 1
                known = self._storage.get(other)
                size += len(known) if known is not None else _file_length(self._path(other))
        if files > self.max_files:
            self._on_error(
                f"You have reached the ObjectStore limit for files it can save: {files}/{self.max_files}. Unable to "
                "save the new file. You can find the limit with the ObjectStore.MaxFiles property."
            )
            return False
        if size > self.max_size:
            self._on_error(
                f"You have reached the ObjectStore storage capacity limit: {_mb(size)}MB/{_mb(self.max_size)}MB. "
                "Unable to save the new file. You can find the limit with the ObjectStore.MaxSize property."
            )
            return False
        return True

    def save(self, key: str, text: str | None = None, encoding: Any = None) -> bool:
        """Keep text; without it, take in what was written to ``get_file_path(key)``."""
        _utf8_only(encoding)
        if text is not None:
            return self.save_bytes(key, text.encode("utf-8"))
        path = Path(self.get_file_path(key))
        if not path.is_file():
            raise ValueError(f"There is no file associated with path {key} in '{path}'")
        return self.save_bytes(key, path.read_bytes())

    save_string = save

    def save_json(self, key: str, value: Any, *_: Any) -> bool:
        return self.save(key, json.dumps(value))

    def read_bytes(self, key: str) -> bytes | None:
        """The bytes of a key; ``None`` for one whose file was never written."""
        if not self.contains_key(key):
            raise KeyNotFoundException(
                f"Object with path '{key}' was not found in the current project. Please use "
                "ObjectStore.ContainsKey(key) to check if an object exists before attempting to read."
            )
        name = _normalized(key)
        if self._storage[name] is None:
            path = self._path(name)
            if path.is_file():
                self._storage[name] = path.read_bytes()
        return self._storage[name]

    def read(self, key: str, encoding: Any = None) -> str | None:
        _utf8_only(encoding)
        data = self.read_bytes(key)
        return None if data is None else data.decode("utf-8", "replace")

    read_string = read

    def read_json(self, key: str, *_: Any) -> Any:
        text = self.read(key)
        return None if text is None else json.loads(text)

    def delete(self, key: str) -> bool:
        if key is None:
            raise ValueError("Value cannot be null. (Parameter 'path')")
        name = _normalized(key)
        known = name in self._storage
        self._storage.pop(name, None)
        self._dirty.discard(name)
        path = self._path(name)
        if path.is_file():
            path.unlink()
            return True
        return known

    def get_file_path(self, key: str) -> str:
        """The file of a key, its folder made; what was saved is in it."""
        if self.contains_key(key):
            self.flush()
        else:
            self.save_bytes(key, None)
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        return str(path)

    def _names(self) -> list[str]:
        """All keys: those in memory, then the other files."""
        names = concurrent_order(self._storage)
        if self._root.is_dir():
            for path in sorted(self._root.rglob("*")):
                name = path.relative_to(self._root).as_posix()
                if path.is_file() and name not in self._storage and not name.endswith(f".{os.getpid()}.tmp"):
                    self._storage[name] = None
                    names.append(name)
        return names

    @property
    def keys(self) -> list[str]:
        return self._names()

    def __iter__(self) -> Iterator[Any]:
        for name in self._names():
            data = self.read_bytes(name)
            if data is not None:
                yield KeyValuePair(name, data)

    def clear(self) -> None:
        """Write what waits and forget what is in memory; the files stay."""
        self.flush()
        self._storage.clear()

    def flush(self) -> None:
        """Write what was saved and is not written yet, every file whole."""
        for name in list(self._dirty):
            path = self._path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f".{path.name}.{os.getpid()}.tmp")
            part.write_bytes(self._storage[name] or b"")
            part.replace(path)
            self._dirty.discard(name)


def _normalized(key: str) -> str:
    return key.lstrip(".").lstrip("/\\").replace("\\", "/")


def _file_length(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _mb(size_bytes: int) -> str:
    return clr.double_text(size_bytes / 1024.0 / 1024.0)


def _utf8_only(encoding: Any) -> None:
    if encoding is not None:
        raise NotSupportedError("ObjectStore with an encoding", "UTF-8 is covered")
