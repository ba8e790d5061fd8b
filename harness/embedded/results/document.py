"""The result files' documents.

Source: ``Result.cs``, ``BacktestResultPacket.cs``, ``AlgorithmConfiguration.cs``, ``SeriesJsonConverter.cs``,
``JsonRoundingConverter.cs`` and the order in which Newtonsoft writes their members.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from harness.embedded import clr
from harness.embedded.dotnet import concurrent_order
from harness.embedded.enums import SeriesType
from harness.embedded.results.charts import (
    CandlestickSeries,
    Chart,
    ChartPoint,
    ScatterChartPoint,
    Series,
    sorted_series,
)
from harness.embedded.results.json_writer import Raw, decimal_json, text_json
from harness.embedded.results.orders_json import OrderWriter, camel_case, symbol_json
from harness.embedded.results.series_sampler import summary_equity
from harness.embedded.statistics.builder import Transaction
from harness.embedded.statistics.performance import AlgorithmPerformance, StatisticsResults
from harness.embedded.statistics.portfolio_statistics import PortfolioStatistics
from harness.embedded.statistics.trade import Trade
from harness.embedded.statistics.trade_statistics import TradeStatistics, ticks

STRATEGY_EQUITY = "Strategy Equity"
EQUITY = "Equity"
_ROUNDED_TO = 4
_JSON_NAMES = {
    "average_mae": "averageMAE",
    "average_mfe": "averageMFE",
    "largest_mae": "largestMAE",
    "largest_mfe": "largestMFE",
}
_TRADE_STATISTICS = (
    "start_date_time",
    "end_date_time",
    "total_number_of_trades",
    "number_of_winning_trades",
    "number_of_losing_trades",
    "_total_profit_loss",
    "_total_profit",
    "_total_loss",
    "_largest_profit",
    "_largest_loss",
    "_average_profit_loss",
    "_average_profit",
    "_average_loss",
    "_average_trade_duration_ticks",
    "_average_winning_trade_duration_ticks",
    "_average_losing_trade_duration_ticks",
    "_median_trade_duration_ticks",
    "_median_winning_trade_duration_ticks",
    "_median_losing_trade_duration_ticks",
    "max_consecutive_winning_trades",
    "max_consecutive_losing_trades",
    "_profit_loss_ratio",
    "_win_loss_ratio",
    "_win_rate",
    "_loss_rate",
    "_average_mae",
    "_average_mfe",
    "_largest_mae",
    "_largest_mfe",
    "_maximum_closed_trade_drawdown",
    "_maximum_intra_trade_drawdown",
    "_profit_loss_standard_deviation",
    "_profit_loss_downside_deviation",
    "_profit_factor",
    "_sharpe_ratio",
    "_sortino_ratio",
    "_profit_to_max_drawdown_ratio",
    "_maximum_end_trade_drawdown",
    "_average_end_trade_drawdown",
    "_maximum_drawdown_duration_ticks",
    "_total_fees",
)
_PORTFOLIO_STATISTICS = (
    "_average_win_rate",
    "_average_loss_rate",
    "_profit_loss_ratio",
    "_win_rate",
    "_loss_rate",
    "_expectancy",
    "_start_equity",
    "_end_equity",
    "_compounding_annual_return",
    "_drawdown",
    "_total_net_profit",
    "_sharpe_ratio",
    "_probabilistic_sharpe_ratio",
    "_sortino_ratio",
    "_alpha",
    "_beta",
    "_annual_standard_deviation",
    "_annual_variance",
    "_information_ratio",
    "_tracking_error",
    "_treynor_ratio",
    "_portfolio_turnover",
    "_value_at_risk_99",
    "_value_at_risk_95",
)


@dataclass(frozen=True, slots=True)
class BacktestDocument:
    """Everything that the two result files show. ``configuration`` is ready for the JSON writer."""

    statistics: StatisticsResults
    charts: Mapping[str, Chart]
    orders: Mapping[int, Any]
    transactions: Iterable[Transaction]
    runtime_statistics: Mapping[str, str]
    state: Mapping[str, str]
    server_statistics: Mapping[str, str]
    configuration: Mapping[str, Any] | None

    def result(self) -> dict[str, Any]:
        """The document of ``<id>.json``."""
        results = self.statistics
        profit_loss = sorted((item.utc_time, item.profit_loss) for item in self.transactions)
        return {
            "rollingWindow": {
                name: performance_json(performance, with_trades=False)
                for name, performance in results.rolling_performances.items()
            },
            "charts": {name: chart_json(self.charts[name]) for name in concurrent_order(self.charts)},
            "orders": self._orders(),
            "profitLoss": {_time_key(time): value for time, value in profit_loss},
            **self._common(),
            "totalPerformance": performance_json(results.total_performance, with_trades=True),
        }

    def _orders(self) -> dict[str, Raw]:
        write = OrderWriter(2, rounded=False).text
        return {str(number): Raw(write(order)) for number, order in self.orders.items()}

    def summary(self) -> dict[str, Any]:
        """The document of ``<id>-summary.json``: the equity chart thinned out, no orders and no trades."""
        return {
            "rollingWindow": {},
            "charts": self._summary_charts(),
            **self._common(),
            "totalPerformance": performance_json(self.statistics.total_performance, with_trades=False),
        }

    def _common(self) -> dict[str, Any]:
        common: dict[str, Any] = {
            "statistics": self.statistics.summary,
            "runtimeStatistics": self.runtime_statistics,
            "state": self.state,
            "serverStatistics": self.server_statistics,
        }
        if self.configuration is not None:
            common["algorithmConfiguration"] = self.configuration
        return common

    def _summary_charts(self) -> dict[str, Any]:
        chart = self.charts.get(STRATEGY_EQUITY)
        if chart is None or EQUITY not in chart.series:
            return {}
        thin = chart.clone_empty()
        thin.add_series(summary_equity(chart.series[EQUITY]))
        return {STRATEGY_EQUITY: chart_json(thin)}


def _time_key(time: datetime) -> str:
    fraction = f".{time.microsecond:06d}".rstrip("0") if time.microsecond else ""
    return f"{time:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def performance_json(performance: AlgorithmPerformance, with_trades: bool) -> dict[str, Any]:
    """Trade statistics, portfolio statistics and closed trades of a period."""
    trades = performance.closed_trades if with_trades else []
    return {
        "tradeStatistics": _trade_statistics(performance.trade_statistics),
        "portfolioStatistics": _portfolio_statistics(performance.portfolio_statistics),
        "closedTrades": [trade_json(trade) for trade in trades],
    }


def _trade_statistics(statistics: TradeStatistics) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for attribute in _TRADE_STATISTICS:
        value = getattr(statistics, attribute)
        name = attribute.removesuffix("_ticks").lstrip("_")
        if attribute.endswith("_ticks"):
            value = _ticks_text(value)
        elif isinstance(value, Decimal):
            value = rounded_text(value)
        fields[_JSON_NAMES.get(name) or camel_case(name)] = value
    return fields


def _portfolio_statistics(statistics: PortfolioStatistics) -> dict[str, Any]:
    fields = {camel_case(name[1:]): rounded_text(getattr(statistics, name)) for name in _PORTFOLIO_STATISTICS}
    fields["drawdownRecovery"] = str(statistics.drawdown_recovery)
    return fields


def rounded_text(value: Decimal) -> str:
    """A statistic as text with at most four decimals."""
    return clr.decimal_text(clr.round_half_even(value, _ROUNDED_TO))


def _ticks_text(value: int) -> str:
    return clr.time_span_text(timedelta(microseconds=value // 10), value % 10)


def trade_json(trade: Trade) -> dict[str, Any]:
    """A closed trade."""
    return {
        "id": trade.id,
        "symbols": [symbol_json(symbol) for symbol in trade.symbols],
        "entryTime": trade.entry_time,
        "entryPrice": trade._entry_price,
        "direction": trade.direction,
        "quantity": trade._quantity,
        "exitTime": trade.exit_time,
        "exitPrice": trade._exit_price,
        "profitLoss": trade._profit_loss,
        "totalFees": trade._total_fees,
        "mae": trade._mae,
        "mfe": trade._mfe,
        "duration": _ticks_text(ticks(trade.duration)),
        "endTradeDrawdown": trade._end_trade_drawdown,
        "isWin": trade.is_win,
        "orderIds": trade.order_ids,
    }


def chart_json(chart: Chart) -> dict[str, Any]:
    """A chart; every series is one line."""
    fields: dict[str, Any] = {
        "name": chart.name,
        "chartType": 0,
        "series": {series.name: Raw(series_json(series)) for series in sorted_series(chart.series.values())},
    }
    if chart.symbol is not None:
        fields["symbol"] = symbol_json(chart.symbol)
    if chart.legend_disabled:
        fields["legendDisabled"] = True
    return fields


def series_json(series: Series | CandlestickSeries) -> str:
    """A series as one line of JSON."""
    parts = [
        f'{{"name":{text_json(series.name)},"unit":{text_json(series.unit)},"index":{series.index}'
        f',"seriesType":{int(series.series_type)}'
    ]
    if series.z_index is not None:
        parts.append(f',"zIndex":{series.z_index}')
    if series.index_name is not None:
        parts.append(f',"indexName":{text_json(series.index_name)}')
    if series.tooltip is not None:
        parts.append(f',"tooltip":{text_json(series.tooltip)}')
    if isinstance(series, CandlestickSeries):
        values = ",".join(
            f"[{bar.long_time},{_number(bar._open)},{_number(bar._high)},{_number(bar._low)},{_number(bar._close)}]"
            for bar in series.values
        )
        parts.append(f',"values":[{values}]}}')
        return "".join(parts)
    points = series.values
    if series.series_type == SeriesType.PIE:
        whole = series.consolidate()
        points = [] if whole is None else [whole]
    marker = series.scatter_marker_symbol.name.lower().replace("_", "-")
    parts.append(
        f',"values":[{",".join(map(_point, points))}],"color":{text_json(_color(series.color))}'
        f',"scatterMarkerSymbol":"{marker}"}}'
    )
    return "".join(parts)


def _number(value: Decimal | None) -> str:
    return "null" if value is None else decimal_json(value)


def _point(point: ChartPoint) -> str:
    if isinstance(point, ScatterChartPoint):
        tooltip = f'"tooltip":{text_json(point.tooltip)},' if point.tooltip is not None else ""
        return f'{{{tooltip}"x":{point.x},"y":{_number(point._y)}}}'
    return f"[{point.x},{_number(point._y)}]"


def _color(color: Any) -> str:
    """``#RRGGBB`` of a colour with ``r``, ``g`` and ``b``; "" for none."""
    if color is None or getattr(color, "is_empty", False):
        return ""
    if isinstance(color, str):
        return color
    return f"#{color.r:02X}{color.g:02X}{color.b:02X}"
