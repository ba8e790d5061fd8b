"""A dictionary of integer keys that is enumerated in the order of .NET's ``ConcurrentDictionary``.

Lean lists open orders by enumerating one, so the order in which open orders are canceled is that of its buckets: by
``key % buckets``, newest first within a bucket. Source of the rule: .NET's ``ConcurrentDictionary`` (buckets, one lock
a processor at first, growth once a lock guards more than its budget) and ``HashHelpers.GetPrime``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

V = TypeVar("V")

_PRIMES = (
    *(3, 7, 11, 17, 23, 29, 37, 47, 59, 71, 89, 107, 131, 163, 197, 239, 293, 353, 431, 521, 631, 761, 919, 1103, 1327),
    *(1597, 1931, 2333, 2801, 3371, 4049, 4861, 5839, 7013, 8419, 10103, 12143, 14591, 17519, 21023, 25229, 30293),
    *(36353, 43627, 52361, 62851, 75431, 90523, 108631, 130363, 156437, 187751, 225307, 270371, 324449, 389357, 467237),
    *(560689, 672827, 807403, 968897, 1162687, 1395263, 1674319, 2009191, 2411033, 2893249, 3471899, 4166287, 4999559),
)
_DEFAULT_CAPACITY = 31
_MAX_LOCKS = 1024
# One lock a processor. The growth of the table, hence the order, depends on it once many orders are open at a time;
# Lean's own results do too.
_PROCESSORS = 2


def _prime(minimum: int) -> int:
    return next(prime for prime in _PRIMES if prime >= minimum)


class IntDictionary(Generic[V]):
    """Keys are positive integers."""

    __slots__ = ("_buckets", "_budget", "_locks", "_values")

    def __init__(self) -> None:
        self._values: dict[int, V] = {}
        self._buckets: list[list[int]] = [[] for _ in range(_prime(_DEFAULT_CAPACITY))]
        self._locks = _PROCESSORS
        self._budget = len(self._buckets) // self._locks

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: int) -> bool:
        return key in self._values

    def __getitem__(self, key: int) -> V:
        return self._values[key]

    def get(self, key: int) -> V | None:
        return self._values.get(key)

    def __setitem__(self, key: int, value: V) -> None:
        if key not in self._values:
            self._insert(key)
        self._values[key] = value

    def pop(self, key: int) -> V | None:
        """Remove and return the value, ``None`` if there is none."""
        if key not in self._values:
            return None
        self._buckets[key % len(self._buckets)].remove(key)
        return self._values.pop(key)

    def __iter__(self) -> Iterator[int]:
        for bucket in list(self._buckets):
            yield from list(bucket)

    def values(self) -> list[V]:
        """The values in .NET's order of enumeration."""
        return [self._values[key] for key in self]

    def _insert(self, key: int) -> None:
        place = key % len(self._buckets)
        self._buckets[place].insert(0, key)
        if sum(map(len, self._buckets[place % self._locks :: self._locks])) > self._budget:
            self._grow()

    def _grow(self) -> None:
        if sum(map(len, self._buckets)) < len(self._buckets) // 4:
            self._budget *= 2
            return
        old = self._buckets
        self._buckets = [[] for _ in range(_prime(2 * len(old)))]
        for bucket in old:
            for key in bucket:
                self._buckets[key % len(self._buckets)].insert(0, key)
        if self._locks < _MAX_LOCKS:
            self._locks *= 2
        self._budget = max(1, len(self._buckets) // self._locks)
