from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.embedded.clock import to_us
from harness.embedded.enums import AlgorithmStatus
from harness.embedded.results.result_handler import BacktestingResultHandler, ResultSettings
from tests.embedded.results.fake_engine import Algorithm, holding
from tests.embedded.results.recorded_orders import recorded_event

D = Decimal


@pytest.fixture
def handler(tmp_path: Path) -> BacktestingResultHandler:
    return BacktestingResultHandler(ResultSettings("Test", tmp_path / "results", "a test"))


@pytest.fixture
def algorithm(handler: BacktestingResultHandler) -> Algorithm:
    algorithm = Algorithm(handler)
    handler.attach(algorithm)
    handler.set_algorithm(algorithm, D(100000), benchmark=lambda _utc: D("567.260"))
    return algorithm


def values(handler: BacktestingResultHandler, chart: str, series: str) -> list[tuple[str, str]]:
    return [(f"{time:%d %H:%M:%S}", str(value)) for time, value in handler.charts.points(chart, series)]


def test_equity_is_sampled_at_the_first_step_and_then_after_more_than_four_minutes(
    handler: BacktestingResultHandler, algorithm: Algorithm
) -> None:
    algorithm.at(6, 9, 31)
    assert handler.next_sample_utc_us <= algorithm.clock.utc_us
    handler.process_synchronous_events()
    assert handler.next_sample_utc_us == to_us(algorithm.at(6, 9, 35)) + 1
    handler.update_equity_range(D(100010), D(99990), D(100030), D(100020))
    algorithm.at(6, 9, 35)
    algorithm.portfolio._total_portfolio_value = D(100005)
    handler.process_synchronous_events()  # not yet due: only the step's own value counts
    algorithm.at(6, 9, 35, 1)
    algorithm.portfolio._total_portfolio_value = D("100001.23456")
    handler.process_synchronous_events()
    bars = handler.charts.charts["Strategy Equity"].series["Equity"].values
    assert len(bars) == 2
    assert (bars[1]._open, bars[1]._high, bars[1]._low, bars[1]._close) == (
        D(100010),
        D(100030),
        D(99990),
        D("100001.2346"),
    )


def test_long_backtests_are_sampled_4000_times(handler: BacktestingResultHandler, algorithm: Algorithm) -> None:
    algorithm.end_date = algorithm.start_date + timedelta(days=100, microseconds=-1)
    handler.set_algorithm(algorithm, D(100000))
    handler.process_synchronous_events()
    step_us = handler.next_sample_utc_us - algorithm.clock.utc_us
    assert step_us == pytest.approx(100 * 1440 * 60_000_000 / 4000, abs=2)


def test_the_daily_sample(handler: BacktestingResultHandler, algorithm: Algorithm) -> None:
    handler.sample(algorithm.at(6))
    portfolio = algorithm.portfolio
    portfolio._total_portfolio_value = D("99683.75")
    portfolio._total_sale_volume = D("158102.00")
    portfolio.holdings = [holding("ALFA", 100, "31800.00", "158102.00"), holding("BRVO", -10, "-1000.00", "0")]
    algorithm.securities = {one.symbol: _security(one) for one in portfolio.holdings}
    handler.sample(algorithm.at(7))
    assert values(handler, "Benchmark", "Benchmark") == [("06 04:00:00", "567.26"), ("07 04:00:00", "567.26")]
    assert values(handler, "Strategy Equity", "Return") == [("06 04:00:00", "0"), ("07 04:00:00", "-0.31625")]
    assert values(handler, "Drawdown", "Equity Drawdown")[1] == ("07 04:00:00", "-0.32")
    # The sample at the start has no turnover.
    assert values(handler, "Portfolio Turnover", "Portfolio Turnover") == [("07 04:00:00", "1.586036")]
    assert values(handler, "Exposure", "Equity - Long Ratio") == [("07 04:00:00", "0.319")]
    assert values(handler, "Exposure", "Equity - Short Ratio") == [("07 04:00:00", "-0.01")]
    assert values(handler, "Assets Sales Volume", "ALFA") == [("07 04:00:00", "158102")]
    assert not handler.charts.has("Assets Sales Volume", "BRVO")
    assert values(handler, "Capacity", "Strategy Capacity")[0] == ("06 04:00:00", "0")
    margin = handler.charts.charts["Portfolio Margin"].series["ALFA"].values
    assert [point._y for point in margin] == [D("15.95")]
    # A second sample at the same time replaces the turnover, counted from the sample before.
    portfolio._total_sale_volume = D("208102.00")
    handler.sample(algorithm.at(7))
    assert values(handler, "Portfolio Turnover", "Portfolio Turnover") == [("07 04:00:00", "2.087622")]
    assert len(values(handler, "Benchmark", "Benchmark")) == 2


