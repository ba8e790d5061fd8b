"""The statistics of a period, of its rolling windows, and the summary's names.

Source: ``AlgorithmPerformance.cs``, ``StatisticsResults.cs`` and ``PerformanceMetrics.cs`` of Lean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.embedded.dotnet import concurrent_order
from harness.embedded.naming import lean_api
from harness.embedded.statistics.portfolio_statistics import PortfolioStatistics
from harness.embedded.statistics.trade import Trade
from harness.embedded.statistics.trade_statistics import TradeStatistics


@lean_api
@dataclass(slots=True)
class AlgorithmPerformance:
    """Trade and portfolio statistics of one period, and its closed trades."""

    trade_statistics: TradeStatistics = field(default_factory=TradeStatistics)
    portfolio_statistics: PortfolioStatistics = field(default_factory=PortfolioStatistics)
    closed_trades: list[Trade] = field(default_factory=list)


@lean_api
@dataclass(slots=True)
class StatisticsResults:
    """Whole period, rolling windows by name (``M1_20251031``) and the summary's texts in Lean's order."""

    total_performance: AlgorithmPerformance = field(default_factory=AlgorithmPerformance)
    rolling_performances: dict[str, AlgorithmPerformance] = field(default_factory=dict)
    summary: dict[str, str] = field(default_factory=dict)

    def add_custom_summary_statistics(self, custom: Mapping[str, str]) -> None:
        """Add the algorithm's own statistics; those that Lean computes are never replaced."""
        for name in concurrent_order(custom):
            self.summary.setdefault(name, custom[name])


class PerformanceMetrics:
    """The names of the summary's statistics."""

    ALPHA = "Alpha"
    ANNUAL_STANDARD_DEVIATION = "Annual Standard Deviation"
    ANNUAL_VARIANCE = "Annual Variance"
    AVERAGE_LOSS = "Average Loss"
    AVERAGE_WIN = "Average Win"
    BETA = "Beta"
    COMPOUNDING_ANNUAL_RETURN = "Compounding Annual Return"
    DRAWDOWN = "Drawdown"
    ESTIMATED_STRATEGY_CAPACITY = "Estimated Strategy Capacity"
    EXPECTANCY = "Expectancy"
    START_EQUITY = "Start Equity"
    END_EQUITY = "End Equity"
    INFORMATION_RATIO = "Information Ratio"
    LOSS_RATE = "Loss Rate"
    NET_PROFIT = "Net Profit"
    PROBABILISTIC_SHARPE_RATIO = "Probabilistic Sharpe Ratio"
    PROFIT_LOSS_RATIO = "Profit-Loss Ratio"
    SHARPE_RATIO = "Sharpe Ratio"
    SORTINO_RATIO = "Sortino Ratio"
    TOTAL_FEES = "Total Fees"
    TOTAL_ORDERS = "Total Orders"
    TRACKING_ERROR = "Tracking Error"
    TREYNOR_RATIO = "Treynor Ratio"
    WIN_RATE = "Win Rate"
    LOWEST_CAPACITY_ASSET = "Lowest Capacity Asset"
    PORTFOLIO_TURNOVER = "Portfolio Turnover"
    DRAWDOWN_RECOVERY = "Drawdown Recovery"


for _name, _value in list(vars(PerformanceMetrics).items()):
    if not _name.startswith("_"):
        setattr(PerformanceMetrics, "".join(part.capitalize() for part in _name.split("_")), _value)
