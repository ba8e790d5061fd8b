"""Statistics over closed trades.

Source: ``TradeStatistics.cs`` of Lean. Averages are updated trade by trade in decimal, durations in ticks of 100 ns, so
that the last digit and the number of decimals come out as Lean's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from harness.embedded import clr
from harness.embedded.naming import lean_api
from harness.embedded.statistics.exact import shows
from harness.embedded.statistics.trade import Trade

_ZERO = clr.ZERO
_TICKS_PER_SECOND = 10_000_000
_TEN = Decimal(10)


def ticks(span: timedelta) -> int:
    """A duration in ticks of 100 ns."""
    return (span.days * 86_400_000_000 + span.seconds * 1_000_000 + span.microseconds) * 10


def _average_step(average_ticks: int, value_ticks: int, count: int) -> int:
    """The running average of durations: through doubles of seconds, truncated to a tick."""
    step_s = (value_ticks / _TICKS_PER_SECOND - average_ticks / _TICKS_PER_SECOND) / count
    return average_ticks + int(step_s * _TICKS_PER_SECOND)


def _root(value: Decimal) -> Decimal:
    return clr.decimal_from_double(math.sqrt(clr.to_float(value)))


def _step(average: Decimal, value: Decimal, count: int) -> Decimal:
    return clr.add(average, clr.div(clr.sub(value, average), Decimal(count)))


def _median(values: list[int]) -> int:
    return sorted(values)[len(values) // 2] if values else 0


_DECIMALS = (
    "total_profit_loss",
    "total_profit",
    "total_loss",
    "largest_profit",
    "largest_loss",
    "average_profit_loss",
    "average_profit",
    "average_loss",
    "profit_loss_ratio",
    "win_loss_ratio",
    "win_rate",
    "loss_rate",
    "average_mae",
    "average_mfe",
    "largest_mae",
    "largest_mfe",
    "maximum_closed_trade_drawdown",
    "maximum_intra_trade_drawdown",
    "profit_loss_standard_deviation",
    "profit_loss_downside_deviation",
    "profit_factor",
    "sharpe_ratio",
    "sortino_ratio",
    "profit_to_max_drawdown_ratio",
    "maximum_end_trade_drawdown",
    "average_end_trade_drawdown",
    "total_fees",
)
_DURATIONS = (
    "average_trade_duration",
    "average_winning_trade_duration",
    "average_losing_trade_duration",
    "median_trade_duration",
    "median_winning_trade_duration",
    "median_losing_trade_duration",
    "maximum_drawdown_duration",
)


@lean_api(
    names={
        "average_mae": "AverageMAE",
        "average_mfe": "AverageMFE",
        "largest_mae": "LargestMAE",
        "largest_mfe": "LargestMFE",
    }
)
@shows(decimals=_DECIMALS, durations=_DURATIONS)
class TradeStatistics:
    """What Lean says about a list of closed trades; all zero for none. Money is account currency."""

    start_date_time: datetime | None = None
    end_date_time: datetime | None = None
    total_number_of_trades: int = 0
    number_of_winning_trades: int = 0
    number_of_losing_trades: int = 0
    max_consecutive_winning_trades: int = 0
    max_consecutive_losing_trades: int = 0
    _total_profit_loss: Decimal = _ZERO
    _total_profit: Decimal = _ZERO
    _total_loss: Decimal = _ZERO
    _largest_profit: Decimal = _ZERO
    _largest_loss: Decimal = _ZERO
    _average_profit_loss: Decimal = _ZERO
    _average_profit: Decimal = _ZERO
    _average_loss: Decimal = _ZERO
    _average_trade_duration_ticks: int = 0
    _average_winning_trade_duration_ticks: int = 0
    _average_losing_trade_duration_ticks: int = 0
    _median_trade_duration_ticks: int = 0
    _median_winning_trade_duration_ticks: int = 0
    _median_losing_trade_duration_ticks: int = 0
    _profit_loss_ratio: Decimal = _ZERO
    _win_loss_ratio: Decimal = _ZERO
    _win_rate: Decimal = _ZERO
    _loss_rate: Decimal = _ZERO
    _average_mae: Decimal = _ZERO
    _average_mfe: Decimal = _ZERO
    _largest_mae: Decimal = _ZERO
    _largest_mfe: Decimal = _ZERO
    _maximum_closed_trade_drawdown: Decimal = _ZERO
    _maximum_intra_trade_drawdown: Decimal = _ZERO
    _profit_loss_standard_deviation: Decimal = _ZERO
    _profit_loss_downside_deviation: Decimal = _ZERO
    _profit_factor: Decimal = _ZERO
    _sharpe_ratio: Decimal = _ZERO
    _sortino_ratio: Decimal = _ZERO
    _profit_to_max_drawdown_ratio: Decimal = _ZERO
    _maximum_end_trade_drawdown: Decimal = _ZERO
    _average_end_trade_drawdown: Decimal = _ZERO
    _maximum_drawdown_duration_ticks: int = 0
    _total_fees: Decimal = _ZERO

    def __init__(self, trades: Iterable[Trade] = ()) -> None:
        streaks = _Streaks()
        drawdowns = _Drawdowns()
        all_ticks: list[int] = []
        winning_ticks: list[int] = []
        losing_ticks: list[int] = []
        sum_for_variance = sum_for_downside = _ZERO
        wins_despite_loss = 0
        for trade in trades:
            if self.start_date_time is None or trade.entry_time < self.start_date_time:
                self.start_date_time = trade.entry_time
            if self.end_date_time is None or trade.exit_time > self.end_date_time:
                self.end_date_time = trade.exit_time
            self.total_number_of_trades += 1
            profit = trade._profit_loss
            duration = ticks(trade.duration)
            drawdowns.before(trade, self._total_profit_loss)
            self._total_profit_loss += profit
            if profit > 0:
                self.number_of_winning_trades += 1
                self._total_profit += profit
                self._average_profit = _step(self._average_profit, profit, self.number_of_winning_trades)
                self._average_winning_trade_duration_ticks = _average_step(
                    self._average_winning_trade_duration_ticks, duration, self.number_of_winning_trades
                )
                winning_ticks.append(duration)
                self._largest_profit = max(self._largest_profit, profit)
                streaks.win()
                drawdowns.after_win(trade, self._total_profit_loss)
            else:
                self.number_of_losing_trades += 1
                self._total_loss += profit
                previous = self._average_loss
                self._average_loss = _step(previous, profit, self.number_of_losing_trades)
                sum_for_downside = clr.add(
                    sum_for_downside, clr.mul(clr.sub(profit, previous), clr.sub(profit, self._average_loss))
                )
                self._average_losing_trade_duration_ticks = _average_step(
                    self._average_losing_trade_duration_ticks, duration, self.number_of_losing_trades
                )
                losing_ticks.append(duration)
                self._largest_loss = min(self._largest_loss, profit)
                if trade.is_win:
                    wins_despite_loss += 1
                    streaks.win()
                else:
                    streaks.lose()
                drawdowns.after_loss(self._total_profit_loss)
            previous = self._average_profit_loss
            self._average_profit_loss = _step(previous, profit, self.total_number_of_trades)
            sum_for_variance = clr.add(
                sum_for_variance, clr.mul(clr.sub(profit, previous), clr.sub(profit, self._average_profit_loss))
            )
            self._average_trade_duration_ticks = _average_step(
                self._average_trade_duration_ticks, duration, self.total_number_of_trades
            )
            all_ticks.append(duration)
            self._average_mae = _step(self._average_mae, trade._mae, self.total_number_of_trades)
            self._average_mfe = _step(self._average_mfe, trade._mfe, self.total_number_of_trades)
            self._largest_mae = min(self._largest_mae, trade._mae)
            self._largest_mfe = max(self._largest_mfe, trade._mfe)
            self._maximum_end_trade_drawdown = max(self._maximum_end_trade_drawdown, trade._end_trade_drawdown)
            self._total_fees += trade._total_fees
        self._profit_loss_standard_deviation = _deviation(sum_for_variance, self.total_number_of_trades)
        self._profit_loss_downside_deviation = _deviation(sum_for_downside, self.number_of_losing_trades)
        self.number_of_winning_trades += wins_despite_loss
        self.number_of_losing_trades -= wins_despite_loss
        self.max_consecutive_winning_trades = streaks.most_winners
        self.max_consecutive_losing_trades = streaks.most_losers
        self._maximum_closed_trade_drawdown = drawdowns.closed
        self._maximum_intra_trade_drawdown = drawdowns.intra
        self._maximum_drawdown_duration_ticks = drawdowns.longest_ticks
        self._median_trade_duration_ticks = _median(all_ticks)
        self._median_winning_trade_duration_ticks = _median(winning_ticks)
        self._median_losing_trade_duration_ticks = _median(losing_ticks)
        self._set_ratios()

    def _set_ratios(self) -> None:
        count = self.total_number_of_trades
        if not count:
            return
        wins, losses = Decimal(self.number_of_winning_trades), Decimal(self.number_of_losing_trades)
        if self._average_loss:
            self._profit_loss_ratio = clr.div(self._average_profit, abs(self._average_loss))
        self._win_loss_ratio = clr.div(wins, losses) if losses > 0 else _TEN
        self._win_rate = clr.div(wins, Decimal(count))
        self._loss_rate = clr.ONE - self._win_rate
        if self._total_profit:
            self._profit_factor = clr.div(self._total_profit, abs(self._total_loss)) if self._total_loss < 0 else _TEN
        if self._profit_loss_standard_deviation > 0:
            self._sharpe_ratio = clr.div(self._average_profit_loss, self._profit_loss_standard_deviation)
        if self._profit_loss_downside_deviation > 0:
            self._sortino_ratio = clr.div(self._average_profit_loss, self._profit_loss_downside_deviation)
        if self._total_profit_loss:
            self._profit_to_max_drawdown_ratio = (
                clr.div(self._total_profit_loss, abs(self._maximum_closed_trade_drawdown))
                if self._maximum_closed_trade_drawdown < 0
                else _TEN
            )
        self._average_end_trade_drawdown = clr.sub(self._average_profit_loss, self._average_mfe)


def _deviation(sum_of_squares: Decimal, count: int) -> Decimal:
    return _root(clr.div(sum_of_squares, Decimal(count - 1))) if count > 1 else _ZERO


class _Streaks:
    """Longest runs of winners and losers."""

    def __init__(self) -> None:
        self.winners = self.losers = self.most_winners = self.most_losers = 0

    def win(self) -> None:
        self.winners += 1
        self.losers = 0
        self.most_winners = max(self.most_winners, self.winners)

    def lose(self) -> None:
        self.winners = 0
        self.losers += 1
        self.most_losers = max(self.most_losers, self.losers)


class _Drawdowns:
    """Drawdowns of the running total of profits, and the longest time to a new high."""

    def __init__(self) -> None:
        self.closed = self.intra = _ZERO
        self.longest_ticks = 0
        self._peak = self._peak_with_mfe = _ZERO
        self._peak_time: datetime | None = None
        self._below_peak = False

    def before(self, trade: Trade, total: Decimal) -> None:
        if self._peak_time is None:
            self._peak_time = trade.entry_time
        self._peak_with_mfe = max(self._peak_with_mfe, total + trade._mfe)
        self.intra = min(self.intra, total + trade._mae - self._peak_with_mfe)

    def after_win(self, trade: Trade, total: Decimal) -> None:
        if total <= self._peak:
            return
        self._peak = total
        assert self._peak_time is not None
        if self._below_peak:
            self.longest_ticks = max(self.longest_ticks, ticks(trade.exit_time - self._peak_time))
        self._peak_time = trade.exit_time
        self._below_peak = False

    def after_loss(self, total: Decimal) -> None:
        self.closed = min(self.closed, total - self._peak)
        self._below_peak = True
