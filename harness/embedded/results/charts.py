"""Charts, series and their points.

Source: ``Chart.cs``, ``BaseSeries.cs``, ``Series.cs``, ``CandlestickSeries.cs``, ``ChartPoint.cs``,
``ScatterChartPoint.cs`` and ``Candlestick.cs`` of Lean. Values are exact decimals rounded as Lean's setters do
(``SmartRounding``); times are naive UTC.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from harness.embedded import clr
from harness.embedded.clock import EPOCH, to_us
from harness.embedded.enums import ScatterMarkerSymbol, SeriesType
from harness.embedded.naming import lean_api
from harness.embedded.statistics.numerics import smart_rounding


def _optional(value: Any) -> Decimal | None:
    return None if value is None else smart_rounding(clr.from_python(value))


def _utc(time: datetime) -> datetime:
    """A naive UTC time of one that may carry a zone."""
    return time if time.tzinfo is None else time.astimezone(UTC).replace(tzinfo=None)


def _as_float(value: Decimal | None) -> float | None:
    return None if value is None else clr.to_float(value)


@lean_api
class ChartPoint:
    """A time and a value, which may be missing."""

    __slots__ = ("_y", "time")

    def __init__(self, time: datetime = EPOCH, value: Any = None) -> None:
        self.time = _utc(time)
        self._y = _optional(value)

    @property
    def x(self) -> int:
        """Unix time in whole seconds, halves to even."""
        return round(to_us(self.time) / 1_000_000)

    @property
    def y(self) -> float | None:
        """The value."""
        return _as_float(self._y)


@lean_api
class ScatterChartPoint(ChartPoint):
    """A point of a scatter series; it may carry a tooltip."""

    __slots__ = ("tooltip",)

    def __init__(self, time: datetime = EPOCH, value: Any = None, tooltip: str | None = None) -> None:
        super().__init__(time, value)
        self.tooltip = tooltip


@lean_api
class Candlestick:
    """Open, high, low and close at a time; each may be missing."""

    __slots__ = ("_close", "_high", "_low", "_open", "_open_set", "time")

    def __init__(
        self, time: datetime = EPOCH, open: Any = None, high: Any = None, low: Any = None, close: Any = None
    ) -> None:
        self.time = _utc(time)
        self._open = _optional(open)
        self._high = _optional(high)
        self._low = _optional(low)
        self._close = _optional(close)
        self._open_set = False

    @property
    def long_time(self) -> int:
        """Unix time in whole seconds, the fraction cut off."""
        us = to_us(self.time)
        return us // 1_000_000 if us >= 0 else -(-us // 1_000_000)

    @property
    def open(self) -> float | None:
        return _as_float(self._open)

    @property
    def high(self) -> float | None:
        return _as_float(self._high)

    @property
    def low(self) -> float | None:
        return _as_float(self._low)

    @property
    def close(self) -> float | None:
        return _as_float(self._close)

    def _update(self, value: Decimal | None) -> None:
        """Take one more exact value into the candlestick."""
        if value is None:
            return
        rounded = smart_rounding(value)
        if not self._open_set:
            self._open = self._high = self._low = self._close = rounded
            self._open_set = True
        elif self._high is not None and value > self._high:
            self._high = rounded
        elif self._low is not None and value < self._low:
            self._low = rounded
        self._close = rounded

    def clone(self) -> Candlestick:
        """A copy that starts its own updates."""
        return Candlestick(self.time, self._open, self._high, self._low, self._close)


class BaseSeries:
    """A named list of points. ``index`` places it in the chart, ``unit`` labels its axis."""

    def __init__(self, name: str, series_type: SeriesType, index: int, unit: str) -> None:
        self.name = name
        self.series_type = series_type
        self.index = index
        self.unit = unit
        self.index_name: str | None = None
        self.z_index: int | None = None
        self.tooltip: str | None = None
        self.values: list[Any] = []
        self._update_position = 0

    def _append(self, point: Any) -> None:
        """Add a point; one at the time of the last point takes its place."""
        if self.values and self.values[-1].time == point.time:
            self.values[-1] = point
        else:
            self.values.append(point)

    def purge(self) -> None:
        """Forget all points."""
        self.values.clear()
        self._update_position = 0

    def take_updates(self) -> list[Any]:
        """The points added since the last call."""
        new = self.values[self._update_position :]
        self._update_position = len(self.values)
        return new

    def clone_empty(self) -> BaseSeries:
        """A series of the same look without points."""
        raise NotImplementedError

    def _look_of(self, other: BaseSeries) -> None:
        self.index_name, self.z_index, self.tooltip = other.index_name, other.z_index, other.tooltip


@lean_api
class Series(BaseSeries):
    """A series of single values: line, bar, scatter, treemap and so on.

    Constructors as Lean's: ``Series(name)``, ``Series(name, type, index)``, ``Series(name, type, index, unit)``,
    ``Series(name, type, unit)``, ``Series(name, type, unit, color[, symbol])``.
    """

    def __init__(
        self,
        name: str = "",
        series_type: SeriesType = SeriesType.LINE,
        index: int | str = 0,
        unit: Any = None,
        color: Any = None,
        symbol: ScatterMarkerSymbol = ScatterMarkerSymbol.NONE,
        *,
        type: SeriesType | None = None,
    ) -> None:
        if isinstance(index, str):
            # Series(name, type, unit, color, symbol): the later arguments move up by one.
            if color is not None:
                symbol = color
            color, unit, index = unit, index, 0
        super().__init__(name, series_type if type is None else type, int(index), "$" if unit is None else unit)
        self.color = color
        self.scatter_marker_symbol = symbol

    def add_point(self, time: Any, value: Any = None) -> None:
        """Add a point: ``add_point(time, value)`` or ``add_point(point)``."""
        if value is None and isinstance(time, ChartPoint):
            self._append(time)
        elif isinstance(time, datetime):
            point = ScatterChartPoint if self.series_type == SeriesType.SCATTER else ChartPoint
            self._append(point(time, value))
        else:
            raise TypeError("Series.AddPoint requires a ChartPoint object")

    def consolidate(self) -> ChartPoint | None:
        """All points as one, at the time of the last: what a pie shows. ``None`` without points."""
        if not self.values:
            return None
        total = sum((point._y for point in self.values if point._y is not None), clr.ZERO)
        return ChartPoint(self.values[-1].time, total)

    def clone_empty(self) -> Series:
        copy = Series(self.name, self.series_type, self.index, self.unit, self.color, self.scatter_marker_symbol)
        copy._look_of(self)
        return copy


@lean_api
class CandlestickSeries(BaseSeries):
    """A series of candlesticks: ``CandlestickSeries(name[, index][, unit])``."""

    def __init__(self, name: str = "", index: int | str = 0, unit: str = "$") -> None:
        if isinstance(index, str):
            unit, index = index, 0
        super().__init__(name, SeriesType.CANDLE, int(index), unit)

    def add_point(self, time: Any, open: Any = None, high: Any = None, low: Any = None, close: Any = None) -> None:
        """Add a candlestick: four prices at a time, a :class:`Candlestick`, or a trade bar."""
        if isinstance(time, datetime):
            self._append(Candlestick(time, open, high, low, close))
        elif isinstance(time, Candlestick):
            self._append(time)
        elif hasattr(time, "_open"):
            self._append(Candlestick(time.end_time, time._open, time._high, time._low, time._close))
        else:
            raise TypeError("CandlestickSeries.AddPoint requires a Candlestick object")

    def clone_empty(self) -> CandlestickSeries:
        copy = CandlestickSeries(self.name, self.index, self.unit)
        copy._look_of(self)
        return copy


def create_series(series_type: SeriesType, name: str, index: int = 0, unit: str = "$") -> Series | CandlestickSeries:
    """A series of the class that its type needs."""
    if series_type == SeriesType.CANDLE:
        return CandlestickSeries(name, index, unit)
    return Series(name, SeriesType(series_type), index, unit)


@lean_api
class Chart:
    """A named set of series: ``Chart(name[, symbol])``."""

    def __init__(self, name: str = "", symbol: Any = None) -> None:
        self.name = name
        # The former second argument, a ChartType, is obsolete in Lean and has no effect.
        self.symbol = None if isinstance(symbol, int) else symbol
        self.legend_disabled = False
        self.series: dict[str, Any] = {}

    def add_series(self, series: BaseSeries) -> None:
        """Add a series. Raises ``ValueError`` when the chart has one of that name."""
        if series.name in self.series:
            raise ValueError(f"Chart.AddSeries(): $Chart series name already exists: {series.name}")
        self.series[series.name] = series

    def try_add_and_get_series(self, template: BaseSeries) -> Any:
        """The chart's series of that name, made like ``template`` (without points) when it is not there."""
        existing = self.series.get(template.name)
        if existing is None:
            existing = self.series[template.name] = template.clone_empty()
        return existing

    def clone_empty(self) -> Chart:
        """A chart of the same look without series."""
        copy = Chart(self.name, self.symbol)
        copy.legend_disabled = self.legend_disabled
        return copy


def sorted_series(series: Iterable[Any]) -> list[Any]:
    """Series in the order Lean writes them: by index, then number of points, then sum of the values."""
    return sorted(series, key=lambda item: (item.index, len(item.values), _sum(item.values)))


def _sum(values: Iterable[Any]) -> Decimal:
    return sum((point._y for point in values if isinstance(point, ChartPoint) and point._y is not None), clr.ZERO)
