"""What the writers make of a recording's own contents is the recording's own text."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from harness.embedded.results.charts import Candlestick, CandlestickSeries, Chart, ChartPoint, create_series
from harness.embedded.results.document import chart_json, trade_json
from harness.embedded.results.json_writer import Raw, dumps
from harness.embedded.results.order_events_json import order_events_text
from harness.embedded.results.order_hash import order_list_hash
from harness.embedded.results.orders_json import OrderWriter
from harness.embedded.results.series_sampler import summary_equity
from tests.embedded.results.recorded_orders import recorded_event, recorded_order
from tests.embedded.statistics.recorded import EPOCH, Recording, case_names, recorded_trade, recording, utc

pytestmark = pytest.mark.recordings
CASES = case_names()


def _orders(record: Recording) -> list[Any]:
    return [recorded_order(fields) for fields in record.result.get("orders", {}).values()]


@pytest.mark.parametrize("name", CASES)
def test_the_order_list_hash_is_the_printed_one(name: str) -> None:
    record = recording(name)
    assert order_list_hash(_orders(record)) == dict(record.printed())["OrderListHash"]


@pytest.mark.parametrize("name", CASES)
def test_orders_are_written_as_recorded(name: str) -> None:
    record = recording(name)
    write = OrderWriter(2, rounded=False).text
    text = dumps({"orders": {str(order.id): Raw(write(order)) for order in _orders(record)}})
    assert text[len("{\n") : -len("\n}")] in record.result_text


@pytest.mark.parametrize("name", CASES)
def test_order_events_are_written_as_recorded(name: str) -> None:
    record = recording(name)
    path = record.folder / f"{record.class_name}-order-events.json"
    if not path.exists():
        assert record.events == []
        return
    events = [recorded_event(fields) for fields in record.events]
    assert order_events_text(events, record.class_name) == path.read_text()


def _series(fields: dict[str, Any]) -> Any:
    series = create_series(fields["seriesType"], fields["name"], fields["index"], fields["unit"])
    series.tooltip = fields.get("tooltip")
    series.index_name = fields.get("indexName")
    for time, *values in fields["values"]:
        at = EPOCH + timedelta(seconds=time)
        prices = [None if value is None else Decimal(value) for value in values]
        point = Candlestick(at, *prices) if len(prices) == 4 else ChartPoint(at, *prices)
        if isinstance(point, ChartPoint):
            point._y = prices[0]  # with the zeros at the end that rounding left
        series.values.append(point)
    return series


@pytest.mark.parametrize("name", CASES)
def test_charts_are_written_as_recorded(name: str) -> None:
    """All charts; but the margin chart's order of series with equal sums is that of Lean's hash table."""
    record = recording(name)
    for fields in record.result.get("charts", {}).values():
        chart = Chart(fields["name"])
        chart.legend_disabled = fields.get("legendDisabled", False)
        for series in fields["series"].values():
            chart.add_series(_series(series))
        text = dumps({"charts": {chart.name: chart_json(chart)}})
        assert text[len('{\n  "charts": {\n') : -len("\n  }\n}")] in record.result_text


@pytest.mark.parametrize("name", CASES)
def test_the_summary_thins_the_equity_out_as_recorded(name: str) -> None:
    record = recording(name)
    fields = record.result["charts"].get("Strategy Equity", {}).get("series", {}).get("Equity")
    summary = json.loads((record.folder / f"{record.class_name}-summary.json").read_text(), parse_float=Decimal)
    expected = summary["charts"]["Strategy Equity"]["series"]["Equity"]
    if fields is None:
        fields = {**expected, "values": []}
    thin = summary_equity(_series(fields))
    found = [[bar.long_time, bar._open, bar._high, bar._low, bar._close] for bar in thin.values]
    assert found == expected["values"]


@pytest.mark.parametrize("name", CASES)
def test_closed_trades_are_written_as_recorded(name: str) -> None:
    record = recording(name)
    expected = json.loads(record.result_text, parse_float=Decimal)["totalPerformance"]["closedTrades"]
    for fields in expected:
        trade = recorded_trade(fields)
        trade.symbols = [SimpleNamespace(value=one["value"], id=one["id"]) for one in fields["symbols"]]
        found = trade_json(trade)
        assert {**found, "id": fields["id"]} == {
            **fields,
            "entryTime": utc(fields["entryTime"]),
            "exitTime": utc(fields["exitTime"]),
        }
        assert list(found) == list(fields)


def test_a_long_series_is_sampled_every_seven_days() -> None:
    series = CandlestickSeries("Equity")
    start = datetime(2025, 1, 1)
    for hour in range(24 * 60):
        price = Decimal(1000 + hour)
        series.add_point(start + timedelta(hours=hour), price, price + 2, price - 2, price + 1)
    thin = summary_equity(series)
    times = [bar.time for bar in thin.values]
    assert times == [start + timedelta(days=7 * number) for number in range(9)]
    second = thin.values[1]
    assert (second._open, second._high, second._low) == (1001, 1170, 999)