def _security(one: Any) -> Any:
    half = SimpleNamespace(
        _get_reserved_buying_power_for_position=lambda parameters: abs(parameters.security.holdings._holdings_value) / 2
    )
    return SimpleNamespace(holdings=one, _buying_power_model=half)


def test_nothing_is_sampled_while_warming_up(handler: BacktestingResultHandler, algorithm: Algorithm) -> None:
    algorithm.is_warming_up = True
    handler.sample(algorithm.at(6))
    handler.process_synchronous_events()
    algorithm.portfolio._total_portfolio_value = D("100000.00")
    algorithm.is_warming_up = False
    handler.on_warmup_finished()
    # The value did not change, so the starting value keeps its digits.
    assert str(handler._starting_value) == "100000"
    algorithm.at(6, 9, 40)
    handler.process_synchronous_events()
    assert len(handler.charts.points("Strategy Equity", "Equity")) == 1
    assert not handler.charts.has("Benchmark", "Benchmark")


def test_the_log_groups_an_interval_by_kind(handler: BacktestingResultHandler, algorithm: Algorithm) -> None:
    handler.debug_message("Launching")
    algorithm.at(6, 9, 31)
    handler.log("one")
    handler.debug("two")
    handler.error("three")
    assert handler.log_store.lines == ["2025-10-06 00:00:00 Launching"]
    handler.process_synchronous_events()
    assert [line[20:] for line in handler.log_store.lines] == ["Launching", "two", "three", "one"]


def test_messages_before_the_set_up_have_their_time(tmp_path: Path) -> None:
    handler = BacktestingResultHandler(ResultSettings("Test", tmp_path))
    algorithm = Algorithm(handler)
    handler.attach(algorithm)
    handler.log("hello")
    handler.set_algorithm(algorithm, D(100000))
    handler.process_synchronous_events()
    assert handler.log_store.lines == ["2025-10-06 00:00:00 hello"]


def test_custom_charts_are_taken_over_at_samples(handler: BacktestingResultHandler, algorithm: Algorithm) -> None:
    algorithm.plot("Prices", "close", 316.52)
    algorithm.plot("close", 1)
    algorithm.plot("Prices", "bars", 1.0, 2.0, 0.5, 1.5)
    assert "Prices" not in handler.charts.charts
    handler.process_synchronous_events()
    algorithm.at(6, 9, 40)
    algorithm.plot("Prices", "close", 317)
    handler.process_synchronous_events()
    assert values(handler, "Prices", "close") == [("06 04:00:00", "316.52"), ("06 13:40:00", "317")]
    assert values(handler, "Strategy Equity", "close") == [("06 04:00:00", "1")]
    assert values(handler, "Prices", "bars") == [("06 04:00:00", "1.5")]


def test_too_many_series_and_points_are_refused_with_a_line(tmp_path: Path) -> None:
    settings = ResultSettings("Test", tmp_path, maximum_chart_series=1, maximum_points_per_series=2)
    handler = BacktestingResultHandler(settings)
    algorithm = Algorithm(handler)
    handler.set_algorithm(algorithm, D(100000))
    for minute in range(6):
        algorithm.at(6, 10, 5 * minute)
        algorithm.plot("Mine", "a", minute)
        algorithm.plot("Mine", "b", minute)
        handler.process_synchronous_events()
    assert len(handler.charts.points("Mine", "a")) == 2
    assert not handler.charts.has("Mine", "b")
    lines = "\n".join(handler.log_store.lines)
    assert lines.count("Exceeded maximum chart series count") == 1
    assert lines.count("Exceeded maximum data points per series") == 1


def _finish(handler: BacktestingResultHandler, algorithm: Algorithm) -> list[tuple[str, str]]:
    algorithm.status = AlgorithmStatus.COMPLETED
    handler.process_synchronous_events(force=True)
    handler.sample(algorithm.clock.utc)
    return handler.send_final_result()


def _read(handler: BacktestingResultHandler, name: str) -> Any:
    return json.loads((handler.settings.results_folder / name).read_text())


