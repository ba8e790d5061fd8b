"""The charts of a backtest and what is sampled into them.

Source: the sampling methods of ``BaseResultsHandler.cs`` and ``BacktestingResultHandler.cs`` of Lean, ``Bar.cs`` for
the equity bar, ``PortfolioMarginChart.cs`` and ``PortfolioState.cs`` for the margin chart. Nothing is sampled while the
algorithm warms up.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from harness.embedded import clr
from harness.embedded.dotnet import concurrent_order
from harness.embedded.enums import SeriesType
from harness.embedded.results.charts import Candlestick, CandlestickSeries, Chart, ChartPoint, Series, create_series
from harness.embedded.statistics import numerics
from harness.embedded.statistics.builder import Point
from harness.embedded.statistics.capacity import reserved_buying_power

_ZERO = clr.ZERO
_HUNDRED = Decimal(100)
STRATEGY_EQUITY, EQUITY, RETURN = "Strategy Equity", "Equity", "Return"
BENCHMARK, DRAWDOWN, CAPACITY, EXPOSURE = "Benchmark", "Drawdown", "Capacity", "Exposure"
SALES_VOLUME, TURNOVER, MARGIN = "Assets Sales Volume", "Portfolio Turnover", "Portfolio Margin"
_TOP_HOLDINGS = 30
_MARGIN_SERIES = 40
_QUOTAS = "https://qnt.co/docs-charting-quotas"


class EquityBar:
    """Open, high, low and close of the account value (four decimals) since the last sample; zero is ignored."""

    __slots__ = ("close", "high", "is_set", "low", "open")

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start a new bar."""
        self.is_set = False
        self.open = self.high = self.low = self.close = _ZERO

    def update(self, value: Decimal) -> None:
        """The account value at the end of a step."""
        rounded = clr.round_half_even(value, 4)
        if not rounded:
            return
        if not self.is_set:
            self.is_set = True
            self.open = self.high = self.low = rounded
        elif rounded > self.high:
            self.high = rounded
        elif rounded < self.low:
            self.low = rounded
        self.close = rounded


