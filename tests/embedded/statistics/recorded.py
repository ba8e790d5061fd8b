"""Reads recordings of real Lean for the tests of statistics and results."""

from __future__ import annotations

import functools
import json
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from harness.embedded.reference.interest_rate import InterestRateProvider
from harness.embedded.statistics.builder import CapacityFigure, StatisticsInput, Transaction
from harness.embedded.statistics.trade import Trade, TradeDirection

CONFORMANCE = Path(__file__).resolve().parents[3].parent / "shared" / "conformance"
EPOCH = datetime(1970, 1, 1)


def case_names() -> list[str]:
    """The recorded cases, or one that skips itself when the recordings are not there."""
    if not CONFORMANCE.is_dir():
        return ["absent"]
    return sorted(path.parent.name for path in CONFORMANCE.glob("*/recording.json"))


def exact(text: str) -> Decimal:
    """A JSON number as Lean's decimal: Newtonsoft writes ``2`` as ``2.0``."""
    return Decimal(text.removesuffix(".0"))


class Recording:
    """One recorded case: its result file with exact decimals, and its folder."""

    def __init__(self, name: str) -> None:
        self.folder = CONFORMANCE / name / "lean"
        self.class_name = json.loads((CONFORMANCE / name / "recording.json").read_text())["class"]
        self.result_text = (self.folder / f"{self.class_name}.json").read_text()
        self.result: dict[str, Any] = json.loads(self.result_text, parse_float=exact)

    @property
    def events(self) -> list[dict[str, Any]]:
        path = self.folder / f"{self.class_name}-order-events.json"
        return json.loads(path.read_text(), parse_float=exact) if path.exists() else []

    def printed(self) -> list[tuple[str, str]]:
        """The statistics as printed: name and value."""
        lines = (self.folder / "statistics.txt").read_text().splitlines()
        names = [*self.result["statistics"], "OrderListHash"]
        return [(name, line[len(name) + 1 :]) for name, line in zip(names, lines, strict=True)]

    def points(self, chart: str, series: str) -> list[tuple[datetime, Decimal]]:
        """UTC time and value (the close of a candlestick) of a chart's points."""
        values = self.result["charts"].get(chart, {}).get("series", {}).get(series, {}).get("values", [])
        return [(EPOCH + timedelta(seconds=point[0]), Decimal(point[-1])) for point in values]


@functools.cache
def _load(name: str) -> Recording:
    return Recording(name)


def recording(name: str) -> Recording:
    """The recording of that name; skips the test where the recordings are absent."""
    if not CONFORMANCE.is_dir():
        pytest.skip("recordings of real Lean are not beside the project (../shared/conformance)")
    return _load(name)


def utc(text: str) -> datetime:
    """A time as Lean writes it, naive UTC."""
    return datetime.fromisoformat(text.removesuffix("Z"))


def recorded_trade(fields: dict[str, Any]) -> Trade:
    """A closed trade as a result file shows it."""
    trade = Trade(
        fields["symbols"][0]["id"],
        entry_time=utc(fields["entryTime"]),
        entry_price=fields["entryPrice"],
        direction=TradeDirection(fields["direction"]),
        quantity=fields["quantity"],
        total_fees=fields["totalFees"],
        order_ids=fields["orderIds"],
    )
    trade.exit_time = utc(fields["exitTime"])
    trade._exit_price = fields["exitPrice"]
    trade._profit_loss = fields["profitLoss"]
    trade._mae = fields["mae"]
    trade._mfe = fields["mfe"]
    trade._end_trade_drawdown = fields["endTradeDrawdown"]
    trade.is_win = fields["isWin"]
    return trade


def statistics_input(record: Recording) -> StatisticsInput:
    """What Lean computed a recording's statistics from, taken from the recording's own files (all but the capacity)."""
    result = record.result
    trades = [recorded_trade(fields) for fields in result["totalPerformance"]["closedTrades"]]
    return StatisticsInput(
        trades=trades,
        transactions=[Transaction(utc(k), Decimal(v), Decimal(v) > 0) for k, v in result["profitLoss"].items()],
        equity=record.points("Strategy Equity", "Equity"),
        performance=record.points("Strategy Equity", "Return"),
        benchmark=record.points("Benchmark", "Benchmark"),
        turnover=record.points("Portfolio Turnover", "Portfolio Turnover"),
        starting_capital=Decimal(result["totalPerformance"]["portfolioStatistics"]["startEquity"]),
        total_fees=sum((Decimal(event.get("orderFeeAmount", 0)) for event in record.events), Decimal(0)),
        total_orders=len(result["orders"]),
        capacity=CapacityFigure(Decimal(0), result["statistics"].get("Lowest Capacity Asset", "")),
        currency_symbol="$",
        risk_free_rate=InterestRateProvider(CONFORMANCE / "data").get_interest_rate,
        trading_days_per_year=result["algorithmConfiguration"]["tradingDaysPerYear"],
    )