def test_the_files_of_a_run_without_orders(handler: BacktestingResultHandler, algorithm: Algorithm) -> None:
    for day in (6, 7, 8, 9):
        handler.sample(algorithm.at(day))
    algorithm.set_summary_statistic("Custom ratio", 1.25)
    algorithm.set_summary_statistic("Total Orders", "not this")
    algorithm.set_runtime_statistic("Last close", 324.58)
    algorithm.at(9, 16)
    printed = _finish(handler, algorithm)
    assert [name for name, _ in printed[-2:]] == ["Custom ratio", "OrderListHash"]
    assert dict(printed)["Total Orders"] == "0"
    assert dict(printed)["OrderListHash"] == "d41d8cd98f00b204e9800998ecf8427e"
    folder = handler.settings.results_folder
    assert sorted(path.name for path in folder.iterdir()) == ["Test-log.txt", "Test-summary.json", "Test.json"]
    result, summary = _read(handler, "Test.json"), _read(handler, "Test-summary.json")
    assert list(result) == [
        "rollingWindow",
        "charts",
        "orders",
        "profitLoss",
        "statistics",
        "runtimeStatistics",
        "state",
        "serverStatistics",
        "algorithmConfiguration",
        "totalPerformance",
    ]
    assert list(summary) == [name for name in result if name not in ("orders", "profitLoss")]
    assert summary["rollingWindow"] == {}
    assert list(summary["charts"]["Strategy Equity"]["series"]) == ["Equity"]
    assert result["runtimeStatistics"] == {
        "Equity": "$100,000.00",
        "Fees": "-$1,234.50",
        "Holdings": "$0.00",
        "Last close": "324.58",
        "Net Profit": "$-2.00",
        "Probabilistic Sharpe Ratio": "0%",
        "Return": "0.00 %",
        "Unrealized": "$12.35",
        "Volume": "$0.00",
    }
    assert list(result["runtimeStatistics"]) == sorted(result["runtimeStatistics"])
    assert result["state"]["Status"] == "Completed"
    assert result["state"]["LogCount"] == "1"
    assert result["algorithmConfiguration"]["tags"] == ["b", "a"], "in the order in which they came"
    assert result["algorithmConfiguration"]["endDate"] == "2025-10-10T23:59:59Z"


def test_a_stale_order_events_file_is_left_alone_and_a_new_one_written(
    handler: BacktestingResultHandler, algorithm: Algorithm
) -> None:
    event = {
        "orderId": 1,
        "orderEventId": 2,
        "symbol": "ALFA UJ0T0SKEFN1H",
        "symbolValue": "ALFA",
        "time": 1759757460.0,
        "status": "partiallyFilled",
        "fillPrice": D("318.33"),
        "fillPriceCurrency": "USD",
        "fillQuantity": D(10),
        "direction": "buy",
        "isAssignment": False,
        "quantity": D(100),
    }
    transactions = SimpleNamespace(orders={}, order_events=[recorded_event(event)])
    handler.set_algorithm(algorithm, D(100000), transaction_handler=transactions)
    _finish(handler, algorithm)
    (written,) = _read(handler, "Test-order-events.json")
    assert written["id"] == "Test-1-2"
    assert written["status"] == "partiallyFilled"
    assert "orderFeeAmount" not in written


def test_a_runtime_error_decides_the_status(handler: BacktestingResultHandler, algorithm: Algorithm) -> None:
    handler.sample(algorithm.at(6))
    algorithm.at(7, 10, 30)
    handler.log_message("Runtime Error: failure")
    handler.runtime_error("Runtime Error: failure", "failure")
    handler.send_final_result(step_done=False)
    state = _read(handler, "Test.json")["state"]
    assert state["Status"] == "RuntimeError"
    assert state["RuntimeError"] == "2025-10-07 10:30:00 Runtime Error: failure"
    assert state["StackTrace"] == "failure"


def test_a_run_that_failed_before_its_algorithm(tmp_path: Path) -> None:
    handler = BacktestingResultHandler(ResultSettings("Test", tmp_path))
    handler.runtime_error("no class of that name")
    assert handler.send_final_result() == [("OrderListHash", "d41d8cd98f00b204e9800998ecf8427e")]
    result = _read(handler, "Test.json")
    assert result["state"]["Status"] == "RuntimeError"
    assert result["charts"] == {}
    # BacktestResultPacket.CreateEmpty: a configuration of nothing but defaults.
    configuration = result["algorithmConfiguration"]
    assert (configuration["name"], configuration["startDate"]) == (None, "0001-01-01T00:00:00Z")


def test_the_first_day_has_statistics_only_after_a_change(
    handler: BacktestingResultHandler, algorithm: Algorithm
) -> None:
    """Before the first daily sample Lean makes up one return, when there is one."""
    algorithm.at(6, 9, 31)
    handler.process_synchronous_events()
    assert handler.statistics_results().summary == {}
    algorithm.portfolio._total_portfolio_value = D(100500)
    algorithm.at(6, 9, 40)
    handler.process_synchronous_events()
    results = handler.statistics_results()
    assert results.summary["End Equity"] == "100500"
    assert results.summary["Sharpe Ratio"] == "0"
    assert results.total_performance.portfolio_statistics.end_equity == 100500.0


def test_benchmark_and_returns_that_do_not_match_leave_the_statistics_empty(
    handler: BacktestingResultHandler, algorithm: Algorithm
) -> None:
    seen: list[tuple[str, str]] = []
    handler.log_store._sink = lambda kind, line: seen.append((kind, line))
    for day in (6, 7, 8):
        handler.sample(algorithm.at(day))
    handler.charts.charts["Benchmark"].series["Benchmark"].values.pop()
    assert handler.statistics_results().summary == {}
    assert seen == [
        ("Error", "Error generating statistics packet: Benchmark and performance series has 1 misaligned values.")
    ]
