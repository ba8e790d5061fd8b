"""Charts and statistics that an algorithm makes itself.

Source: ``QCAlgorithm.Plotting.cs`` and the plotting methods of ``QCAlgorithm.Python.cs`` of Lean.
"""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

from harness.embedded import clr
from harness.embedded.dotnet import Dictionary, number_text
from harness.embedded.enums import SeriesType
from harness.embedded.results.charts import CandlestickSeries, Chart, Series, create_series
from harness.embedded.statistics import numerics

_DEFAULT_CHART = "Strategy Equity"
# Charts whose names (empty) or some series names belong to the engine.
_RESERVED: dict[str, tuple[str, ...]] = {
    "Strategy Equity": ("Equity", "Return"),
    "Capacity": ("Strategy Capacity",),
    "Drawdown": ("Equity Drawdown",),
    "Benchmark": ("Benchmark",),
    "Assets Sales Volume": (),
    "Exposure": (),
    "Portfolio Margin": (),
    "Portfolio Turnover": ("Portfolio Turnover",),
}
# What int.TryParse reads as 0 to 100.
_RESERVED_STATISTIC = re.compile(r"[\t-\r ]*(\+?0*(100|[0-9]{1,2})|-0+)[\t-\r ]*")


class PlottingApi:
    """Mixin of ``QCAlgorithm``; call :meth:`_init_plotting` first. Needs ``clock`` and ``_engine.results``."""

    _charts: dict[str, Chart]
    runtime_statistics: dict[str, str]

    def _init_plotting(self) -> None:
        self._charts = {}
        self.runtime_statistics = {}

    def add_chart(self, chart: Chart) -> None:
        """Add a chart made beforehand; one of that name that exists stays."""
        self._charts.setdefault(chart.name, chart)

    def add_series(self, chart: str, series: str, series_type: SeriesType, unit: str = "$") -> None:
        """Add (or start anew) a series of a type, making the chart when needed."""
        target = self._charts.setdefault(chart, Chart(chart))
        target.series[series] = create_series(series_type, series, unit=unit)

    def plot(self, *args: Any, **named: Any) -> None:
        """``plot([chart,] series, value)``, ``plot([chart,] series, open, high, low, close)``, ``plot([chart,] series,
        bar)`` or ``plot(chart, indicator, ...)``. Without a chart it is the Strategy Equity chart."""
        args = (*args, *named.values())
        if len(args) < 2 or not isinstance(args[0], str):
            raise TypeError("plot needs a series name (and perhaps a chart name before it) and a value")
        if isinstance(args[1], str):
            chart, series, values = args[0], args[1], args[2:]
        elif _is_indicator(args[1]):
            for indicator in args[1:]:
                if indicator is not None:
                    self._plot_value(args[0], _indicator_name(indicator), _indicator_value(indicator))
            return
        else:
            chart, series, values = _DEFAULT_CHART, args[0], args[1:]
        if len(values) == 4:
            self._plot_bar(chart, series, *values)
        elif len(values) == 1 and hasattr(values[0], "_open"):
            bar = values[0]
            self._plot_bar(chart, series, bar._open, bar._high, bar._low, bar._close)
        elif len(values) == 1 and _is_indicator(values[0]):
            self._plot_value(chart, series, _indicator_value(values[0]))
        elif len(values) == 1:
            self._plot_value(chart, series, values[0])
        else:
            raise TypeError(f"plot({chart!r}, {series!r}, ...) needs one value, four prices, a bar or an indicator")

    def record(self, series: str, value: Any) -> None:
        """Plot a value to the Strategy Equity chart."""
        self.plot(series, value)

    def plot_indicator(self, chart: str, *args: Any) -> None:
        """Plot indicators whenever they are updated; ``True`` before them waits until each is ready."""
        wait = bool(args) and args[0] is True
        indicators = args[1:] if args and isinstance(args[0], bool) else args
        for indicator in indicators:
            if indicator is None:
                continue

            def plot(_sender: Any, _point: Any, indicator: Any = indicator) -> None:
                if not wait or indicator.is_ready:
                    self._plot_value(chart, _indicator_name(indicator), _indicator_value(indicator))

            indicator.updated += plot

    def set_runtime_statistic(self, name: str, value: Any) -> None:
        """A statistic shown while the algorithm runs, and among the result's runtime statistics."""
        self.runtime_statistics[name] = _statistic_text(value)

    def set_summary_statistic(self, name: str, value: Any) -> None:
        """A statistic after Lean's own in the summary. Raises ``ValueError`` for the names "0" to "100"."""
        if _RESERVED_STATISTIC.fullmatch(name):
            raise ValueError(f"'{name}' is a reserved statistic name.")
        if not self._locked:  # type: ignore[attr-defined]
            # The statistics service comes after initialize (BacktestingResultHandler.SetAlgorithm).
            raise RuntimeError("Object reference not set to an instance of an object.")
        self._engine.results.set_summary_statistic(name, _statistic_text(value))  # type: ignore[attr-defined]

    @property
    def statistics(self) -> Any:
        """The statistics at present."""
        results = self._engine.results.statistics_results()  # type: ignore[attr-defined]
        return replace(results, summary=Dictionary(results.summary))

    def _plot_value(self, chart: str, series: str, value: Any) -> None:
        target = self._chart_series(chart, series, Series)
        target.add_point(self.clock.utc, _plotted(value))  # type: ignore[attr-defined]

    def _plot_bar(self, chart: str, series: str, *prices: Any) -> None:
        target = self._chart_series(chart, series, CandlestickSeries)
        target.add_point(self.clock.utc, *map(_plotted, prices))  # type: ignore[attr-defined]

    def _chart_series(self, chart_name: str, series_name: str, kind: type[Any]) -> Any:
        reserved = _RESERVED.get(chart_name)
        if reserved is not None:
            if not reserved:
                raise ValueError(f"'{chart_name}' is a reserved chart name.")
            if series_name in reserved:
                raise ValueError(f"'{series_name}' is a reserved series name for chart '{chart_name}'.")
        chart = self._charts.get(chart_name)
        if chart is None:
            chart = self._charts[chart_name] = Chart(chart_name)
        series = chart.series.get(series_name)
        if series is None:
            series = kind(series_name)
            chart.add_series(series)
        if not isinstance(series, kind):
            raise TypeError(
                f"Unable to cast object of type 'QuantConnect.{type(series).__name__}' to type "
                f"'QuantConnect.{kind.__name__}'."
            )
        return series


