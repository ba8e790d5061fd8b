"""Statistics of the whole backtest and of its rolling windows, and the summary texts.

Source: ``StatisticsBuilder.cs`` of Lean.
"""

from __future__ import annotations

import decimal
import itertools
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from harness.embedded import clr
from harness.embedded.statistics import numerics
from harness.embedded.statistics.performance import AlgorithmPerformance, PerformanceMetrics, StatisticsResults
from harness.embedded.statistics.portfolio_statistics import PortfolioSamples, PortfolioStatistics, RiskFreeRate
from harness.embedded.statistics.trade import Trade
from harness.embedded.statistics.trade_statistics import TradeStatistics

Point = tuple[datetime, Decimal]
_DAY = timedelta(days=1)
_WINDOW_MONTHS = (1, 3, 6, 12)
_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Transaction:
    """The result of one closed transaction: UTC time, profit in account currency, and whether it counts as a win."""

    utc_time: datetime
    profit_loss: Decimal
    is_win: bool


@dataclass(frozen=True, slots=True)
class CapacityFigure:
    """Estimated strategy capacity in account currency, and the security identifier that limits it ("" for none)."""

    capacity: Decimal = clr.ZERO
    lowest_asset: str = ""


@dataclass(frozen=True, slots=True)
class StatisticsInput:
    """Everything the statistics are computed from.

    Points pair a naive UTC time and a value and are in time order: ``equity`` (closes of the equity chart),
    ``performance`` (daily return in per cent), ``benchmark`` (its value), ``turnover``. ``trades`` are oldest first.
    """

    trades: Sequence[Trade]
    transactions: Sequence[Transaction]
    equity: Sequence[Point]
    performance: Sequence[Point]
    benchmark: Sequence[Point]
    turnover: Sequence[Point]
    starting_capital: Decimal
    total_fees: Decimal
    total_orders: int
    capacity: CapacityFigure
    currency_symbol: str
    risk_free_rate: RiskFreeRate
    trading_days_per_year: int


def generate(data: StatisticsInput) -> StatisticsResults:
    """All statistics. Raises ``StatisticsError`` where Lean gives up and leaves the results empty."""
    samples = _Series(data)
    first, last = samples.first_date, samples.last_date
    total = samples.performance(first, last)
    rolling: dict[str, AlgorithmPerformance] = {}
    for months in _WINDOW_MONTHS:
        for start, end in period_ranges(months, first, last):
            rolling[f"M{months}_{end:%Y%m%d}"] = samples.performance(start, end)
    return StatisticsResults(total, rolling, summary(total, data))


def period_ranges(months: int, first: date, last: date) -> Iterator[tuple[date, date]]:
    """Ranges of ``months`` months ending at every month's end and at ``last``; none starts before ``first``."""
    ends = [last]
    day = last.replace(day=1) - _DAY
    while day >= first:
        ends.append(day)
        day = day.replace(day=1) - _DAY
    ends.reverse()
    yield first, ends[0]
    for previous, end in itertools.pairwise(ends):
        following = previous + _DAY
        month = following.year * 12 + following.month - 1 + 1 - months
        year, index = divmod(month, 12)
        yield max(first, date(year, index + 1, following.day)), end


class _Series:
    """The points of a run as sorted columns, cut by date."""

    def __init__(self, data: StatisticsInput) -> None:
        self._data = data
        self._equity = _unique(data.equity)
        self._transactions = sorted(data.transactions, key=lambda item: item.utc_time)
        self.first_date = self._equity[0][0].date() if self._equity else date.min
        self.last_date = self._equity[-1][0].date() if self._equity else date.min

    def performance(self, start: date, end: date) -> AlgorithmPerformance:
        """The statistics from ``start`` to ``end``, both inclusive."""
        data = self._data
        equity = _between(self._equity, start, end)
        if not equity:
            return AlgorithmPerformance()
        lower = datetime.combine(start, time())
        upper = datetime.combine(end, time()) + _DAY
        trades = [trade for trade in data.trades if lower <= trade.exit_time < upper]
        transactions = [item for item in self._transactions if lower <= item.utc_time < upper]
        benchmark = _between(_unique(data.benchmark), start, end)
        returns = _between(_unique(data.performance), start, end)
        if len(benchmark) != len(returns):
            difference = abs(len(benchmark) - len(returns))
            raise numerics.StatisticsError(f"Benchmark and performance series has {difference} misaligned values.")
        wins = sum(item.is_win for item in transactions)
        samples = PortfolioSamples(
            equity=equity,
            profit_loss=[item.profit_loss for item in transactions],
            turnover=[value for _, value in _between(_unique(data.turnover), start, end)],
            returns=[clr.to_float(clr.div(value, _HUNDRED)) for _, value in returns[2:]],
            benchmark_returns=benchmark_differences(benchmark),
            starting_capital=data.starting_capital if len(equity) == len(self._equity) else equity[0][1],
            win_count=wins,
            loss_count=len(transactions) - wins,
        )
        statistics = PortfolioStatistics(samples, data.risk_free_rate, data.trading_days_per_year)
        return AlgorithmPerformance(TradeStatistics(trades), statistics, trades)


