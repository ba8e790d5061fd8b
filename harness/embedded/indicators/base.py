"""What every indicator is: a value with a time, its history, and an event when it changes.

An indicator takes either values (``POINT``) or bars (``BAR``, ``TRADE_BAR``, ``DATA``). Subclasses say which parameters
they are created with (``PARAMETERS``), what their name is made of (``NAME``), and how the next value comes about:
``_next(value, time)`` or ``_next_bar(bar)``, which return an exact Decimal, or ``None`` when this input gives no value.

Values are ``Decimal`` inside and floats outside; times are exchange-local microseconds inside.

Source of the rules: ``Indicators/IndicatorBase.cs``, ``IndicatorBase.Operators.cs``, ``WindowIndicator.cs`` and
``Common/Indicators/IndicatorDataPoint.cs``, ``WindowBase.cs`` of Lean.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum
from typing import Any, ClassVar

from harness.embedded.clock import from_us, to_us
from harness.embedded.clr import ZERO, decimal_from_double, decimal_text, double_text, from_python, to_float
from harness.embedded.consolidators.events import EventHook
from harness.embedded.consolidators.price_bars import YEAR_ONE_US
from harness.embedded.data import BaseData, QuoteBar, TradeBar
from harness.embedded.enums import LeanEnum, MovingAverageType
from harness.embedded.naming import lean_api
from harness.embedded.rolling_window import RollingWindow

HUNDRED = Decimal(100)
_NOT_GIVEN: Any = object()
_FIVE_PLACES = Decimal("0.00001")
Listener = Callable[["IndicatorBase"], Any]


class IndicatorStatus(LeanEnum):
    SUCCESS = 0
    INVALID_INPUT = 1
    MATH_ERROR = 2
    VALUE_NOT_READY = 3


@lean_api
class IndicatorDataPoint(BaseData):
    """A value at a time."""

    __slots__ = ("_exact",)

    def __init__(self, *arguments: Any) -> None:
        """``()``, ``(time, value)`` or ``(symbol, time, value)``."""
        super().__init__()
        if len(arguments) not in (0, 2, 3):
            raise TypeError("IndicatorDataPoint is created with (time, value) or (symbol, time, value)")
        self.symbol = arguments[0] if len(arguments) == 3 else None
        self._start_us = self._end_us = to_us(arguments[-2]) if arguments else YEAR_ONE_US
        self._exact = from_python(arguments[-1]) if arguments else ZERO

    @classmethod
    def of(cls, time_us: int, value: Decimal, symbol: Any = None) -> IndicatorDataPoint:
        """A point of exact values."""
        point = cls.__new__(cls)
        point.symbol = symbol
        point._start_us = point._end_us = time_us
        point.is_fill_forward = False
        point._exact = value
        return point

    @property
    def _value(self) -> Decimal:
        return self._exact

    @property
    def time(self) -> datetime:
        return from_us(self._start_us)

    @time.setter
    def time(self, moment: datetime) -> None:
        self._start_us = self._end_us = to_us(moment)

    @property
    def end_time(self) -> datetime:
        return from_us(self._end_us)

    @end_time.setter
    def end_time(self, moment: datetime) -> None:
        self._start_us = self._end_us = to_us(moment)

    @property
    def value(self) -> float:
        return to_float(self._exact)

    @value.setter
    def value(self, number: Any) -> None:
        self._exact = from_python(number)

    price = value

    def clone(self, is_fill_forward: bool = False) -> IndicatorDataPoint:
        return IndicatorDataPoint.of(self._end_us, self._exact, self.symbol)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IndicatorDataPoint) and other._exact == self._exact and other._end_us == self._end_us

    def __hash__(self) -> int:
        return hash((self._exact, self._end_us))

    def _other(self, other: Any) -> Decimal:
        """The exact value of a point to order this one by. Raises ``TypeError`` for anything else, as in Lean."""
        if not isinstance(other, IndicatorDataPoint):
            raise TypeError("Object must be of type IndicatorDataPoint")
        return other._exact

    def __lt__(self, other: Any) -> bool:
        return self._exact < self._other(other)

    def __le__(self, other: Any) -> bool:
        return self._exact <= self._other(other)

    def __gt__(self, other: Any) -> bool:
        return self._exact > self._other(other)

    def __ge__(self, other: Any) -> bool:
        return self._exact >= self._other(other)

    def __str__(self) -> str:
        return f"{self.end_time.isoformat(timespec='seconds')} - {decimal_text(self._exact)}"


class Input(Enum):
    """What an indicator is updated with."""

    POINT = "IndicatorDataPoint"
    BAR = "IBaseDataBar"
    TRADE_BAR = "TradeBar"
    DATA = "IBaseData"


_BARS: dict[Input, Any] = {Input.BAR: (TradeBar, QuoteBar), Input.TRADE_BAR: TradeBar, Input.DATA: BaseData}
_INPUT_NAMESPACES = {
    Input.POINT: "QuantConnect.Indicators",
    Input.BAR: "QuantConnect.Data.Market",
    Input.TRADE_BAR: "QuantConnect.Data.Market",
    Input.DATA: "QuantConnect.Data",
}


def _dotnet_name(data: Any) -> str:
    """The type's name with its namespace, as ``GetType()`` shows it."""
    space = "QuantConnect.Indicators" if isinstance(data, IndicatorDataPoint) else "QuantConnect.Data.Market"
    return f"{space}.{type(data).__name__}"


