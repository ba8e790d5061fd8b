from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest

from harness.embedded.enums import ScatterMarkerSymbol, SeriesType
from harness.embedded.results.charts import (
    Candlestick,
    CandlestickSeries,
    Chart,
    ChartPoint,
    Series,
    create_series,
    sorted_series,
)
from harness.embedded.results.document import chart_json, series_json

NOW = datetime(2025, 10, 6, 13, 31)


def test_series_constructors() -> None:
    red = SimpleNamespace(r=255, g=0, b=16)
    line = Series("a")
    assert (line.series_type, line.index, line.unit) == (SeriesType.LINE, 0, "$")
    assert Series("a", SeriesType.BAR, 2).index == 2
    assert Series("a", SeriesType.BAR, 2, "%").unit == "%"
    coloured = Series("a", SeriesType.SCATTER, "%", red, ScatterMarkerSymbol.TRIANGLE_DOWN)
    assert (coloured.unit, coloured.index, coloured.color) == ("%", 0, red)
    assert series_json(coloured).endswith('"color":"#FF0010","scatterMarkerSymbol":"triangle-down"}')
    assert (CandlestickSeries("a", "%").unit, CandlestickSeries("a", 1, "%").index) == ("%", 1)
    assert isinstance(create_series(SeriesType.CANDLE, "a"), CandlestickSeries)


def test_a_point_at_the_time_of_the_last_takes_its_place() -> None:
    series = Series("a")
    series.add_point(NOW, 1.5)
    series.add_point(NOW, 2)
    series.AddPoint(NOW + timedelta(minutes=1), Decimal(3))
    assert [point.y for point in series.values] == [2.0, 3.0]
    assert series_json(series) == (
        '{"name":"a","unit":"$","index":0,"seriesType":0,"values":[[1759757460,2.0],[1759757520,3.0]],"color":"",'
        '"scatterMarkerSymbol":"none"}'
    )


def test_times_are_seconds() -> None:
    half = NOW + timedelta(milliseconds=500)
    assert ChartPoint(half, 1).x == 1759757460
    assert ChartPoint(half + timedelta(seconds=1), 1).x == 1759757462
    assert Candlestick(half, 1, 1, 1, 1).long_time == 1759757460


def test_times_with_a_zone_are_taken_as_utc() -> None:
    assert ChartPoint(NOW.replace(tzinfo=UTC), 1).time == NOW
    assert Candlestick(NOW.replace(tzinfo=UTC), 1, 1, 1, 1).time == NOW


def test_a_pie_is_one_sum_and_a_scatter_its_objects() -> None:
    pie = Series("p", SeriesType.PIE)
    scatter = Series("s", SeriesType.SCATTER)
    for series in (pie, scatter):
        series.add_point(NOW, 1)
        series.add_point(NOW + timedelta(minutes=1), 2)
    assert '"values":[[1759757520,3.0]]' in series_json(pie)
    assert '"values":[{"x":1759757460,"y":1.0},{"x":1759757520,"y":2.0}]' in series_json(scatter)


def test_candlesticks_from_prices_and_bars() -> None:
    series = CandlestickSeries("c")
    series.add_point(NOW, 1, 2, 0.5, 1.5)
    series.add_point(SimpleNamespace(end_time=NOW + timedelta(minutes=1), _open=1, _high=2, _low=1, _close=2))
    assert '"values":[[1759757460,1.0,2.0,0.5,1.5],[1759757520,1.0,2.0,1.0,2.0]]' in series_json(series)
    with pytest.raises(TypeError, match="requires a Candlestick"):
        series.add_point(1)
    with pytest.raises(TypeError, match="requires a ChartPoint"):
        Series("a").add_point("x")


def test_series_are_written_by_index_count_and_sum() -> None:
    first, second, third = Series("first", index=1), Series("second"), Series("third")
    second.add_point(NOW, 5)
    third.add_point(NOW, 4)
    assert [series.name for series in sorted_series([first, second, third])] == ["third", "second", "first"]


def test_charts() -> None:
    chart = Chart("mine")
    chart.add_series(Series("a"))
    with pytest.raises(ValueError, match="already exists: a"):
        chart.add_series(Series("a"))
    chart.legend_disabled = True
    assert list(chart_json(chart)) == ["name", "chartType", "series", "legendDisabled"]
    assert chart_json(chart.clone_empty())["series"] == {}
