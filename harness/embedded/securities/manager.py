"""The algorithm's securities by symbol. Source: Lean's ``SecurityManager``.

A security that is removed leaves the list, but is still found by its symbol and counts in totals of fees and profit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from harness.embedded.data import KeyNotFoundException, KeyValuePair, ticker_not_found
from harness.embedded.naming import lean_api
from harness.embedded.reference.symbols import Symbol, symbol_cache
from harness.embedded.securities.messages import not_in_securities
from harness.embedded.uncovered import refuses_uncovered

if TYPE_CHECKING:
    from harness.embedded.clock import Clock
    from harness.embedded.securities.security import Security


def find_symbol(key: Any) -> Symbol | None:
    """The symbol meant by a symbol, a security or a ticker that was added; ``None`` if there is none."""
    if isinstance(key, Symbol):
        return key
    if isinstance(key, str):
        return symbol_cache.try_get_symbol(key)
    symbol = getattr(key, "symbol", None)
    return symbol if isinstance(symbol, Symbol) else None


@refuses_uncovered("SecurityManager")
@lean_api
class SecurityManager:
    """Dictionary of securities. ``changed`` is called with every security that is added or removed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # Lean lists securities in the order of the slots of a .NET dictionary: the slot of a removed one is used again
        # by the next one added.
        self._slots: list[Symbol | None] = []
        self._free: list[int] = []
        self._securities: dict[Symbol, Security] = {}
        self._all: dict[Symbol, Security] = {}
        self.changed: list[Callable[[Security, bool], None]] = []
        """Called with the security and whether it was added (else removed)."""

    @property
    def utc_time(self) -> datetime:
        return self._clock.utc

    def add(self, symbol: Any, security: Security | None = None) -> None:
        """``add(security)`` or ``add(symbol, security)``; nothing happens when the symbol is there already."""
        target: Security = symbol if security is None else security
        key = target.symbol
        if key in self._securities:
            return
        self._all[key] = target
        if self._free:
            slot = self._free.pop()
            self._slots[slot] = key
            self._securities[key] = target
            self._securities = {name: self._all[name] for name in self._slots if name is not None}
        else:
            self._slots.append(key)
            self._securities[key] = target
        for notify in self.changed:
            notify(target, True)

    def remove(self, symbol: Any) -> bool:
        """Take a security off the list; whether it was on it."""
        key = find_symbol(symbol)
        security = self._securities.pop(key, None) if key is not None else None
        if security is None:
            return False
        slot = self._slots.index(security.symbol)
        self._slots[slot] = None
        self._free.append(slot)
        for notify in self.changed:
            notify(security, False)
        return True

    @property
    def total(self) -> list[Security]:
        """Every security that was ever added."""
        return list(self._all.values())

    # -- dictionary ----------------------------------------------------------------------------------------------

    def get(self, key: Any, default: Any = None) -> Any:
        symbol = key if key.__class__ is Symbol else find_symbol(key)
        return default if symbol is None else self._all.get(symbol, default)

    def __getitem__(self, key: Any) -> Security:
        symbol = key if key.__class__ is Symbol else find_symbol(key)
        security = self._all.get(symbol) if symbol is not None else None
        if security is None:
            if symbol is None:
                raise KeyNotFoundException(ticker_not_found(str(key)))
            raise KeyNotFoundException(not_in_securities(symbol))
        return security

    def __setitem__(self, key: Any, security: Security) -> None:
        existing = self.get(key)
        if existing is not None and existing is not security:
            raise ValueError(f"Unable to overwrite existing Security: {existing.symbol}")
        if existing is None:
            self.add(security)

    def __contains__(self, key: object) -> bool:
        return self.get(key) is not None

    def contains_key(self, key: Any) -> bool:
        return key in self

    def try_get_value(self, key: Any) -> tuple[bool, Security | None]:
        security = self.get(key)
        return security is not None, security

    def __len__(self) -> int:
        return len(self._securities)

    @property
    def count(self) -> int:
        return len(self._securities)

    def __iter__(self) -> Iterator[KeyValuePair]:
        return iter([KeyValuePair(key, value) for key, value in self._securities.items()])

    def keys(self) -> list[Symbol]:
        return list(self._securities)

    def values(self) -> list[Security]:
        return list(self._securities.values())

    def items(self) -> list[KeyValuePair]:
        return list(self)


class Listing(list[Any]):
    """A list that may also be called: C#'s ``Keys`` and ``Values`` are properties, Python's are methods."""

    def __call__(self) -> list[Any]:
        return self


SecurityManager.Keys = property(lambda self: Listing(self.keys()))  # type: ignore[attr-defined]
SecurityManager.Values = property(lambda self: Listing(self.values()))  # type: ignore[attr-defined]