def benchmark_differences(points: Sequence[Point]) -> list[float]:
    """Relative changes from point to point as fractions, without the first change.

    Lean drops day one of both series, since orders at the open would misalign them.
    """
    changes = []
    for (_, previous), (_, value) in itertools.pairwise(points[1:]):
        changes.append(clr.to_float(clr.div(value - previous, previous)) if previous else 0.0)
    return changes


def _unique(points: Sequence[Point]) -> list[Point]:
    """Points with the last value of each time (a sorted dictionary in Lean)."""
    return sorted(dict(points).items())


def _between(points: list[Point], start: date, end: date) -> list[Point]:
    low = bisect_left(points, datetime.combine(start, time()), key=_time)
    high = bisect_left(points, datetime.combine(end, time()) + _DAY, key=_time)
    return points[low:high]


def _time(point: Point) -> datetime:
    return point[0]


def summary(total: AlgorithmPerformance, data: StatisticsInput) -> dict[str, str]:
    """The 27 statistics as Lean prints them, in its order."""
    p = total.portfolio_statistics
    metrics = PerformanceMetrics
    capacity = numerics.round_significant(data.capacity.capacity, 2)
    return {
        metrics.TOTAL_ORDERS: str(data.total_orders),
        metrics.AVERAGE_WIN: _percent(p._average_win_rate, 2),
        metrics.AVERAGE_LOSS: _percent(p._average_loss_rate, 2),
        metrics.COMPOUNDING_ANNUAL_RETURN: _percent(p._compounding_annual_return, 3),
        metrics.DRAWDOWN: _percent(p._drawdown, 3),
        metrics.EXPECTANCY: _rounded(p._expectancy, 3),
        metrics.START_EQUITY: _rounded(p._start_equity, 2),
        metrics.END_EQUITY: _rounded(p._end_equity, 2),
        metrics.NET_PROFIT: _percent(p._total_net_profit, 3),
        metrics.SHARPE_RATIO: _double(p._sharpe_ratio),
        metrics.SORTINO_RATIO: _double(p._sortino_ratio),
        metrics.PROBABILISTIC_SHARPE_RATIO: _percent(p._probabilistic_sharpe_ratio, 3),
        metrics.LOSS_RATE: _percent(p._loss_rate, 0),
        metrics.WIN_RATE: _percent(p._win_rate, 0),
        metrics.PROFIT_LOSS_RATIO: _rounded(p._profit_loss_ratio, 2),
        metrics.ALPHA: _double(p._alpha),
        metrics.BETA: _double(p._beta),
        metrics.ANNUAL_STANDARD_DEVIATION: _double(p._annual_standard_deviation),
        metrics.ANNUAL_VARIANCE: _double(p._annual_variance),
        metrics.INFORMATION_RATIO: _double(p._information_ratio),
        metrics.TRACKING_ERROR: _double(p._tracking_error),
        metrics.TREYNOR_RATIO: _double(p._treynor_ratio),
        metrics.TOTAL_FEES: data.currency_symbol + fixed_text(data.total_fees, 2),
        metrics.ESTIMATED_STRATEGY_CAPACITY: data.currency_symbol + clr.decimal_text(capacity),
        metrics.LOWEST_CAPACITY_ASSET: data.capacity.lowest_asset,
        metrics.PORTFOLIO_TURNOVER: _percent(p._portfolio_turnover, 2),
        metrics.DRAWDOWN_RECOVERY: str(p.drawdown_recovery),
    }


def _percent(value: Decimal, digits: int) -> str:
    return _rounded(numerics.times_100(value), digits) + "%"


def _rounded(value: Decimal, digits: int) -> str:
    return clr.decimal_text(clr.round_half_even(value, digits))


def _double(value: Decimal) -> str:
    return clr.double_text(round_double(clr.to_float(value), 3))


def round_double(value: float, digits: int) -> float:
    """``Math.Round(double, digits)``: scaled by a power of ten, rounded half to even, scaled back."""
    if abs(value) >= 1e16:
        return value
    scale = 10.0**digits
    return _to_even(value * scale) / scale


def _to_even(value: float) -> float:
    rounded = float(round(value))
    return -0.0 if rounded == 0 and value < 0 else rounded


def fixed_text(value: Decimal, digits: int) -> str:
    """A .NET format such as ``0.00`` or ``F2``: fixed digits, halves away from zero, no negative zero."""
    rounded = value.quantize(Decimal(1).scaleb(-digits), rounding=decimal.ROUND_HALF_UP)
    return clr.decimal_text(rounded)


def number_text(value: Decimal, digits: int) -> str:
    """The .NET format ``N``: fixed digits and groups of three."""
    return f"{Decimal(fixed_text(value, digits)):,f}"


def percent_text(value: Decimal) -> str:
    """The invariant .NET format ``P``: times 100, two digits, groups, and a space before the sign."""
    return f"{number_text(value * 100, 2)} %"
