"""Statistics over equity, returns and benchmark samples.

Source: ``PortfolioStatistics.cs`` and ``Statistics.cs`` of Lean.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from harness.embedded import clr
from harness.embedded.naming import lean_api
from harness.embedded.statistics import numerics
from harness.embedded.statistics.exact import shows
from harness.embedded.statistics.trade_statistics import ticks

_ZERO = clr.ZERO
_TICKS_PER_DAY = 864_000_000_000
RiskFreeRate = Callable[[date], Decimal]


@dataclass(frozen=True, slots=True)
class PortfolioSamples:
    """The samples of one period, in time order.

    ``equity`` pairs UTC time and account value, ``profit_loss`` the results of closed transactions, ``turnover`` the
    daily portfolio turnover; ``returns`` and ``benchmark_returns`` are daily, as fractions, equally many.
    """

    equity: Sequence[tuple[datetime, Decimal]]
    profit_loss: Sequence[Decimal]
    turnover: Sequence[Decimal]
    returns: list[float]
    benchmark_returns: list[float]
    starting_capital: Decimal
    win_count: int
    loss_count: int


_DECIMALS = (
    "average_win_rate",
    "average_loss_rate",
    "profit_loss_ratio",
    "win_rate",
    "loss_rate",
    "expectancy",
    "start_equity",
    "end_equity",
    "compounding_annual_return",
    "drawdown",
    "total_net_profit",
    "sharpe_ratio",
    "probabilistic_sharpe_ratio",
    "sortino_ratio",
    "alpha",
    "beta",
    "annual_standard_deviation",
    "annual_variance",
    "information_ratio",
    "tracking_error",
    "treynor_ratio",
    "portfolio_turnover",
    "value_at_risk_99",
    "value_at_risk_95",
)


@lean_api
@shows(decimals=_DECIMALS)
class PortfolioStatistics:
    """What Lean says about a period's equity; ratios are fractions, annual figures use ``trading_days_per_year``.

    Raises :class:`~harness.embedded.statistics.numerics.StatisticsError` where Lean's constructor throws (a value that
    is not finite); Lean then leaves all statistics of the run empty.
    """

    drawdown_recovery: int = 0
    _average_win_rate: Decimal = _ZERO
    _average_loss_rate: Decimal = _ZERO
    _profit_loss_ratio: Decimal = _ZERO
    _win_rate: Decimal = _ZERO
    _loss_rate: Decimal = _ZERO
    _expectancy: Decimal = _ZERO
    _start_equity: Decimal = _ZERO
    _end_equity: Decimal = _ZERO
    _compounding_annual_return: Decimal = _ZERO
    _drawdown: Decimal = _ZERO
    _total_net_profit: Decimal = _ZERO
    _sharpe_ratio: Decimal = _ZERO
    _probabilistic_sharpe_ratio: Decimal = _ZERO
    _sortino_ratio: Decimal = _ZERO
    _alpha: Decimal = _ZERO
    _beta: Decimal = _ZERO
    _annual_standard_deviation: Decimal = _ZERO
    _annual_variance: Decimal = _ZERO
    _information_ratio: Decimal = _ZERO
    _tracking_error: Decimal = _ZERO
    _treynor_ratio: Decimal = _ZERO
    _portfolio_turnover: Decimal = _ZERO
    _value_at_risk_99: Decimal = _ZERO
    _value_at_risk_95: Decimal = _ZERO

    def __init__(
        self,
        samples: PortfolioSamples | None = None,
        risk_free_rate: RiskFreeRate | None = None,
        trading_days_per_year: int = 252,
    ) -> None:
        if samples is None:
            return
        assert risk_free_rate is not None
        self._start_equity = samples.starting_capital
        self._end_equity = samples.equity[-1][1]
        if samples.turnover:
            self._portfolio_turnover = numerics.decimal_average(samples.turnover)
        if not samples.starting_capital or len(samples.benchmark_returns) < 2 or len(samples.returns) < 2:
            return
        self._set_trade_rates(samples)
        self._set_growth(samples)
        rate = _average_rate(samples.equity, risk_free_rate)
        self._set_risk(samples.returns, samples.benchmark_returns, rate, trading_days_per_year)
        self._drawdown, self.drawdown_recovery = drawdown_metrics(samples.equity)

    def _set_trade_rates(self, samples: PortfolioSamples) -> None:
        capital = samples.starting_capital
        profit = loss = _ZERO
        wins = losses = 0
        for result in samples.profit_loss:
            if result > 0:
                profit = clr.add(profit, clr.div(result, capital))
                wins += 1
            else:
                loss = clr.add(loss, clr.div(result, capital))
                losses += 1
            capital += result
        if wins:
            self._average_win_rate = clr.div(profit, Decimal(wins))
        if losses:
            self._average_loss_rate = clr.div(loss, Decimal(losses))
        if self._average_loss_rate:
            self._profit_loss_ratio = clr.div(self._average_win_rate, abs(self._average_loss_rate))
        total = samples.win_count + samples.loss_count
        if total:
            self._win_rate = clr.div(Decimal(samples.win_count), Decimal(total))
            self._loss_rate = clr.div(Decimal(samples.loss_count), Decimal(total))
        self._expectancy = clr.sub(clr.mul(self._win_rate, self._profit_loss_ratio), self._loss_rate)

    def _set_growth(self, samples: PortfolioSamples) -> None:
        start, end = samples.starting_capital, self._end_equity
        self._total_net_profit = clr.sub(clr.div(end, start), clr.ONE)
        days = ticks(samples.equity[-1][0] - samples.equity[0][0]) / _TICKS_PER_DAY
        years = clr.div(clr.decimal_from_double(days), Decimal(365))
        if not years:
            return
        exponent = numerics.divide(1.0, clr.to_float(years))
        growth = numerics.power(numerics.divide(clr.to_float(end), clr.to_float(start)), exponent) - 1
        if math.isfinite(growth):
            self._compounding_annual_return = numerics.to_decimal(growth)

    def _set_risk(
        self, returns: list[float], benchmark: list[float], risk_free_rate: Decimal, days_per_year: int
    ) -> None:
        self._annual_variance = numerics.to_decimal(_annual_variance(returns, days_per_year))
        self._annual_standard_deviation = numerics.cast(numerics.square_root(clr.to_float(self._annual_variance)))
        benchmark_performance = _annual_performance(benchmark, days_per_year)
        performance = _annual_performance(returns, days_per_year)
        self._sharpe_ratio = _sharpe(performance, self._annual_standard_deviation, risk_free_rate)
        downside = numerics.to_decimal(
            numerics.square_root(_annual_variance([value for value in returns if value < 0], days_per_year))
        )
        self._sortino_ratio = _sharpe(performance, downside, risk_free_rate)
        benchmark_variance = numerics.variance(benchmark)
        if not numerics.is_nan_or_zero(benchmark_variance):
            self._beta = numerics.cast(numerics.covariance(returns, benchmark) / benchmark_variance)
        if self._beta:
            excess = clr.mul(self._beta, clr.sub(benchmark_performance, risk_free_rate))
            self._alpha = clr.sub(performance, clr.add(risk_free_rate, excess))
        if len(returns) == len(benchmark):
            differences = [a - b for a, b in zip(returns, benchmark, strict=True)]
            self._tracking_error = numerics.cast(numerics.square_root(_annual_variance(differences, days_per_year)))
        performance_f = clr.to_float(performance)
        if self._tracking_error:
            difference = numerics.to_decimal(performance_f - clr.to_float(benchmark_performance))
            self._information_ratio = numerics.safe_division(difference, self._tracking_error)
        rate_f = clr.to_float(risk_free_rate)
        if self._beta:
            self._treynor_ratio = numerics.safe_division(numerics.to_decimal(performance_f - rate_f), self._beta)
        target = numerics.divide(1.0, numerics.square_root(days_per_year))
        self._probabilistic_sharpe_ratio = numerics.to_decimal(
            probabilistic_sharpe_ratio(returns, target, numerics.divide(rate_f, days_per_year))
        )
        self._value_at_risk_99 = _value_at_risk(returns, days_per_year, 0.99)
        self._value_at_risk_95 = _value_at_risk(returns, days_per_year, 0.95)


def _average_rate(equity: Sequence[tuple[datetime, Decimal]], rate: RiskFreeRate) -> Decimal:
    """The mean interest rate over all equity samples; each sample counts, so days with more samples weigh more."""
    days: dict[date, int] = {}
    for time, _ in equity:
        day = time.date()
        days[day] = days.get(day, 0) + 1
    total = _ZERO
    for day, count in days.items():
        total += rate(day) * count
    return clr.div(total, Decimal(len(equity)))


def _annual_variance(returns: list[float], days_per_year: int) -> float:
    value = numerics.variance(returns)
    return 0.0 if numerics.is_nan_or_zero(value) else value * days_per_year


def _annual_performance(returns: list[float], days_per_year: int) -> Decimal:
    return numerics.to_decimal(numerics.power(numerics.average(returns) + 1, days_per_year) - 1)


def _sharpe(performance: Decimal, deviation: Decimal, rate: Decimal) -> Decimal:
    """Excess over the risk-free rate by deviation, in doubles; zero for no deviation."""
    if not deviation:
        return _ZERO
    return numerics.to_decimal((clr.to_float(performance) - clr.to_float(rate)) / clr.to_float(deviation))


def probabilistic_sharpe_ratio(returns: list[float], target: float, rate_per_sample: float) -> float:
    """Probability (0..1) that the true Sharpe ratio per sample exceeds ``target``; 0 with fewer than four samples."""
    deviation = numerics.standard_deviation(returns)
    mean = numerics.average(returns) - rate_per_sample
    observed = 0.0 if numerics.is_nan_or_zero(deviation) else mean / deviation
    skewness, kurtosis = numerics.skewness_and_kurtosis(returns)
    spread = (1 - skewness * observed + ((kurtosis - 1) / 4) * numerics.power(observed, 2)) / (len(returns) - 1)
    estimate = numerics.power(spread, 0.5)
    if math.isnan(estimate):
        return 0.0
    return numerics.normal_cumulative(0.0 if estimate == 0 else (observed - target) / estimate)


def _value_at_risk(returns: list[float], lookback: int, confidence: float) -> Decimal:
    """One-day value at risk by variance and covariance over the last ``lookback`` returns, three decimals."""
    recent = returns[-lookback:] if lookback > 0 else []
    value = numerics.normal_quantile(numerics.running_mean(recent), numerics.standard_deviation(recent), confidence)
    return clr.round_half_even(numerics.cast(value), 3)


def drawdown_metrics(equity: Sequence[tuple[datetime, Decimal]]) -> tuple[Decimal, int]:
    """Largest drawdown (fraction, three decimals) and the longest recovery in whole days."""
    if len(equity) < 2:
        return _ZERO, 0
    peak_time, peak = equity[0]
    start: datetime | None = None
    lowest_value = lowest_peak = clr.ONE
    longest = _ZERO
    for time, value in equity:
        if value >= peak:
            if start is not None:
                longest = max(longest, clr.decimal_from_double(ticks(time - start) / _TICKS_PER_DAY))
                start = None
            peak_time, peak = time, value
        if not peak:
            return _ZERO, 0
        # Of a peak below zero, which only an account that starts there has, a smaller value is no drawdown.
        if value < peak and peak > 0:
            if start is None:
                start = peak_time
            # The ratios are compared by their cross products, so that one division is enough.
            if value * lowest_peak < lowest_value * peak:
                lowest_value, lowest_peak = value, peak
    drawdown = clr.sub(clr.div(lowest_value, lowest_peak), clr.ONE)
    return clr.round_half_even(abs(drawdown), 3), int(longest)