# ---------------------------------------------------------------------------------------------------------- parameters


@dataclass(frozen=True, slots=True)
class Parameter:
    """A constructor argument: how to read it and what it is when left out."""

    name: str
    convert: Callable[[Any], Any]
    default: Any = _NOT_GIVEN


def _whole(value: Any) -> int:
    if isinstance(value, (bool, str)) or value is None or (isinstance(value, float) and not value.is_integer()):
        raise TypeError(f"a whole number is needed, not {value!r}")
    return int(value)


def _average(value: Any) -> MovingAverageType:
    return MovingAverageType(value)


def _any(value: Any) -> Any:
    return value


def _double(value: Any) -> float:
    if isinstance(value, str) or value is None:
        raise TypeError(f"a number is needed, not {value!r}")
    return float(value)


def whole(name: str, default: Any = _NOT_GIVEN) -> Parameter:
    """An ``int``."""
    return Parameter(name, _whole, default)


def decimal(name: str, default: str | Any = _NOT_GIVEN) -> Parameter:
    """A ``decimal``; the default is given as text."""
    return Parameter(name, from_python, Decimal(default) if isinstance(default, str) else default)


def double(name: str, default: Any = _NOT_GIVEN) -> Parameter:
    """A ``double``."""
    return Parameter(name, _double, default)


def average(default: Any = _NOT_GIVEN, name: str = "moving_average_type") -> Parameter:
    """A kind of moving average."""
    return Parameter(name, _average, default)


def anything(name: str, default: Any = _NOT_GIVEN) -> Parameter:
    return Parameter(name, _any, default)


def argument_text(value: Any) -> str:
    """A constructor argument as it appears in names."""
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, LeanEnum):
        return value.lean_name
    if isinstance(value, float):
        return double_text(value)
    return "" if value is None else str(value)


def with_own_names(parameters: tuple[Parameter, ...], named: dict[str, Any]) -> dict[str, Any]:
    """Keyword arguments under the parameters' names.

    Lean takes its own spelling (``roc1MaPeriod``) and that in snake case, which parts digits from words
    (``roc_1_ma_period``).
    """
    known = {_plain(parameter.name): parameter.name for parameter in parameters}
    return {known.get(_plain(name), name): value for name, value in named.items()}


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def bind(
    parameters: tuple[Parameter, ...], arguments: tuple[Any, ...], named: dict[str, Any], owner: str
) -> dict[str, Any]:
    """Values of the parameters. Raises ``TypeError`` naming the call's owner if they do not fit."""
    values: dict[str, Any] = {}
    if named:
        named = with_own_names(parameters, named)
    if len(arguments) > len(parameters):
        raise TypeError(f"{owner} takes {len(parameters)} arguments ({', '.join(p.name for p in parameters)})")
    for index, parameter in enumerate(parameters):
        if index < len(arguments):
            given = arguments[index]
        elif parameter.name in named:
            given = named[parameter.name]
        elif parameter.default is not _NOT_GIVEN:
            values[parameter.name] = parameter.default
            continue
        else:
            raise TypeError(f"{owner}: {parameter.name} is missing")
        try:
            values[parameter.name] = parameter.convert(given)
        except (TypeError, ValueError) as error:
            raise TypeError(f"{owner}: {parameter.name}: {error}") from None
    unknown = set(named) - {parameter.name for parameter in parameters}
    if unknown:
        raise TypeError(f"{owner} has no argument {sorted(unknown)[0]!r}")
    return values