def _is_indicator(value: Any) -> bool:
    return hasattr(value, "is_ready") and hasattr(value, "current")


def _indicator_name(indicator: Any) -> str:
    return str(indicator.name)


def _indicator_value(indicator: Any) -> Decimal:
    current = indicator.current
    exact = getattr(current, "_value", None)
    return exact if isinstance(exact, Decimal) else clr.from_python(current.value)


def _plotted(value: Any) -> Decimal:
    """A number as Lean plots it: a float through ``SafeDecimalCast``. Raises ``ValueError`` for NaN and infinity."""
    if isinstance(value, float) or (hasattr(value, "dtype") and value.dtype.kind == "f"):
        try:
            return numerics.to_decimal(float(value))
        except numerics.StatisticsError:
            raise ValueError(
                "It is not possible to cast a non-finite floating-point value "
                f"({clr.double_text(float(value))}) as decimal. Please review math operations and verify the result is "
                "valid. (Parameter 'input')"
            ) from None
    return clr.from_python(int(value) if isinstance(value, bool) else value)


def _statistic_text(value: Any) -> str:
    """The text of a statistic. Raises ``TypeError`` for what is neither text nor a number."""
    if isinstance(value, str):
        return value
    text = number_text(value)
    if text is None:
        raise TypeError(f"a statistic is text or a number, not {value!r}")
    return text
