"""The few .NET classes that Python algorithms of Lean use by name: generic collections."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.embedded.data import KeyValuePair

__all__ = ["Dictionary", "HashSet", "List"]


class Dictionary(dict[Any, Any]):
    """``Dictionary[str, int]()`` with .NET's members beside Python's; iterating gives ``key`` and ``value`` pairs."""

    def __iter__(self) -> Iterator[Any]:
        return (KeyValuePair(key, value) for key, value in self.items())

    def add(self, key: Any, value: Any) -> None:
        if key in self:
            raise ValueError(f"An item with the same key has already been added. Key: {key}")
        self[key] = value

    def contains_key(self, key: Any) -> bool:
        return key in self

    def remove(self, key: Any) -> bool:
        return self.pop(key, self) is not self

    @property
    def count(self) -> int:
        return len(self)

    Add, ContainsKey, Remove, Count = add, contains_key, remove, count


class List(list[Any]):
    """``List[int]()`` with .NET's members beside Python's."""

    def add(self, item: Any) -> None:
        self.append(item)

    def contains(self, item: Any) -> bool:
        return item in self

    Add, Contains = add, contains


class HashSet(set[Any]):
    """``HashSet[str]()`` with .NET's members beside Python's."""

    def contains(self, item: Any) -> bool:
        return item in self

    Contains = contains