# ---------------------------------------------------------------------------------------------------------------- base


class _UserListener:
    """A handler of user code for the ``updated`` event."""

    __slots__ = ("handler",)

    def __init__(self, handler: Callable[[Any, Any], Any]) -> None:
        self.handler = handler

    def __call__(self, indicator: IndicatorBase) -> None:
        self.handler(indicator, indicator.current)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _UserListener) and self.handler == other.handler

    def __hash__(self) -> int:
        return hash(self.handler)


class _UpdatedHook(EventHook):
    """The ``updated`` event: user handlers take (indicator, point)."""

    __slots__ = ("_owner",)

    def __init__(self, owner: IndicatorBase) -> None:
        super().__init__()
        self._owner = owner

    def __iadd__(self, handler: Any) -> _UpdatedHook:
        if not callable(handler):
            raise TypeError(f"event handlers must be callable, not {handler!r}")
        self._owner._listeners = (*self._owner._listeners, _UserListener(handler))
        return self

    def __isub__(self, handler: Any) -> _UpdatedHook:
        listeners = list(self._owner._listeners)
        wanted = _UserListener(handler)
        for index in range(len(listeners) - 1, -1, -1):
            if listeners[index] == wanted:
                del listeners[index]
                self._owner._listeners = tuple(listeners)
                return self
        raise ValueError("unknown event handler")


class _WindowSink:
    """Where points go once somebody has asked for the window."""

    __slots__ = ("window",)

    def __init__(self, window: RollingWindow) -> None:
        self.window = window

    def append(self, point: tuple[int, Decimal, Any]) -> None:
        self.window.add(IndicatorDataPoint.of(*point))