class ChartSampler:
    """All charts of a backtest by name. ``warn`` is called once for every limit that is passed."""

    def __init__(self, maximum_series: int, maximum_points: int, warn: Callable[[str], None]) -> None:
        self.charts: dict[str, Chart] = {}
        self.equity_bar = EquityBar()
        self.currency = "$"
        self._algorithm: Any = None
        self._maximum_series = maximum_series
        self._maximum_points = maximum_points
        self._warn = warn
        self._user_series: dict[str, None] = {}
        self._full_series: set[str] = set()
        self._warned_of_series = False
        equity = self.charts[STRATEGY_EQUITY] = Chart(STRATEGY_EQUITY)
        equity.add_series(CandlestickSeries(EQUITY, 0, "$"))
        equity.add_series(Series(RETURN, SeriesType.BAR, 1, "%"))

    def set_algorithm(self, algorithm: Any, currency: str) -> None:
        """The algorithm whose charts are taken over, and its account currency's sign."""
        self._algorithm = algorithm
        self.currency = currency

    def has(self, chart: str, series: str) -> bool:
        """Whether a chart has a series."""
        return chart in self.charts and series in self.charts[chart].series

    def points(self, chart: str, series: str) -> list[Point]:
        """Times and exact values (closes of candlesticks) of a series; empty when it is not there."""
        if not self.has(chart, series):
            return []
        points: list[Point] = []
        for point in self.charts[chart].series[series].values:
            value = point._close if isinstance(point, Candlestick) else point._y
            if value is None:
                raise numerics.StatisticsError("Nullable object must have a value.")
            points.append((point.time, value))
        return points

    def sample_equity(self, utc_time: datetime, value: Decimal) -> None:
        """Put the equity bar into the chart (made of ``value`` when no step was seen) and start a new one."""
        bar = self.equity_bar
        if not bar.is_set:
            bar.update(value)
        if not self._algorithm.is_warming_up:
            series = self._series(STRATEGY_EQUITY, EQUITY, 0, SeriesType.CANDLE, self.currency)
            if not series.values or utc_time > series.values[-1].time:
                series._append(Candlestick(utc_time, bar.open, bar.high, bar.low, bar.close))
        bar.reset()

    def sample_benchmark(self, utc_time: datetime, value: Decimal) -> None:
        """The benchmark's value."""
        self._sample(BENCHMARK, BENCHMARK, utc_time, value, "$")

    def sample_return(self, utc_time: datetime, percent: Decimal) -> None:
        """The change of the account value since the last daily sample."""
        self._sample(STRATEGY_EQUITY, RETURN, utc_time, percent, "%", series_type=SeriesType.BAR, index=1)

    def sample_drawdown(self, utc_time: datetime, value: Decimal, highest: Decimal) -> None:
        """Distance to the highest daily sample in per cent, two decimals."""
        if highest:
            percent = clr.mul(clr.sub(clr.div(value, highest), clr.ONE), _HUNDRED)
            self._sample(DRAWDOWN, "Equity Drawdown", utc_time, clr.round_half_even(percent, 2), "%")

    def sample_sales_volume(self, utc_time: datetime, portfolio: Any) -> None:
        """What was traded so far of the most traded holdings."""
        traded = [holding for holding in portfolio.values() if holding._total_sale_volume]
        traded.sort(key=lambda holding: -holding._total_sale_volume)
        for holding in traded[:_TOP_HOLDINGS]:
            volume = holding._total_sale_volume
            self._sample(
                SALES_VOLUME, holding.symbol.value, utc_time, volume, self.currency, series_type=SeriesType.TREEMAP
            )

    def sample_exposure(self, utc_time: datetime, value: Decimal, portfolio: Any) -> None:
        """Long and short holdings of each security type as a share of the account value."""
        if not value:
            return
        long: dict[Any, Decimal] = {}
        short: dict[Any, Decimal] = {}
        for holding in portfolio.values():
            kind = holding.symbol.security_type
            worth = holding._holdings_value
            long[kind] = long.get(kind, _ZERO) + max(worth, _ZERO)
            short[kind] = short.get(kind, _ZERO) + min(worth, _ZERO)
        for side, sums in (("Long", long), ("Short", short)):
            for kind, total in sums.items():
                ratio = clr.round_half_even(clr.div(total, value), 4)
                self._sample(EXPOSURE, f"{kind.lean_name} - {side} Ratio", utc_time, ratio, "")

    def sample_capacity(self, utc_time: datetime, capacity: Decimal) -> None:
        """The estimated capacity."""
        self._sample(CAPACITY, "Strategy Capacity", utc_time, capacity, self.currency)

    def sample_turnover(self, utc_time: datetime, turnover: Decimal) -> None:
        """Sale volume since the last sample as a share of the account value; the last sample of a time counts."""
        if not self._algorithm.is_warming_up:
            self._series(TURNOVER, TURNOVER, 0, SeriesType.LINE, "%")._append(ChartPoint(utc_time, turnover))

    def sample_margin(self, utc_time: datetime, value: Decimal, portfolio: Any) -> None:
        """The margin that each position uses as a share of the account value.

        Lean names the series by the ticker of the day on which the backtest runs; here it is the current ticker.
        """
        chart = self.charts.get(MARGIN)
        if chart is None:
            chart = self.charts[MARGIN] = Chart(MARGIN)
            chart.legend_disabled = True
        shares = self._margin_shares(value, portfolio)
        if not shares:
            return
        top = dict(sorted(shares.items(), key=lambda item: -item[1])[:_MARGIN_SERIES])
        others = _ZERO
        for name, share in shares.items():
            if name in top:
                _margin_series(chart, name)._append(ChartPoint(utc_time, clr.mul(share, _HUNDRED)))
            else:
                others += clr.mul(share, _HUNDRED)
        if len(top) < len(shares):
            _margin_series(chart, "OTHERS")._append(ChartPoint(utc_time, others))
        for series in chart.series.values():
            last = series.values[-1] if series.values else None
            if last is None or (last.time != utc_time and last._y is not None):
                series._append(ChartPoint(utc_time, None))

    def _margin_shares(self, value: Decimal, portfolio: Any) -> dict[str, Decimal]:
        shares: dict[str, Decimal] = {}
        for holding in portfolio.values():
            if not holding._quantity:
                continue
            used = reserved_buying_power(self._algorithm.securities[holding.symbol])
            shares[holding.symbol.value] = numerics.round_significant(clr.div(used, value), 4) if value else _ZERO
        return shares

    def take_user_charts(self) -> None:
        """Take over what the algorithm has plotted since the last sample."""
        charts = self._algorithm._charts
        # The order decides which series come too late for the limit.
        for name in concurrent_order(charts) if len(charts) > 1 else charts:
            source = charts[name]
            chart = self.charts.get(source.name)
            if chart is None:
                chart = self.charts[source.name] = Chart(source.name)
            for series in source.series.values():
                self._take_series(chart, series)

    def _take_series(self, chart: Chart, source: Any) -> None:
        new = source.take_updates()
        if len(self._user_series) < self._maximum_series:
            self._user_series[source.name] = None
        elif source.name not in self._user_series:
            if not self._warned_of_series:
                self._warned_of_series = True
                self._warn(
                    "Exceeded maximum chart series count for organization tier, new series will be ignored. Limit is "
                    f"currently set at {self._maximum_series}. {_QUOTAS}"
                )
            return
        if not new:
            return
        target = chart.try_add_and_get_series(source)
        if source.series_type == SeriesType.PIE:
            total = sum((point._y for point in new if point._y is not None), _ZERO)
            target._append(ChartPoint(new[-1].time, total))
        elif len(target.values) + len(new) <= self._maximum_points:
            target.values.extend(new)
        elif chart.name + source.name not in self._full_series:
            self._full_series.add(chart.name + source.name)
            self._warn(
                "Exceeded maximum data points per series for organization tier, chart update skipped. Chart Name "
                f"{chart.name}. Series name {source.name}. {_QUOTAS}Limit is currently set at {self._maximum_points}"
            )

    def _sample(
        self,
        chart: str,
        name: str,
        utc_time: datetime,
        value: Decimal,
        unit: str,
        *,
        series_type: SeriesType = SeriesType.LINE,
        index: int = 0,
    ) -> None:
        if self._algorithm.is_warming_up:
            return
        series = self._series(chart, name, index, series_type, unit)
        if not series.values or utc_time > series.values[-1].time:
            series._append(ChartPoint(utc_time, value))

    def _series(self, chart_name: str, name: str, index: int, series_type: SeriesType, unit: str) -> Any:
        chart = self.charts.get(chart_name)
        if chart is None:
            chart = self.charts[chart_name] = Chart(chart_name)
        series = chart.series.get(name)
        if series is None:
            series = create_series(series_type, name, index, unit)
            chart.add_series(series)
        return series


def _margin_series(chart: Chart, name: str) -> Any:
    series = chart.series.get(name)
    if series is None:
        series = Series(name, SeriesType.BAR, 0, "%", "#808080" if name == "OTHERS" else None)
        series.tooltip = "{SERIES_NAME}: {VALUE}%"
        series.index_name = "Margin Used (%)"
        chart.add_series(series)
    return series
