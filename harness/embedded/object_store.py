"""``self.object_store``: values kept under names, as files. Source: Lean's ``LocalObjectStore`` and ``ObjectStore``."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from harness.embedded.data import KeyNotFoundException
from harness.embedded.naming import lean_api
from harness.embedded.uncovered import refuses_uncovered

_BAD_PATH = re.compile(r"(^|/)\.\.?(/|$)|\\|^/|^$|\0")


@refuses_uncovered("ObjectStore")
@lean_api
class ObjectStore:
    """Files below one folder; written when saved, whole."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def _path(self, key: str) -> Path:
        if _BAD_PATH.search(key):
            raise ValueError(f"Invalid object store key: {key!r}; use letters, digits, '-', '_', '.' and '/'")
        return self._root / key

    def contains_key(self, key: str) -> bool:
        return self._path(key).is_file()

    def __contains__(self, key: str) -> bool:
        return self.contains_key(key)

    def save_bytes(self, key: str, contents: bytes) -> bool:
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        part.write_bytes(bytes(contents))
        part.replace(path)
        return True

    def save(self, key: str, text: str | None = None, encoding: Any = None) -> bool:
        if text is None:
            # Lean persists what was written to get_file_path(key).
            return self.contains_key(key)
        return self.save_bytes(key, text.encode("utf-8"))

    save_string = save

    def save_json(self, key: str, value: Any, *_: Any) -> bool:
        return self.save(key, json.dumps(value))

    def read_bytes(self, key: str) -> bytes:
        path = self._path(key)
        if not path.is_file():
            raise KeyNotFoundException(
                f"Object with path '{key}' was not found in the current project. Please use "
                "ObjectStore.ContainsKey(key) to check if an object exists before attempting to read."
            )
        return path.read_bytes()

    def read(self, key: str, encoding: Any = None) -> str:
        return self.read_bytes(key).decode("utf-8")

    read_string = read

    def read_json(self, key: str, *_: Any) -> Any:
        return json.loads(self.read(key))

    def delete(self, key: str) -> bool:
        path = self._path(key)
        if not path.is_file():
            return False
        path.unlink()
        return True

    def get_file_path(self, key: str) -> str:
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        return str(path)

    @property
    def keys(self) -> list[str]:
        if not self._root.is_dir():
            return []
        return sorted(str(p.relative_to(self._root)) for p in self._root.rglob("*") if p.is_file())

    def clear(self) -> None:
        for key in self.keys:
            self.delete(key)

    def flush(self) -> None:
        """Everything is written when it is saved."""