@lean_api
class IndicatorBase:
    """Base of all indicators."""

    __slots__ = (
        "_consolidators",
        "_failures",
        "_inputs",
        "_listeners",
        "_points",
        "_samples",
        "_us",
        "_value",
        "_warm_up",
        "_window",
        "name",
    )

    INPUT: ClassVar[Input] = Input.POINT
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = ()
    NAME: ClassVar[str] = ""
    LEFT_OUT_OF_HISTORY: ClassVar[frozenset[str]] = frozenset()
    """Parts that a history of the indicator does not show."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        lean_api(cls)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """``([name,] parameter, ...)``; the name is made of the parameters when left out."""
        kind = type(self)
        name = named.pop("name", None)
        if arguments and isinstance(arguments[0], str):
            name, arguments = arguments[0], arguments[1:]
        values = bind(kind.PARAMETERS, arguments, named, kind.__name__)
        if name is None:
            name = kind.NAME.format(**{key: argument_text(value) for key, value in values.items()})
        self._begin(name)
        self._create(**values)

    def _begin(self, name: str) -> None:
        self.name = name
        self._samples = 0
        self._failures = 0
        self._value: Decimal = ZERO
        self._us = YEAR_ONE_US
        self._points: Any = deque(((YEAR_ONE_US, ZERO, None),), maxlen=3)
        self._listeners: tuple[Listener, ...] = ()
        self._inputs: dict[Any, tuple[int, Any]] = {}
        self._consolidators: list[Any] = []
        self._window: RollingWindow | None = None
        self._warm_up: int | None = None

    def _create(self, *arguments: Any, **parameters: Any) -> None:
        """Set up the state; takes the parameters by name."""

    # ------------------------------------------------------------------------------------------------------ state

    @property
    def is_ready(self) -> bool:
        raise NotImplementedError

    @property
    def samples(self) -> int:
        """Inputs taken since the last reset."""
        return self._samples

    @property
    def consolidators(self) -> list[Any]:
        """Consolidators that feed this indicator."""
        return self._consolidators

    @property
    def warm_up_period(self) -> int:
        """Inputs needed before it is ready."""
        if self._warm_up is None:
            raise AttributeError(f"{type(self).__name__} has no warm-up period")
        return self._warm_up

    @property
    def current(self) -> IndicatorDataPoint:
        if self._window is not None:
            return self._window[0]  # type: ignore[no-any-return]
        return IndicatorDataPoint.of(*self._points[-1])

    @property
    def previous(self) -> IndicatorDataPoint:
        if self._window is not None:
            return self._window[1] if self._window.count > 1 else IndicatorDataPoint()
        return IndicatorDataPoint.of(*self._points[-2]) if len(self._points) > 1 else IndicatorDataPoint()

    @property
    def window(self) -> RollingWindow:
        """The last values, newest first: two of them unless its ``size`` is set."""
        window = self._window
        if window is None:
            window = self._window = RollingWindow(2)
            for point in self._points:
                window.add(IndicatorDataPoint.of(*point))
            window._samples = 1 + self._samples - self._failures
            self._points = _WindowSink(window)
        return window

    def __getitem__(self, index: int) -> Any:
        return self.window[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.window)

    @property
    def updated(self) -> EventHook:
        """Event fired with (indicator, point) for every new value."""
        return _UpdatedHook(self)

    @updated.setter
    def updated(self, hook: EventHook) -> None:
        if not isinstance(hook, _UpdatedHook):
            raise AttributeError("use += and -= on updated")

    def reset(self) -> None:
        """Forget all inputs."""
        self._samples = 0
        self._failures = 0
        self._inputs.clear()
        self._value = ZERO
        self._us = YEAR_ONE_US
        if self._window is not None:
            self._window.reset()
        else:
            self._points.clear()
        self._points.append((YEAR_ONE_US, ZERO, None))

    # ----------------------------------------------------------------------------------------------------- update

    def _next(self, value: Decimal, us: int) -> Decimal | None:
        """The next value for a value."""
        raise NotImplementedError

    def _next_bar(self, bar: Any) -> Decimal | None:
        """The next value for a bar."""
        raise NotImplementedError

    def _push(self, us: int, value: Decimal, symbol: Any = None) -> None:
        """Take a value without checks."""
        self._samples += 1
        result = self._next(value, us)
        if result is None:
            self._failures += 1
            return
        self._value = result
        self._us = us
        self._points.append((us, result, symbol))
        for listener in self._listeners:
            listener(self)

    def _push_bar(self, bar: Any) -> None:
        """Take a bar without checks."""
        self._samples += 1
        result = self._next_bar(bar)
        if result is None:
            self._failures += 1
            return
        self._value = result
        self._us = us = bar._end_us
        self._points.append((us, result, bar.symbol))
        for listener in self._listeners:
            listener(self)

    def _update_value(self, symbol: Any, us: int, value: Decimal) -> None:
        """Take a value unless a later one was taken for the symbol."""
        last = self._inputs.get(symbol)
        if last is not None and us < last[0]:
            return
        self._inputs[symbol] = (us, None)
        self._push(us, value, symbol)

    def _update_data(self, data: Any) -> None:
        """Take a data point or bar unless a later one, or this very one, was taken for its symbol."""
        us = data._end_us
        symbol = data.symbol
        last = self._inputs.get(symbol)
        if last is not None and (us < last[0] or data is last[1]):
            return
        if self.INPUT is Input.POINT:
            # Other data is copied into a new point, so that the same object may come twice.
            self._inputs[symbol] = (us, data if isinstance(data, IndicatorDataPoint) else None)
            self._push(us, data._value, symbol)
            return
        if not isinstance(data, _BARS[self.INPUT]):
            self._samples += 1
            raise ValueError(
                f"IndicatorBase.Update() 'input' expected to be of type {_INPUT_NAMESPACES[self.INPUT]}."
                f"{self.INPUT.value} but is of type {_dotnet_name(data)}"
            )
        self._inputs[symbol] = (us, data)
        self._push_bar(data)

    def update(self, first: Any = None, value: Any = _NOT_GIVEN, **named: Any) -> bool:
        """``update(time, value)`` or ``update(data)``; whether the indicator is ready. Older data is ignored."""
        if named:
            first = named.get("time", named.get("input", first))
            value = named.get("value", value)
        if value is not _NOT_GIVEN:
            if self.INPUT is not Input.POINT:
                raise self._no_such_update()
            self._update_value(None, to_us(first), from_python(value))
            return bool(self.is_ready)
        if not isinstance(first, BaseData):
            raise TypeError(f"{type(self).__name__}.update takes data, or a time and a value, not {first!r}")
        self._update_data(first)
        return bool(self.is_ready)

    def _no_such_update(self) -> Exception:
        methods = ["Update(TradeBar)", "Update(QuoteBar)"]
        if self.INPUT is Input.DATA:
            methods.append("Update(Tick)")
        return NotImplementedError(
            f"{type(self).__name__} does not support the `Update(DateTime, decimal)` method. Use one of the following "
            f"methods instead: {', '.join(methods)}"
        )

    # -------------------------------------------------------------------------------------------- text, comparison

    def __str__(self) -> str:
        shown = self._value.quantize(_FIVE_PLACES, rounding=ROUND_HALF_UP)
        whole_part, _, fraction = f"{shown:f}".partition(".")
        fraction = fraction.rstrip("0") or "0"
        text = f"{whole_part}.{fraction}"
        return text[1:] if text == "-0.0" else text

    def to_detailed_string(self) -> str:
        return f"{self.name} - {self}"

    def _operand(self, other: Any) -> Decimal:
        """The exact value of an indicator to order this one by.

        Python reaches .NET's ``IComparable`` here, not the C# operators, and that takes indicators only.
        """
        if not isinstance(other, IndicatorBase):
            raise TypeError(f"Object must be of type {type(self).__name__}")
        return other._value

    def __lt__(self, other: Any) -> bool:
        return self._value < self._operand(other)

    def __le__(self, other: Any) -> bool:
        return self._value <= self._operand(other)

    def __gt__(self, other: Any) -> bool:
        return self._value > self._operand(other)

    def __ge__(self, other: Any) -> bool:
        return self._value >= self._operand(other)

    def __eq__(self, other: object) -> bool:
        # ``IndicatorBase.Equals``: a number is compared by value, as a decimal made of it; an indicator is itself only.
        if isinstance(other, float):
            return math.isfinite(other) and self._value == decimal_from_double(other)
        if isinstance(other, (int, Decimal)):
            return self._value == Decimal(other)
        return self is other

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = object.__hash__


class Indicator(IndicatorBase):
    """An indicator of values."""

    __slots__ = ()


class BarIndicator(IndicatorBase):
    """An indicator of trade or quote bars."""

    __slots__ = ()
    INPUT = Input.BAR


class TradeBarIndicator(IndicatorBase):
    """An indicator of trade bars."""

    __slots__ = ()
    INPUT = Input.TRADE_BAR


class WindowIndicator(Indicator):
    """An indicator of the last ``period`` values."""

    __slots__ = ("_period", "_removed", "_values")
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (whole("period"),)

    def _create(self, period: int) -> None:
        if period < 1:
            raise ValueError("RollingWindow must have size of at least 1. (Parameter 'period')")
        self._period = period
        self._values: deque[Decimal] = deque(maxlen=period)
        self._removed: Decimal | None = None
        self._warm_up = period

    @property
    def period(self) -> int:
        return self._period

    @property
    def is_ready(self) -> bool:
        return self._samples >= self._period

    def _next(self, value: Decimal, us: int) -> Decimal | None:
        values = self._values
        self._removed = values[0] if len(values) == self._period else None
        values.append(value)
        return self._compute(value, us)

    def _compute(self, value: Decimal, us: int) -> Decimal | None:
        """The next value; ``_values`` ends with ``value`` and ``_removed`` is what it pushed out."""
        raise NotImplementedError

    def reset(self) -> None:
        super().reset()
        self._values.clear()
        self._removed = None


class Derived(Indicator):
    """A part of another indicator, which sets its value."""

    __slots__ = ("_ready",)

    def __init__(self, name: str, ready: Callable[[], bool]) -> None:
        self._begin(name)
        self._ready = ready

    @property
    def is_ready(self) -> bool:
        return self._ready()

    def _set(self, us: int, value: Decimal) -> None:
        self._samples += 1
        self._value = value
        self._us = us
        self._points.append((us, value, None))
        for listener in self._listeners:
            listener(self)

    def _next(self, value: Decimal, us: int) -> Decimal | None:
        return self._value


class Identity(Indicator):
    """The value itself."""

    __slots__ = ()
    NAME = ""

    def _create(self) -> None:
        self._warm_up = 1

    @property
    def is_ready(self) -> bool:
        return self._samples > 0

    def _next(self, value: Decimal, us: int) -> Decimal:
        return value


class ConstantIndicator(IndicatorBase):
    """Always the same value."""

    __slots__ = ("_constant",)
    INPUT = Input.DATA

    def __init__(self, name: str, value: Any) -> None:
        self._begin(name)
        self._constant = from_python(value)
        self._show()

    def _show(self) -> None:
        self._value = self._constant
        self._points.append((YEAR_ONE_US, self._constant, None))

    @property
    def is_ready(self) -> bool:
        return True

    def _next(self, value: Decimal, us: int) -> Decimal:
        return self._constant

    def _next_bar(self, bar: Any) -> Decimal:
        return self._constant

    def reset(self) -> None:
        super().reset()
        self._show()
