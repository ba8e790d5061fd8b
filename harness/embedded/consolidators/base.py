"""What every consolidator has: the last output, its history, and the event that hands it on.

Source of the rules: ``Common/Data/Consolidators/ConsolidatorBase.cs`` and ``DataConsolidator.cs`` of Lean.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from harness.embedded.consolidators.events import EventHook
from harness.embedded.naming import lean_api
from harness.embedded.rolling_window import WindowBase


def require_input(data: Any, expected: type) -> None:
    """Raise ``TypeError`` with Lean's words if ``data`` is not of the type that a consolidator takes."""
    if not isinstance(data, expected):
        kind = type(data).__name__
        raise TypeError(f"Received type of {kind} but expected {expected.__name__} (Parameter 'data')")


@lean_api
class ConsolidatorBase(WindowBase):
    """Base of the consolidators.

    Lean gives most consolidators two events of one name: the general one that the engine, ``consolidate`` and
    ``register_indicator`` listen to, and a typed one that user code reaches. :attr:`engine_event` is the first,
    :attr:`data_consolidated` the second (the same object where a class has no typed event). Which of the two fires
    first differs by class in Lean, so a class with a typed event fires it itself.
    """

    __slots__ = ("_consolidated", "_typed_event", "engine_event")

    def __init__(self) -> None:
        super().__init__()
        self._consolidated: Any = None
        self.engine_event = EventHook()
        self._typed_event = self.engine_event

    @property
    def consolidated(self) -> Any:
        """The last bar made, ``None`` before the first. Inside the engine's event it is still the one before."""
        return self._consolidated

    @property
    def data_consolidated(self) -> EventHook:
        """Event fired with ``(consolidator, bar)`` for every bar made."""
        return self._typed_event

    @data_consolidated.setter
    def data_consolidated(self, hook: EventHook) -> None:
        if hook is not self.data_consolidated:
            raise AttributeError("use += and -= on data_consolidated")

    @property
    def working_data(self) -> Any:
        """A copy of the bar in the making, or ``None``."""
        raise NotImplementedError

    @property
    def input_type(self) -> type:
        raise NotImplementedError

    @property
    def output_type(self) -> type:
        raise NotImplementedError

    @property
    def may_emit_on_scan(self) -> bool:
        """Whether :meth:`scan` could make a bar without new data (the engine skips scans that cannot)."""
        return self.working_data is not None

    @property
    def working_end(self) -> datetime | None:
        """End of the bar in the making (exchange-local), or ``None``."""
        working = self.working_data
        return None if working is None else working.end_time

    def update(self, data: Any) -> None:
        """Take one more piece of data."""
        raise NotImplementedError

    def scan(self, current_local_time: datetime) -> None:
        """Make a bar whose time has passed."""

    def _before_engine_event(self, bar: Any) -> None:
        """Where a class fires its typed event ahead of the engine's."""

    def _on_data_consolidated(self, bar: Any) -> None:
        if bar is not None:
            self.window.add(bar)
        self._before_engine_event(bar)
        for handler in self.engine_event.handlers:
            handler(self, bar)
        self._consolidated = bar

    def _fire_typed_event(self, bar: Any) -> None:
        for handler in self._typed_event.handlers:
            handler(self, bar)

    def dispose(self) -> None:
        """Let go of the engine's handlers."""
        self.engine_event.clear()

    def reset(self) -> None:
        """Forget all data."""
        self._consolidated = None
        if self._window_of_values is not None:
            self._window_of_values.reset()
