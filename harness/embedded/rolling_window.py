"""The last N items of a stream, newest first: Lean's ``RollingWindow`` and ``WindowBase``.

Source of the rules: ``Common/Indicators/RollingWindow.cs`` and ``WindowBase.cs``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from operator import index
from typing import Any

from harness.embedded import clr
from harness.embedded.naming import lean_api
from harness.embedded.runtime_errors import BindingError

_DEFAULTS: dict[Any, Any] = {
    float: 0.0,
    int: 0,
    bool: False,
    datetime: datetime.min,
    timedelta: timedelta(0),
    Decimal: 0.0,
}
_BARS = frozenset({"TradeBar", "QuoteBar"})
"""Element types of Lean that nothing but their own kind (or ``None``) converts to."""


class RollingWindowMeta(type):
    """Gives ``RollingWindow[float](3)``: the element type decides what an empty place reads as."""

    def __getitem__(cls, element: Any) -> Any:
        return _RollingWindowOf(cls, element)


class _RollingWindowOf:
    """``RollingWindow[T]``: calling it makes a window of ``T``."""

    __slots__ = ("_element", "_window_class")

    def __init__(self, window_class: Any, element: Any) -> None:
        self._window_class = window_class
        self._element = element

    def __call__(self, size: int) -> Any:
        return self._window_class(size, element=self._element)


def _convert(element: Any, item: Any) -> Any:
    """``item`` as .NET would hold it in a window of ``element``. Raises ``TypeError`` if it would refuse."""
    if element is float:
        if item.__class__ is float:
            return item
        if isinstance(item, bool) or item is None or isinstance(item, str):
            raise BindingError(f"No method matches given arguments for RollingWindow[float].add: {item!r}")
        return float(item)
    if element is int:
        if isinstance(item, int) and not isinstance(item, bool):
            return int(item)
        raise BindingError(f"No method matches given arguments for RollingWindow[int].add: {item!r}")
    if element is Decimal:
        return clr.to_float(clr.from_python(item))
    if element is timedelta and not isinstance(item, timedelta):
        raise BindingError(f"No method matches given arguments for RollingWindow[timedelta].add: {item!r}")
    return item


def _checked(element: Any, item: Any) -> Any:
    """``item`` for a window of ``element``, whatever that is. Raises ``TypeError`` where .NET would refuse it."""
    if element in _DEFAULTS:
        return _convert(element, item)
    if (
        item is not None
        and (element is str or (isinstance(element, type) and element.__name__ in _BARS))
        and not isinstance(item, element)
    ):
        raise BindingError(f"No method matches given arguments for RollingWindow[{element.__name__}].add: {item!r}")
    return item


def _whole(size: Any) -> int:
    """A size. Raises ``TypeError`` for what does not convert to .NET's whole numbers."""
    try:
        return index(size)
    except TypeError:
        raise BindingError(f"'{type(size).__name__}' value cannot be converted to System.Int32") from None


@lean_api
class RollingWindow(metaclass=RollingWindowMeta):
    """Window of ``size`` items; index 0 is the newest.

    Reading past the newest items gives the element type's default (``None``, ``0`` or ``0.0``), and an index at or
    above ``size`` enlarges the window, as in Lean. Raises ``ValueError`` for a negative size.
    """

    __slots__ = ("_element", "_items", "_removed", "_samples", "_size", "_tail")

    def __init__(self, size: int, element: Any = None) -> None:
        size = _whole(size)
        if size < 0:
            raise ValueError("RollingWindow must have size of at least 0. (Parameter 'size')")
        self._element = element
        self._size = size
        self._items: list[Any] = []
        self._tail = 0
        self._samples = 0
        self._removed: Any = None

    @property
    def size(self) -> int:
        """Capacity; assigning it keeps the newest items."""
        return self._size

    @size.setter
    def size(self, value: int) -> None:
        size = _whole(value)
        if size < 0:
            # .NET's complaint: Lean only looks at the size when it makes the window.
            raise ValueError(
                "Offset and length were out of bounds for the array or count is greater than the number of elements "
                "from index to the end of the source collection."
            )
        self._resize(size)

    @property
    def count(self) -> int:
        """Items held now."""
        return len(self._items)

    @property
    def samples(self) -> int:
        """Items ever added since the last reset."""
        return self._samples

    @property
    def is_ready(self) -> bool:
        """Whether at least ``size`` items were added."""
        return self._samples >= self._size

    @property
    def most_recently_removed(self) -> Any:
        """The item that last fell off the end. Raises ``RuntimeError`` while none has."""
        if self._samples <= self._size:
            raise RuntimeError("No items have been removed yet!")
        return self._removed

    def add(self, item: Any) -> None:
        """Make ``item`` the newest."""
        if self._element is not None:
            item = _checked(self._element, item)
        self._samples += 1
        items = self._items
        if len(items) == self._size:
            tail = self._tail
            if not items:
                raise IndexError("a rolling window of size 0 holds nothing")
            self._removed = items[tail]
            items[tail] = item
            self._tail = (tail + 1) % self._size
        else:
            items.append(item)

    def reset(self) -> None:
        """Forget all items."""
        self._samples = 0
        self._items.clear()
        self._tail = 0

    def _default(self) -> Any:
        return _DEFAULTS.get(self._element) if self._element is not None else None

    def _position(self, index: int) -> int:
        count = len(self._items)
        return (count + self._tail - index - 1) % count

    def _resize(self, size: int) -> None:
        items = self._items
        if size < len(items):
            ordered = items[self._tail :] + items[: self._tail]
            self._items = ordered[len(ordered) - size :]
            self._tail = 0
        # Growing keeps the positions even when the window has wrapped. The order that results is Lean's.
        self._size = size

    def __getitem__(self, index: int) -> Any:
        if index < 0:
            if self._size + index < 0:
                raise IndexError(f"Index must be a non-negative integer (Parameter 'i')\nActual value was {index}.")
            index += len(self._items)
            if index < 0:
                return self._default()
        if index >= len(self._items):
            if index >= self._size:
                self._resize(index + 1)
            return self._default()
        return self._items[self._position(index)]

    def __setitem__(self, index: int, value: Any) -> None:
        if index < 0:
            if self._size + index < 0:
                raise IndexError(f"Index must be a non-negative integer (Parameter 'i')\nActual value was {index}.")
            index += self._size
        if index >= len(self._items):
            if index >= self._size:
                self._resize(index + 1)
            for _ in range(index - len(self._items) + 1):
                self.add(self._default() if self._element in _DEFAULTS else None)
        self._items[self._position(index)] = value if self._element is None else _checked(self._element, value)

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Any]:
        items = self._items
        return iter([items[self._position(index)] for index in range(len(items))])

    def get_enumerator(self) -> Iterator[Any]:
        return iter(self)


@lean_api
class WindowBase:
    """Something with a history of its own values: ``window``, ``current``, ``previous`` and ``x[i]``."""

    __slots__ = ("_window_of_values",)

    default_window_size = 2

    def __init__(self) -> None:
        self._window_of_values: RollingWindow | None = None

    @property
    def window(self) -> RollingWindow:
        """The last values, newest first; two of them unless its ``size`` is set."""
        if self._window_of_values is None:
            self._window_of_values = RollingWindow(self.default_window_size)
        return self._window_of_values

    @property
    def current(self) -> Any:
        return self.window[0]

    @property
    def previous(self) -> Any:
        window = self.window
        return window[1] if window.count > 1 else None

    def __getitem__(self, index: int) -> Any:
        return self.window[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.window)
