"""Samples a backtest while it runs, and leaves its results.

Source: ``BaseResultsHandler.cs`` and ``BacktestingResultHandler.cs`` of Lean. Lean calls the handler at the end of
every time step; here :attr:`BacktestingResultHandler.next_sample_utc_us` says from when on a call changes anything.
What Lean would have seen in the steps between (the account value at their ends, the bars of recently traded symbols)
is given later in one piece: :meth:`BacktestingResultHandler.update_equity_range` and the ``bars_between`` provider.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from harness.embedded import clr
from harness.embedded.clock import from_us, to_us
from harness.embedded.enums import AlgorithmStatus
from harness.embedded.not_supported import NotSupportedError
from harness.embedded.results.chart_sampling import ChartSampler
from harness.embedded.results.document import BacktestDocument
from harness.embedded.results.json_writer import dumps
from harness.embedded.results.log_store import LogStore, MessageSink, with_time
from harness.embedded.results.order_events_json import order_events_text
from harness.embedded.results.order_hash import order_list_hash
from harness.embedded.statistics import builder, numerics
from harness.embedded.statistics.builder import CapacityFigure, StatisticsInput, Transaction
from harness.embedded.statistics.capacity import BarsBetween, CapacityEstimate, MarketBars
from harness.embedded.statistics.performance import AlgorithmPerformance, PerformanceMetrics, StatisticsResults

_ZERO = clr.ZERO
_DEFAULT_RATE = Decimal("0.01")
_TICKS_PER_MINUTE = 600_000_000
_SAMPLES = 4000
_LEAST_SAMPLE_MINUTES = 4
_CURRENCY_SYMBOLS = {"USD": "$", "GBP": "₤", "JPY": "¥", "EUR": "€", "CAD": "$", "AUD": "$", "NZD": "$", "CHF": "Fr"}


@dataclass(frozen=True, slots=True)
class ResultSettings:
    """Where results go and under which names. ``engine_version`` is shown in the server statistics."""

    algorithm_id: str
    results_folder: Path
    name: str = "local"
    engine_version: str = ""
    maximum_chart_series: int = 30
    maximum_points_per_series: int = 1_000_000
    optimization_id: str = ""


# A new AlgorithmConfiguration of Lean (BacktestResultPacket.CreateEmpty).
_NO_CONFIGURATION: Mapping[str, Any] = {
    "name": None,
    "tags": None,
    "brokerage": 0,
    "accountType": 0,
    "parameters": None,
    "outOfSampleMaxEndDate": None,
    "outOfSampleDays": 0,
    "startDate": "0001-01-01T00:00:00Z",
    "endDate": "0001-01-01T00:00:00Z",
    "tradingDaysPerYear": 252,
}


def currency_symbol(currency: str) -> str:
    """The sign of a currency, or its code."""
    return _CURRENCY_SYMBOLS.get(currency, currency)


def _no_bars(_symbol: Any, _after_us: int, _until_us: int) -> MarketBars:
    return MarketBars((), (), (), 0)


def _no_benchmark(_utc_time: datetime) -> Decimal:
    return _ZERO


def _default_rate(_day: date) -> Decimal:
    return _DEFAULT_RATE


class BacktestingResultHandler:
    """Lean's backtesting result handler.

    Call :meth:`attach` before the algorithm's ``initialize`` and :meth:`set_algorithm` after it. The loop compares the
    time of each step with :attr:`next_sample_utc_us` and calls :meth:`process_synchronous_events` at the end of the
    step when it has come.
    """

    def __init__(self, settings: ResultSettings, sink: MessageSink | None = None) -> None:
        self.settings = settings
        self.next_sample_utc_us = 0
        self.charts = ChartSampler(
            settings.maximum_chart_series, settings.maximum_points_per_series, self.debug_message
        )
        self.log_store = LogStore(sink)
        self.risk_free_rate: Callable[[date], Decimal] = _default_rate
        self.bars_between: BarsBetween = _no_bars
        self._benchmark: Callable[[datetime], Decimal] = _no_benchmark
        self._transaction_handler: Any = None
        self._speaker: Any = None
        self._algorithm: Any = None
        self._capacity: CapacityEstimate | None = None
        self._custom_statistics: dict[str, str] = {}
        self._runtime_statistics: dict[str, str] = {}
        self._started_s = time.time()
        self._state = {
            "StartTime": _wall_text(self._started_s),
            "EndTime": "",
            "RuntimeError": "",
            "StackTrace": "",
            "LogCount": "0",
            "OrderCount": "0",
            "InsightCount": "0",
            "Name": settings.name,
            "Hostname": socket.gethostname(),
        }
        if settings.optimization_id:
            self._state["OptimizationId"] = settings.optimization_id
        self._starting_value = self._daily_value = self._highest_value = _ZERO
        self._portfolio_value = _ZERO
        self._unrealized_profit = _ZERO
        self._next_sample_ticks = -1
        self._resample_ticks = _LEAST_SAMPLE_MINUTES * _TICKS_PER_MINUTE
        self._sales_volumes = (_ZERO, _ZERO)
        self._turnover_time: datetime | None = None

    # -- what the engine tells -----------------------------------------------------------------------------------

    def attach(self, algorithm: Any) -> None:
        """The algorithm before its ``initialize``: what it says there is logged with its time."""
        self._speaker = algorithm

    def set_algorithm(
        self,
        algorithm: Any,
        starting_value: Decimal,
        *,
        bars_between: BarsBetween = _no_bars,
        transaction_handler: Any = None,
        risk_free_rate: Callable[[date], Decimal] = _default_rate,
        benchmark: Callable[[datetime], Decimal] = _no_benchmark,
    ) -> None:
        """The algorithm after its set-up (or a failed one), and its account value before the first step.

        ``transaction_handler`` has ``orders`` (by id) and ``order_events``; ``risk_free_rate`` gives a day's rate as a
        fraction, ``benchmark`` the benchmark's value at a UTC time.
        """
        self._algorithm = self._speaker = algorithm
        self.bars_between = bars_between
        self.risk_free_rate = risk_free_rate
        self._transaction_handler = transaction_handler
        self._benchmark = benchmark
        self._highest_value = self._daily_value = self._starting_value = self._portfolio_value = starting_value
        self._unrealized_profit = _ZERO
        self._state["Name"] = algorithm.name
        self.charts.set_algorithm(algorithm, currency_symbol(algorithm.account_currency))
        self._capacity = CapacityEstimate(algorithm, self._bars)
        # Lean's end date is the last tick (100 ns) of the day, which a datetime cannot hold.
        span_us = to_us(algorithm.end_date) - to_us(algorithm.start_date)
        span_ticks = span_us * 10 + (9 if algorithm.end_date.microsecond == 999_999 else 0)
        minutes = span_ticks / _TICKS_PER_MINUTE
        period = _LEAST_SAMPLE_MINUTES if minutes < _LEAST_SAMPLE_MINUTES * _SAMPLES else minutes / _SAMPLES
        self._resample_ticks = int(period * _TICKS_PER_MINUTE)

    def _bars(self, symbol: Any, after_us: int, until_us: int) -> MarketBars:
        return self.bars_between(symbol, after_us, until_us)

    def order_event(self, event: Any) -> None:
        """Every order event, after the portfolio and the trade builder have seen it."""
        if self._capacity is not None:
            self._capacity.on_order_event(event)
            self._set_due()

    def advance_capacity(self) -> None:
        """Let the capacity estimate take the bars up to now, before they go or a security does."""
        if self._capacity is not None:
            self._capacity.advance(self._algorithm.clock.utc_us)

    def on_warmup_finished(self) -> None:
        """Start from the account value at the end of the warm-up."""
        portfolio = self._algorithm.portfolio
        value = self._portfolio_value = portfolio._total_portfolio_value
        if portfolio._asks_fee_models:
            self._unrealized_profit = portfolio._total_unrealized_profit
        # Values that did not change keep their number of decimals, which shows in the statistics' texts.
        if self._highest_value != value:
            self._highest_value = value
        if self._daily_value != value:
            self._daily_value = value
        if self._starting_value != value:
            self._starting_value = value
            self.charts.equity_bar.reset()

    def update_equity(self, value: Decimal) -> None:
        """The account value at the end of one step that was skipped."""
        self.charts.equity_bar.update(value)

    def update_equity_range(self, first: Decimal, low: Decimal, high: Decimal, last: Decimal) -> None:
        """The account values at the ends of the steps that were skipped: first, lowest, highest, last."""
        for value in (first, low, high, last):
            self.charts.equity_bar.update(value)

    def process_synchronous_events(self, force: bool = False, step_done: bool = True, extra_ticks: int = 0) -> None:
        """The end of a time step at the algorithm's time.

        ``force`` samples whether due or not; then ``step_done`` tells whether the current step had its own end before
        (false when an error or a stop ended the run inside the step). ``extra_ticks`` (100 ns each) is what the step's
        time is beyond the clock's microseconds.
        """
        algorithm = self._algorithm
        if algorithm is None:
            return
        utc_us: int = algorithm.clock.utc_us
        self._portfolio_value = algorithm.portfolio._total_portfolio_value
        if force or algorithm.portfolio._asks_fee_models:
            self._unrealized_profit = algorithm.portfolio._total_unrealized_profit
        assert self._capacity is not None
        self._capacity.update(utc_us, force, step_done)
        self.charts.equity_bar.update(self._portfolio_value)
        now_ticks = utc_us * 10 + extra_ticks
        if force or now_ticks > self._next_sample_ticks:
            self._next_sample_ticks = now_ticks + self._resample_ticks
            self.charts.sample_equity(algorithm.clock.utc, self._portfolio_value)
            self.charts.take_user_charts()
            self.log_store.drain()
            self._runtime_statistics.update(algorithm.runtime_statistics)
        self._set_due()

    def ask_at_every_step(self) -> None:
        """A fee model of user code stands for a position: from now on it is asked at the end of every time step."""
        self.next_sample_utc_us = 0

    def _set_due(self) -> None:
        if self._algorithm.portfolio._asks_fee_models:
            return self.ask_at_every_step()
        due_us = self._next_sample_ticks // 10 + 1
        snapshot_us = self._capacity.next_due_us if self._capacity is not None else None
        self.next_sample_utc_us = due_us if snapshot_us is None else min(due_us, snapshot_us)

    def sample(self, utc_time: datetime) -> None:
        """The daily sample, and the last one: all charts but the algorithm's own."""
        algorithm = self._algorithm
        portfolio = algorithm.portfolio
        value = self._portfolio_value = portfolio._total_portfolio_value
        if portfolio._asks_fee_models:
            self._unrealized_profit = portfolio._total_unrealized_profit
        benchmark = numerics.smart_rounding(self._benchmark(utc_time))
        performance = self._performance(value)
        self._highest_value = max(value, self._highest_value)
        charts = self.charts
        charts.equity_bar.update(value)
        charts.sample_equity(utc_time, value)
        charts.sample_benchmark(utc_time, benchmark)
        charts.sample_return(utc_time, performance)
        charts.sample_drawdown(utc_time, value, self._highest_value)
        charts.sample_sales_volume(utc_time, portfolio)
        charts.sample_exposure(utc_time, value, portfolio)
        assert self._capacity is not None
        charts.sample_capacity(utc_time, self._capacity.capacity)
        self._sample_turnover(utc_time, value, portfolio._total_sale_volume)
        charts.sample_margin(utc_time, value, portfolio)
        self._daily_value = value

    def _performance(self, value: Decimal) -> Decimal:
        """Change since the last daily sample in per cent."""
        if not self._daily_value:
            return _ZERO
        return clr.round_half_even(clr.div((value - self._daily_value) * 100, self._daily_value), 10)

    def _sample_turnover(self, utc_time: datetime, value: Decimal, sale_volume: Decimal) -> None:
        if not value or self._algorithm.start_date == self._local(utc_time):
            return
        latest, before = self._sales_volumes
        # A second sample at the same time takes the first one's place and so starts from the volume before it.
        since = before if self._turnover_time == utc_time else latest
        turnover = clr.div(sale_volume - since, value)
        self._sales_volumes = (sale_volume, latest)
        self._turnover_time = utc_time
        self.charts.sample_turnover(utc_time, turnover)

    def _local(self, utc_time: datetime) -> datetime:
        clock = self._algorithm.clock
        if clock.utc == utc_time:
            local: datetime = self._algorithm.time
            return local
        from harness.embedded.reference.time_zones import TimeZone

        zone = TimeZone.get(self._algorithm.time_zone)
        return from_us(zone.utc_us_to_local_us(to_us(utc_time)))

    # -- messages ------------------------------------------------------------------------------------------------

    def debug(self, text: str) -> None:
        """A debug line of the algorithm; it reaches the log at the next sample."""
        self.log_store.queue("Debug", self._timed(text))

    def log(self, text: str) -> None:
        """A log line of the algorithm; it reaches the log at the next sample."""
        self.log_store.queue("Log", self._timed(text))

    def error(self, text: str) -> None:
        """An error line of the algorithm; it reaches the log at the next sample."""
        self.log_store.queue("Error", self._timed(text))

    def debug_message(self, text: str) -> None:
        """A debug line of the engine."""
        self._add("Debug", text)

    def system_debug_message(self, text: str) -> None:
        """A debug line of the engine about itself."""
        self._add("Debug", text)

    def log_message(self, text: str) -> None:
        """A log line of the engine."""
        self._add("Log", text)

    def _add(self, kind: str, text: str) -> None:
        line = self._timed(text)
        self.log_store.add(kind, line if self._algorithm is not None else f"Algorithm Initialization: {line}")

    def _timed(self, text: str) -> str:
        return text if self._speaker is None else with_time(text, self._speaker.time)

    def runtime_error(self, message: str, stack_trace: str = "") -> None:
        """The error that ended the run; it makes the final status RuntimeError."""
        line = self._timed(message)
        self.log_store.show("Error", line)
        self._state["RuntimeError"] = line
        self._state["StackTrace"] = stack_trace

    # -- statistics ----------------------------------------------------------------------------------------------

    def set_summary_statistic(self, name: str, value: str) -> None:
        """A statistic of the algorithm's own, shown after Lean's."""
        self._custom_statistics[name] = value

    def statistics_results(self) -> StatisticsResults:
        """The statistics at present. Empty before the first sample and where a value is not finite, as in Lean."""
        if self._algorithm is None:
            return StatisticsResults()
        try:
            results = self._generate(self._algorithm)
        except NotSupportedError:
            raise
        except Exception as error:
            # Whatever goes wrong: ruin in the middle of the trades, a user's interest rates (BaseResultsHandler).
            self.log_store.show("Error", f"Error generating statistics packet: {error}")
            return StatisticsResults()
        results.add_custom_summary_statistics(self._custom_statistics)
        return results

    def _generate(self, algorithm: Any) -> StatisticsResults:
        equity = self.charts.points("Strategy Equity", "Equity")
        if not equity:
            return StatisticsResults()
        performance, benchmark = self._daily_points()
        if performance is None:
            return StatisticsResults(AlgorithmPerformance(closed_trades=algorithm.trade_builder.closed_trades))
        return builder.generate(self._statistics_input(algorithm, equity, performance, benchmark))

    def _daily_points(self) -> tuple[list[builder.Point] | None, list[builder.Point]]:
        """Daily returns and benchmark values; one of each made up for now when no day has been sampled."""
        if self.charts.has("Benchmark", "Benchmark"):
            return self.charts.points("Strategy Equity", "Return"), self.charts.points("Benchmark", "Benchmark")
        performance = self._performance(self._portfolio_value)
        if not performance:
            return None, []
        now: datetime = self._algorithm.clock.utc
        return [(now, numerics.smart_rounding(performance))], [(now, _ZERO)]

    def _statistics_input(
        self,
        algorithm: Any,
        equity: list[builder.Point],
        performance: list[builder.Point],
        benchmark: list[builder.Point],
    ) -> StatisticsInput:
        capacity = self._capacity
        assert capacity is not None
        lowest = capacity.lowest_capacity_asset
        return StatisticsInput(
            trades=algorithm.trade_builder.closed_trades,
            transactions=self._transactions(),
            equity=equity,
            performance=performance,
            benchmark=benchmark,
            turnover=self.charts.points("Portfolio Turnover", "Portfolio Turnover"),
            starting_capital=self._starting_value,
            total_fees=algorithm.portfolio._total_fees,
            total_orders=len(self.orders),
            capacity=CapacityFigure(capacity.capacity, "" if lowest is None else str(lowest.id)),
            currency_symbol=self.charts.currency,
            risk_free_rate=self.risk_free_rate,
            trading_days_per_year=algorithm.settings.trading_days_per_year,
        )

    @property
    def orders(self) -> Mapping[int, Any]:
        """All orders by id."""
        handler = self._transaction_handler
        return {} if handler is None else handler.orders

    def _transactions(self) -> list[Transaction]:
        record: Mapping[datetime, tuple[Decimal, bool]] = self._algorithm.transactions._records
        return [Transaction(utc_time, profit, is_win) for utc_time, (profit, is_win) in record.items()]

    def _final_runtime_statistics(self, results: StatisticsResults) -> dict[str, str]:
        portfolio = self._algorithm.portfolio
        sign = self.charts.currency
        start = self._starting_value
        value = self._portfolio_value
        name = PerformanceMetrics.PROBABILISTIC_SHARPE_RATIO
        net_return = clr.div(value - start, start) if start > 0 else _ZERO
        statistics = dict(self._runtime_statistics)
        statistics[name] = results.summary.get(name, "0%")
        statistics["Unrealized"] = sign + builder.number_text(self._unrealized_profit, 2)
        statistics["Fees"] = f"-{sign}{builder.number_text(portfolio._total_fees, 2)}"
        statistics["Net Profit"] = sign + builder.number_text(portfolio._total_net_profit, 2)
        statistics["Return"] = builder.percent_text(net_return)
        statistics["Equity"] = sign + builder.number_text(value, 2)
        statistics["Holdings"] = sign + builder.number_text(portfolio._total_holdings_value, 2)
        statistics["Volume"] = sign + builder.number_text(portfolio._total_sale_volume, 2)
        return dict(sorted(statistics.items(), key=lambda item: (item[0].casefold(), item[0].swapcase())))

    # -- the end -------------------------------------------------------------------------------------------------

    def send_final_result(self, step_done: bool = True) -> list[tuple[str, str]]:
        """Write all files and return the statistics to print, in order, the order list hash last.

        ``step_done`` is false when the run ended inside a time step. Raises ``OSError`` when a file cannot be written.
        """
        lines = list(self.log_store.lines)
        self.process_synchronous_events(force=True, step_done=step_done)
        identifier = self.settings.algorithm_id
        log_path = self._write(f"{identifier}-log.txt", "".join(f"{line}\n" for line in lines))
        self.system_debug_message(f"Your log was successfully created and can be retrieved from: {log_path}")
        results = self.statistics_results()
        document = self._document(results)
        self._write(f"{identifier}-summary.json", dumps(document.summary()))
        self._write(f"{identifier}.json", dumps(document.result()))
        events = [] if self._transaction_handler is None else self._transaction_handler.order_events
        if events:
            self._write(f"{identifier}-order-events.json", order_events_text(events, identifier))
        orders = [order for _, order in sorted(self.orders.items())]
        return [*results.summary.items(), ("OrderListHash", order_list_hash(orders))]

    def _document(self, results: StatisticsResults) -> BacktestDocument:
        algorithm = self._algorithm
        known = algorithm is not None
        return BacktestDocument(
            statistics=results,
            charts=self.charts.charts if known else {},
            orders=self.orders,
            transactions=self._transactions() if known else [],
            runtime_statistics=self._final_runtime_statistics(results) if known else {},
            state=self._final_state(),
            server_statistics=self._server_statistics(),
            configuration=algorithm_configuration(algorithm) if known else dict(_NO_CONFIGURATION),
        )

    def _final_state(self) -> dict[str, str]:
        algorithm = self._algorithm
        failed = algorithm is None or bool(self._state["RuntimeError"])
        status = AlgorithmStatus.RUNTIME_ERROR if failed else algorithm.status
        return {
            **self._state,
            "EndTime": _wall_text(time.time()),
            "LogCount": str(len(self.log_store.lines)),
            "OrderCount": str(len(self.orders)),
            "Status": status.lean_name,
        }

    def _server_statistics(self) -> dict[str, str]:
        seconds = int(time.time() - self._started_s)
        return {
            "CPU Usage": f"{_cpu_share(self._started_s):.1f}%",
            "Used RAM (MB)": str(_peak_rss_bytes() // 1_048_576),
            "Total RAM (MB)": "2147483647",
            "Hostname": self._state["Hostname"],
            "LEAN Version": self.settings.engine_version,
            "Up Time": f"{seconds // 86400}d {seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}",
        }

    def _write(self, name: str, text: str) -> Path:
        folder = self.settings.results_folder
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        temporary = folder / f".{name}.{os.getpid()}"
        temporary.write_text(text, encoding="utf-8", newline="")
        temporary.replace(path)
        return path


def algorithm_configuration(algorithm: Any) -> dict[str, Any]:
    """The configuration that a result file shows."""
    days_per_year = algorithm.settings.trading_days_per_year
    return {
        "name": algorithm.name,
        "tags": list(algorithm.tags),
        "accountCurrency": algorithm.account_currency,
        "brokerage": algorithm.brokerage_name,
        "accountType": algorithm.brokerage_model.account_type,
        "parameters": dict(algorithm.get_parameters()),
        "outOfSampleMaxEndDate": None,
        "outOfSampleDays": 0,
        "startDate": f"{algorithm.start_date:%Y-%m-%dT%H:%M:%SZ}",
        "endDate": f"{algorithm.end_date:%Y-%m-%dT%H:%M:%SZ}",
        "tradingDaysPerYear": 252 if days_per_year is None else days_per_year,
    }


def _wall_text(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _cpu_share(started_s: float) -> float:
    wall_s = max(time.time() - started_s, 1e-3)
    used = os.times()
    return 100 * (used.user + used.system) / wall_s / (os.cpu_count() or 1)


def _peak_rss_bytes() -> int:
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
