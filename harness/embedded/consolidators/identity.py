"""Consolidators that pass data through, and one consolidator feeding another.

Source of the rules: ``IdentityDataConsolidator.cs``, ``FilteredIdentityDataConsolidator.cs`` and
``SequentialConsolidator.cs`` in Lean's ``Common/Data/Consolidators``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from harness.embedded.consolidators.base import ConsolidatorBase, require_input
from harness.embedded.data import BaseData
from harness.embedded.naming import lean_api
from harness.embedded.not_supported import NotSupportedError


class _GenericMeta(type):
    """``IdentityDataConsolidator[TradeBar]()``: the class for one type of data."""

    def __getitem__(cls, data_type: type) -> Callable[..., Any]:
        def create(*arguments: Any) -> Any:
            return cls(*arguments, data_type=data_type)

        return create


@lean_api
class IdentityDataConsolidator(ConsolidatorBase, metaclass=_GenericMeta):
    """Hands every piece of data on, once per end time."""

    __slots__ = ("_data_type", "_last")

    def __init__(self, *, data_type: type = BaseData) -> None:
        super().__init__()
        self._data_type = data_type
        self._last: Any = None

    @property
    def input_type(self) -> type:
        return self._data_type

    @property
    def output_type(self) -> type:
        return self._data_type

    @property
    def working_data(self) -> Any:
        return None if self._last is None else self._last.clone()

    @property
    def may_emit_on_scan(self) -> bool:
        return False

    @property
    def working_end(self) -> datetime | None:
        return None if self._last is None else self._last.end_time

    def update(self, data: Any) -> None:
        if not isinstance(data, self._data_type):
            require_input(data, self._data_type)
        last = self._last
        if last is None or data._end_us != last._end_us:
            self._on_data_consolidated(data)
            self._last = data

    def reset(self) -> None:
        super().reset()
        self._last = None


@lean_api
class FilteredIdentityDataConsolidator(IdentityDataConsolidator):
    """Hands on the data that a predicate accepts."""

    __slots__ = ("_predicate",)

    def __init__(self, predicate: Callable[[Any], bool], *, data_type: type = BaseData) -> None:
        super().__init__(data_type=data_type)
        self._predicate = predicate

    @staticmethod
    def for_tick_type(tick_type: Any) -> Any:
        raise NotSupportedError("FilteredIdentityDataConsolidator.for_tick_type", "tick data")

    def update(self, data: Any) -> None:
        require_input(data, self._data_type)
        if self._predicate(data):
            super().update(data)


@lean_api
class SequentialConsolidator(ConsolidatorBase):
    """Feeds the output of a first consolidator to a second and hands on what that makes."""

    __slots__ = ("first", "second")

    def __init__(self, first: Any, second: Any) -> None:
        super().__init__()
        if not issubclass(first.output_type, second.input_type):
            raise ValueError("first.OutputType must equal second.OutputType!")
        self.first = first
        self.second = second
        first.engine_event += lambda _, bar: second.update(bar)
        second.engine_event += lambda _, bar: self._on_data_consolidated(bar)

    @property
    def input_type(self) -> type:
        return self.first.input_type  # type: ignore[no-any-return]

    @property
    def output_type(self) -> type:
        return self.second.output_type  # type: ignore[no-any-return]

    @property
    def working_data(self) -> Any:
        return self.second.working_data

    @property
    def may_emit_on_scan(self) -> bool:
        return bool(self.first.may_emit_on_scan)

    def update(self, data: Any) -> None:
        self.first.update(data)

    def scan(self, current_local_time: datetime) -> None:
        self.first.scan(current_local_time)

    def dispose(self) -> None:
        self.first.dispose()
        self.second.dispose()
        super().dispose()

    def reset(self) -> None:
        self.first.reset()
        self.second.reset()
        super().reset()
