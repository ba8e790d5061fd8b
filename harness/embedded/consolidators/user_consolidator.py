"""Consolidators written by the user in Python.

Source of the rules: ``PythonConsolidator.cs`` and ``DataConsolidatorPythonWrapper.cs`` in Lean's ``Common/Python``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from harness.embedded.consolidators.base import ConsolidatorBase
from harness.embedded.consolidators.events import EventHook
from harness.embedded.naming import lean_api, pascal_case, user_method
from harness.embedded.rolling_window import WindowBase


@lean_api
class PythonConsolidator(WindowBase):
    """Base class for consolidators of user code: override ``update`` and ``scan``, call ``on_data_consolidated``."""

    def __init__(self) -> None:
        super().__init__()
        self.consolidated: Any = None
        self.working_data: Any = None
        self.input_type: Any = None
        self.output_type: Any = None

    @property
    def data_consolidated(self) -> EventHook:
        # User classes may forget super().__init__(); .NET runs the base constructor all the same.
        hook = self.__dict__.get("_hook")
        if hook is None:
            hook = self.__dict__["_hook"] = EventHook()
        return hook

    @data_consolidated.setter
    def data_consolidated(self, hook: EventHook) -> None:
        if hook is not self.data_consolidated:
            raise AttributeError("use += and -= on data_consolidated")

    def on_data_consolidated(self, consolidator: Any, data: Any) -> None:
        """Hand a finished bar on."""
        if data is not None:
            self.window.add(data)
        self.data_consolidated(consolidator, data)

    def reset(self) -> None:
        self.consolidated = None
        self.working_data = None
        self.window.reset()

    def scan(self, current_local_time: datetime) -> None:
        """Nothing unless overridden."""

    def update(self, data: Any) -> None:
        """Nothing unless overridden."""

    def dispose(self) -> None:
        """Nothing to let go of."""


_INTERFACE = (
    *("update", "scan", "reset"),
    *("consolidated", "working_data", "input_type", "output_type"),
    "data_consolidated",
)
"""What Lean asks of an object that is to consolidate: methods, then properties, then the event."""


class UserConsolidatorWrapper(ConsolidatorBase):
    """How the engine drives a consolidator of user code, whichever way its members are spelled."""

    __slots__ = ("_disposed", "target")

    def __init__(self, target: Any) -> None:
        super().__init__()
        missing = [
            pascal_case(name)
            for name in _INTERFACE
            # The base class has them all, even where a derived one does not call its constructor.
            if not (
                isinstance(target, PythonConsolidator) or hasattr(target, name) or hasattr(target, pascal_case(name))
            )
        ]
        if missing:
            raise NotImplementedError(
                "IDataConsolidator must be fully implemented. Please implement these missing methods on "
                f"{type(target).__name__}: {', '.join(missing)}"
            )
        self.target = target
        self._disposed = False
        event = self._member(target, "data_consolidated")
        event += self._forward

    @staticmethod
    def _member(target: Any, name: str) -> Any:
        found = user_method(target, name)
        if found is None:
            found = getattr(target, name, None)
        return getattr(target, pascal_case(name), None) if found is None else found

    def _forward(self, _: Any, bar: Any) -> None:
        self._on_data_consolidated(bar)

    @property
    def working_data(self) -> Any:
        return self._member(self.target, "working_data")

    @property
    def input_type(self) -> type:
        return self._member(self.target, "input_type")  # type: ignore[no-any-return]

    @property
    def output_type(self) -> type:
        return self._member(self.target, "output_type")  # type: ignore[no-any-return]

    @property
    def may_emit_on_scan(self) -> bool:
        return True

    def update(self, data: Any) -> None:
        self._member(self.target, "update")(data)

    def scan(self, current_local_time: datetime) -> None:
        self._member(self.target, "scan")(current_local_time)

    def reset(self) -> None:
        self._member(self.target, "reset")()
        super().reset()

    def dispose(self) -> None:
        if self._disposed:
            return
        self._disposed = True
        event = self._member(self.target, "data_consolidated")
        event -= self._forward
        super().dispose()


def as_consolidator(candidate: Any) -> ConsolidatorBase:
    """The engine's view of a consolidator. Raises ``NotImplementedError`` for an object that lacks its members."""
    return candidate if isinstance(candidate, ConsolidatorBase) else UserConsolidatorWrapper(candidate)
