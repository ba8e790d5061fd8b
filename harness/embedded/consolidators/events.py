"""A .NET event as Python sees it: ``hook += handler`` and ``hook -= handler``.

Handlers are called in the order in which they were added, and removing takes the last equal one away, as .NET's
multicast delegates do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Handler = Callable[..., Any]


class EventHook:
    """The handlers of one event."""

    __slots__ = ("handlers",)

    def __init__(self) -> None:
        self.handlers: tuple[Handler, ...] = ()

    def __iadd__(self, handler: Handler) -> EventHook:
        if not callable(handler):
            raise TypeError(f"event handlers must be callable, not {handler!r}")
        self.handlers = (*self.handlers, handler)
        return self

    def __isub__(self, handler: Handler) -> EventHook:
        handlers = self.handlers
        for index in range(len(handlers) - 1, -1, -1):
            if handlers[index] == handler:
                self.handlers = handlers[:index] + handlers[index + 1 :]
                return self
        raise ValueError("unknown event handler")

    def __call__(self, *arguments: Any) -> None:
        for handler in self.handlers:
            handler(*arguments)

    def __bool__(self) -> bool:
        return bool(self.handlers)

    def clear(self) -> None:
        """Drop all handlers."""
        self.handlers = ()
