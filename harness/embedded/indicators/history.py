"""Values of an indicator over a stretch of history.

Source of the rules: ``QCAlgorithm.IndicatorHistory``, ``IndicatorHistory.cs``, ``InternalIndicatorValues.cs`` and
``PandasConverter.GetIndicatorDataFrame`` of Lean.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from harness.embedded.enums import LeanEnum, Resolution
from harness.embedded.indicators.base import Indicator, IndicatorBase, IndicatorDataPoint, WindowIndicator
from harness.embedded.indicators.feeding import feeder
from harness.embedded.indicators.user_indicator import as_indicator_base
from harness.embedded.naming import lean_api, snake_case

if TYPE_CHECKING:
    import pandas as pd

_BASE_NAMES = frozenset(name for kind in (IndicatorBase, Indicator, WindowIndicator) for name in dir(kind))


def _parts(indicator: IndicatorBase) -> tuple[list[str], list[str]]:
    """Public members of an indicator beyond those that all have: those that are indicators, and the others."""
    names = {
        name
        for kind in type(indicator).__mro__
        for name in vars(kind)
        if name[0].islower()
        and name not in _BASE_NAMES
        and name not in type(indicator).LEFT_OUT_OF_HISTORY
        and not callable(getattr(indicator, name, None))
    }
    inner = sorted(name for name in names if isinstance(getattr(indicator, name), IndicatorBase))
    return inner, sorted(names - set(inner))


@lean_api
class IndicatorDataPoints:
    """The values of an indicator and of its parts at one time."""

    __slots__ = ("_points", "end_time", "time")

    def __init__(self, time: datetime, points: dict[str, IndicatorDataPoint]) -> None:
        self.time = self.end_time = time
        self._points = points

    @property
    def current(self) -> IndicatorDataPoint:
        return self._points["current"]

    @property
    def value(self) -> float:
        return self.current.value

    def __getitem__(self, name: str) -> IndicatorDataPoint | None:
        return self._points.get(snake_case(name))

    def __getattr__(self, name: str) -> Any:
        try:
            return self._points[snake_case(name)]
        except KeyError:
            raise AttributeError(name) from None

    def __str__(self) -> str:
        shown = ", ".join(f"{name}: {point.value}" for name, point in sorted(self._points.items()))
        return f"{self.end_time} {shown}"


@lean_api
class IndicatorHistory:
    """Iterating gives :class:`IndicatorDataPoints`; ``history["upper_band"]`` gives one part's points."""

    def __init__(
        self,
        by_time: list[IndicatorDataPoints],
        by_name: dict[str, list[IndicatorDataPoint]],
        others: dict[str, list[tuple[datetime, Any]]],
    ) -> None:
        self._by_time = by_time
        self._by_name = by_name
        self._others = others

    @property
    def current(self) -> list[IndicatorDataPoint]:
        return self._by_name["current"]

    @property
    def count(self) -> int:
        return len(self._by_time)

    @property
    def data_frame(self) -> pd.DataFrame:
        """A column for the value (``current``) and for each part, by end time."""
        import pandas as pd

        columns: dict[str, Any] = {}
        for name, points in self._by_name.items():
            index = [point.end_time for point in points]
            columns[name.replace("_", "")] = pd.Series([point.value for point in points], index, dtype=float)
        for name, entries in self._others.items():
            values = [value.lean_name if isinstance(value, LeanEnum) else value for _, value in entries]
            columns[name.replace("_", "")] = pd.Series(values, [time for time, _ in entries])
        return pd.DataFrame(columns, columns=sorted(columns))

    def __getitem__(self, name: str) -> list[IndicatorDataPoint] | None:
        return self._by_name.get(snake_case(name))

    def __iter__(self) -> Iterator[IndicatorDataPoints]:
        return iter(self._by_time)

    def __len__(self) -> int:
        return len(self._by_time)

    def __str__(self) -> str:
        return "".join(f"{points}\n" for points in self._by_time)


class _Collector:
    """Notes the values of an indicator and its parts whenever a new time begins."""

    def __init__(self, indicator: IndicatorBase) -> None:
        self._indicator = indicator
        self._inner, self._plain = _parts(indicator)
        self._last_us: int | None = None
        self.by_time: list[IndicatorDataPoints] = []
        self.by_name: dict[str, list[IndicatorDataPoint]] = {name: [] for name in (*self._inner, "current")}
        self.others: dict[str, list[tuple[datetime, Any]]] = {}

    def __call__(self, indicator: IndicatorBase) -> None:
        if not indicator.is_ready or self._last_us == indicator._us:
            return
        self._last_us = indicator._us
        moment = indicator.current.end_time
        points: dict[str, IndicatorDataPoint] = {}
        for name in self._inner:
            point = getattr(indicator, name).current
            known = self.by_name[name]
            if known and known[-1]._end_us == point._end_us:
                known[-1] = point
            else:
                known.append(point)
            points[name] = point
        points["current"] = indicator.current
        self.by_name["current"].append(points["current"])
        for name in self._plain:
            self.others.setdefault(name, []).append((moment, getattr(indicator, name)))
        self.by_time.append(IndicatorDataPoints(moment, points))


def indicator_history(
    api: Any, indicator: Any, symbols: Any, arguments: tuple[Any, ...], named: dict[str, Any]
) -> IndicatorHistory:
    """Reset an indicator and run it over history.

    After the symbols come a number of values, a ``timedelta`` or a start and an end, then resolution and selector.
    ``api`` is the algorithm.
    """
    values = dict(named)
    given = list(arguments)
    target = as_indicator_base(indicator)
    found = api._symbols_of(symbols)
    if "period" in values or "span" in values:
        span: Any = values.pop("period") if "period" in values else values.pop("span")
    elif "start" in values:
        span = (values.pop("start"), values.pop("end"))
    elif isinstance(given[0], datetime):
        span = (given.pop(0), given.pop(0) if given else values.pop("end"))
    else:
        span = given.pop(0)
    for name in ("resolution", "selector"):
        if given:
            values[name] = given.pop(0)
    resolution = None if values.get("resolution") is None else Resolution(values["resolution"])
    selector = values.get("selector")
    warm_up = target._warm_up or 0
    if isinstance(span, int):
        reach: Any = span + (warm_up - 1 if warm_up > 0 and span > 0 else warm_up)
    else:
        start, end = (api.time - span, api.time) if isinstance(span, timedelta) else span
        for symbol in found:
            if warm_up > 1:
                start = min(start, api._start_before(symbol, start, warm_up - 1, resolution))
        reach = (start, end)
    target.reset()
    collector = _Collector(target)
    before = target._listeners
    target._listeners = (*before, collector)
    feed = feeder(target, selector)
    for bar in api._history_points(found, reach, resolution, target, selector):
        feed(bar)
    target._listeners = before
    return IndicatorHistory(collector.by_time, collector.by_name, collector.others)
