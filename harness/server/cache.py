"""Bounded memory: the least recently used goes first, counted in entries and in bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CacheInfo:
    """``size_bytes`` is what the owners of the entries said they take."""

    entries: int
    size_bytes: int
    hits: int
    misses: int
    evictions: int


class ByteCache(Generic[T]):
    """Values by key, each with the identity of what it was made from: another identity is a miss, never stale.

    Thread-safe. A value larger than the whole bound is not kept.
    """

    def __init__(self, most_entries: int, most_bytes: int) -> None:
        self.most_entries, self.most_bytes = most_entries, most_bytes
        self._lock = threading.Lock()
        self._entries: OrderedDict[Hashable, tuple[Hashable, T, int]] = OrderedDict()
        self._size_bytes = self._hits = self._misses = self._evictions = 0

    def get(self, key: Hashable, identity: Hashable) -> T | None:
        with self._lock:
            found = self._entries.get(key)
            if found is None or found[0] != identity:
                self._misses += 1
                return None
            self._hits += 1
            self._entries.move_to_end(key)
            return found[1]

    def put(self, key: Hashable, identity: Hashable, value: T, size_bytes: int) -> None:
        with self._lock:
            self._drop(key)
            if size_bytes > self.most_bytes:
                return
            self._entries[key] = (identity, value, size_bytes)
            self._size_bytes += size_bytes
            while len(self._entries) > self.most_entries or self._size_bytes > self.most_bytes:
                self._drop(next(iter(self._entries)))
                self._evictions += 1

    def info(self) -> CacheInfo:
        with self._lock:
            return CacheInfo(len(self._entries), self._size_bytes, self._hits, self._misses, self._evictions)

    def _drop(self, key: Hashable) -> None:
        found = self._entries.pop(key, None)
        if found is not None:
            self._size_bytes -= found[2]
