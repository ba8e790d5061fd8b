"""One symbol from bar to order: its data, metrics, strategy and orders wired together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from data_manager import DailyHistory, DataManager
from instrumentation import StageTimers
from metrics import metrics_calculator
from order_manager import OrderManager
from parameters import Parameters
from risk_manager import RiskManager
from strategy import Strategy


class SymbolTrader:
    """Everything of one symbol. ``on_bar`` is the handler of its consolidator."""

    def __init__(
        self,
        *,
        broker: Any,
        symbol: Any,
        ticker: str,
        parameters: Parameters,
        risk: RiskManager,
        exits: Counter[str],
        timers: StageTimers | None,
    ) -> None:
        self.symbol = symbol
        self.ticker = ticker
        self.data = DataManager(parameters.history_days)
        self.metrics = metrics_calculator(parameters)
        self.orders = OrderManager(broker, symbol)
        self.strategy = Strategy(
            ticker=ticker, parameters=parameters, orders=self.orders, risk=risk, exits=exits, log=broker.log
        )
        self.on_bar: Callable[[Any, Any], None] = self._on_bar
        if timers is not None:
            timers.time_methods("orders", self.orders, "enter", "trail_entry", "cancel_entry", "protect", "close")
            timers.time_methods("strategy", self.strategy, "on_execution", "on_order_ended")
            self.on_bar = timers.timed_pipeline(self.data.add, self.metrics.update, self.strategy.on_bar, self.data)

    def start_session(self, daily: DailyHistory) -> None:
        """A new day. A symbol without enough completed days sits it out."""
        self.data.start_session(daily)
        if self.data.has_history:
            self.metrics.start_session(self.data)
        self.orders.start_session()
        self.strategy.start_session()

    def _on_bar(self, _: Any, bar: Any) -> None:
        if self.data.add(bar):
            self.strategy.on_bar(self.metrics.update(self.data))

    def on_fill(self, order_id: int, quantity: float, price_dollars: float, complete: bool) -> None:
        """A fill of one of this symbol's orders."""
        execution = self.orders.on_fill(order_id, quantity, price_dollars, complete)
        if execution is not None:
            self.strategy.on_execution(execution)

    def on_order_ended(self, order_id: int) -> None:
        """One of this symbol's orders was cancelled or refused."""
        role = self.orders.on_ended(order_id)
        if role is not None:
            self.strategy.on_order_ended(role)
