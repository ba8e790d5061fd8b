from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from harness.embedded.api_plotting import PlottingApi
from harness.embedded.dotnet import Dictionary
from harness.embedded.enums import SeriesType
from harness.embedded.results.charts import Chart, Series
from harness.embedded.statistics.performance import StatisticsResults


class Results:
    def __init__(self) -> None:
        self.summary: dict[str, str] = {}

    def set_summary_statistic(self, name: str, value: str) -> None:
        self.summary[name] = value

    def statistics_results(self) -> StatisticsResults:
        return StatisticsResults(summary={"Sharpe Ratio": "1.5"})


class Algorithm(PlottingApi):
    def __init__(self) -> None:
        self._init_plotting()
        self._locked = True
        self._engine = SimpleNamespace(results=Results())
        self.clock = SimpleNamespace(utc=datetime(2025, 10, 6, 14))

    def shown(self, chart: str, series: str) -> list[Any]:
        values = self._charts[chart].series[series].values
        return [getattr(point, "_y", None) or getattr(point, "_close", None) for point in values]


class Updates:
    """An event to which handlers are added."""

    def __init__(self) -> None:
        self.handlers: list[Any] = []

    def __iadd__(self, handler: Any) -> Updates:
        self.handlers.append(handler)
        return self


def indicator(name: str, value: float, ready: bool = True) -> Any:
    return SimpleNamespace(name=name, is_ready=ready, current=SimpleNamespace(value=value), updated=Updates())


def test_forms_of_plot() -> None:
    algorithm = Algorithm()
    algorithm.plot("a", 1.5)
    algorithm.record("b", 2)
    algorithm.plot("Mine", "c", Decimal("3.25"))
    algorithm.plot("Mine", "d", 1, 2, 0.5, 1.5)
    algorithm.plot("Mine", "e", SimpleNamespace(_open=1, _high=1, _low=1, _close=Decimal(7)))
    algorithm.plot("Mine", indicator("SMA(3)", 4.5), indicator("EMA(3)", 5.5))
    algorithm.plot("Mine", "f", indicator("x", 6.5))
    assert algorithm.shown("Strategy Equity", "a") == [Decimal("1.5")]
    assert algorithm.shown("Strategy Equity", "b") == [2]
    assert [algorithm.shown("Mine", name) for name in ("c", "d", "e")] == [[Decimal("3.25")], [Decimal("1.5")], [7]]
    assert algorithm.shown("Mine", "SMA(3)") == [Decimal("4.5")]
    assert algorithm.shown("Mine", "EMA(3)") == [Decimal("5.5")]
    assert algorithm.shown("Mine", "f") == [Decimal("6.5")]


def test_a_float_is_plotted_with_fifteen_digits() -> None:
    algorithm = Algorithm()
    algorithm.plot("Mine", "a", 0.1 + 0.2)
    assert algorithm.shown("Mine", "a") == [Decimal("0.3")]


@pytest.mark.parametrize("chart", ["Exposure", "Portfolio Margin", "Assets Sales Volume"])
def test_reserved_charts(chart: str) -> None:
    with pytest.raises(ValueError, match=f"'{chart}' is a reserved chart name"):
        Algorithm().plot(chart, "a", 1)


def test_reserved_series() -> None:
    with pytest.raises(ValueError, match="'Equity' is a reserved series name for chart 'Strategy Equity'"):
        Algorithm().plot("Equity", 1)


def test_what_cannot_be_plotted() -> None:
    algorithm = Algorithm()
    with pytest.raises(ValueError, match=r"non-finite floating-point value \(NaN\) as decimal. Please review math"):
        algorithm.plot("a", float("nan"))
    with pytest.raises(TypeError, match="needs one value"):
        algorithm.plot("Mine", "a", 1, 2)
    with pytest.raises(TypeError, match="needs a series name"):
        algorithm.plot(1, 2)
    algorithm.plot("Mine", "a", 1)
    with pytest.raises(TypeError, match=r"'QuantConnect\.Series' to type 'QuantConnect\.CandlestickSeries'"):
        algorithm.plot("Mine", "a", 1, 1, 1, 1)


def test_charts_made_beforehand() -> None:
    algorithm = Algorithm()
    chart = Chart("Mine")
    chart.add_series(Series("a", SeriesType.BAR, 1))
    algorithm.add_chart(chart)
    algorithm.add_chart(Chart("Mine"))
    algorithm.add_series("Mine", "b", SeriesType.SCATTER, "%")
    algorithm.plot("Mine", "a", 1)
    assert algorithm._charts["Mine"] is chart
    assert chart.series["a"].series_type == SeriesType.BAR
    assert chart.series["b"].unit == "%"


def test_indicators_are_plotted_when_updated() -> None:
    algorithm = Algorithm()
    early, ready = indicator("early", 1.0, ready=False), indicator("ready", 2.0)
    algorithm.plot_indicator("Mine", True, early, ready)
    algorithm.plot_indicator("Mine", early, None)
    for one in (early, ready):
        for handler in one.updated.handlers:
            handler(one, None)
    assert algorithm.shown("Mine", "ready") == [2]
    assert algorithm.shown("Mine", "early") == [1]


def test_statistics() -> None:
    algorithm = Algorithm()
    algorithm.set_runtime_statistic("a", 1.5)
    algorithm.set_runtime_statistic("b", "text")
    algorithm.set_summary_statistic("Ratio", 1.25)
    algorithm.set_summary_statistic("Whole", 3)
    assert algorithm.runtime_statistics == {"a": "1.5", "b": "text"}
    assert algorithm._engine.results.summary == {"Ratio": "1.25", "Whole": "3"}
    shown = algorithm.statistics
    assert shown.summary["Sharpe Ratio"] == "1.5"
    assert isinstance(shown.summary, Dictionary)
    for name in ("0", "42", "100"):
        with pytest.raises(ValueError, match="reserved statistic name"):
            algorithm.set_summary_statistic(name, 1)
    algorithm.set_summary_statistic("101", 1)
    algorithm.set_summary_statistic("\u0661", 1)  # a digit that int.TryParse does not read
    algorithm._locked = False
    with pytest.raises(RuntimeError, match="Object reference not set"):
        # QCAlgorithm.SetSummaryStatistic: the statistics service comes after initialize.
        algorithm.set_summary_statistic("Ratio", 1)
