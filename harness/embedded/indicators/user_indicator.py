"""Indicators written by the user in Python.

Source of the rules: ``Indicators/PythonIndicator.cs`` and ``QCAlgorithm.WrapPythonIndicator`` of Lean.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from harness.embedded.clr import from_python
from harness.embedded.indicators.base import IndicatorBase, Input
from harness.embedded.naming import pascal_case, user_method
from harness.embedded.rolling_window import RollingWindow


def _has(target: Any, name: str) -> bool:
    return user_method(target, name) is not None or hasattr(target, name) or hasattr(target, pascal_case(name))


def _read(target: Any, name: str) -> Any:
    return getattr(target, name) if hasattr(target, name) else getattr(target, pascal_case(name))


class UserIndicator(IndicatorBase):
    """The engine's view of user code: ``update(input)`` says whether it is ready, ``value`` what its value is."""

    __slots__ = ("_ready", "target")
    INPUT = Input.DATA

    def __init__(self, target: Any) -> None:
        kind = type(target).__name__
        name = target.__dict__.get("name") or target.__dict__.get("Name") or kind
        self._begin(str(name))
        self.target = target
        self._ready = False

    def check(self) -> None:
        """Raise ``NotImplementedError`` with Lean's words if a member is missing."""
        kind = type(self.target).__name__
        for name in ("is_ready", "update", "value"):
            if not _has(self.target, name):
                text = f"Indicator.{name} must be implemented. Please implement this missing method in {self.name}"
                if name == "is_ready":
                    text += f" or use PythonIndicator as base:\nclass {kind}(PythonIndicator):"
                raise NotImplementedError(text)
        period = _read(self.target, "warm_up_period") if _has(self.target, "warm_up_period") else 0
        self._warm_up = int(period)

    @property
    def is_ready(self) -> bool:
        if self._ready:
            return True
        own = user_method(self.target, "is_ready")
        return bool(own) if own is not None and not callable(own) else False

    def _next_bar(self, bar: Any) -> Decimal:
        answer = user_method(self.target, "update")(bar)
        self._ready = bool(_read(self.target, "is_ready")) if answer is None else bool(answer)
        return from_python(_read(self.target, "value"))

    def _next(self, value: Decimal, us: int) -> Decimal:
        raise NotImplementedError

    # Lean resets what it keeps itself and does not call user code's own ``reset``: warming an indicator up leaves its
    # state as it is.


class PythonIndicator:
    """Base class for indicators of user code: define ``update(input)`` returning whether it is ready, and ``value``."""

    warm_up_period = 0

    def __init__(self, *_: Any) -> None:
        pass

    @property
    def _engine_view(self) -> UserIndicator:
        view = self.__dict__.get("_engine_view_made")
        if view is None:
            view = self.__dict__["_engine_view_made"] = UserIndicator(self)
        return view

    @property
    def current(self) -> Any:
        return self._engine_view.current

    @property
    def previous(self) -> Any:
        return self._engine_view.previous

    @property
    def window(self) -> RollingWindow:
        return self._engine_view.window

    @property
    def samples(self) -> int:
        return self._engine_view.samples

    @property
    def is_ready(self) -> bool:
        return self._engine_view._ready

    @property
    def updated(self) -> Any:
        return self._engine_view.updated

    @updated.setter
    def updated(self, hook: Any) -> None:
        self._engine_view.updated = hook

    @property
    def consolidators(self) -> list[Any]:
        return self._engine_view.consolidators

    def reset(self) -> None:
        IndicatorBase.reset(self._engine_view)

    def __getitem__(self, index: int) -> Any:
        return self.window[index]

    def __str__(self) -> str:
        return str(self._engine_view)

    Current, Previous, Window, Samples, IsReady, Reset = current, previous, window, samples, is_ready, reset


_VIEWS: dict[int, UserIndicator] = {}


def as_indicator_base(candidate: Any) -> IndicatorBase:
    """The engine's view of an indicator, one per object. Raises ``NotImplementedError`` if it is not one."""
    if isinstance(candidate, IndicatorBase):
        return candidate
    if isinstance(candidate, PythonIndicator):
        view = candidate._engine_view
        view.name = str(candidate.__dict__.get("name") or candidate.__dict__.get("Name") or type(candidate).__name__)
    else:
        known = _VIEWS.get(id(candidate))
        if known is not None and known.target is candidate:
            return known
        view = _VIEWS[id(candidate)] = UserIndicator(candidate)
    view.check()
    return view
