"""The reference algorithm: an intraday pull-back system on fifteen US equities, in plain Lean.

README.md beside this file tells the strategy and the parameters.
"""

from collections import Counter

from AlgorithmImports import *
from data_manager import NO_HISTORY, DailyHistory
from instrumentation import StageTimers
from parameters import read_parameters
from risk_manager import RiskManager
from symbol_trader import SymbolTrader


class ReferenceAlgorithm(QCAlgorithm):
    """Second data, 15-second bars; stop entries that trail, exits by target, stop, time, close and loss limit."""

    def initialize(self):
        self.trading_parameters = parameters = read_parameters(self.get_parameter)
        self.timers = timers = StageTimers() if parameters.instrumentation == "on" else None
        self.set_start_date(parameters.start.year, parameters.start.month, parameters.start.day)
        self.set_end_date(parameters.end.year, parameters.end.month, parameters.end.day)
        self.set_cash(parameters.cash_dollars)

        self.risk = RiskManager(parameters)
        self.exits = Counter()
        self.fills = 0
        if timers is not None:
            timers.time_methods("risk", self.risk, "approve_entry", "entered", "release")
            self.check_loss = timers.timed_often("risk", self.check_loss)
            timers.time_methods("orders", self, "handle_fill", "handle_ended")
            timers.time_methods("data", self, "daily_history")

        self.traders = {}
        self.consolidators = []
        for ticker in parameters.symbols:
            symbol = self.add_equity(ticker, Resolution.SECOND).symbol
            trader = SymbolTrader(
                broker=self,
                symbol=symbol,
                ticker=ticker,
                parameters=parameters,
                risk=self.risk,
                exits=self.exits,
                timers=timers,
            )
            consolidator = TradeBarConsolidator(timedelta(seconds=parameters.bar_seconds))
            consolidator.data_consolidated += trader.on_bar
            self.subscription_manager.add_consolidator(symbol, consolidator)
            self.traders[symbol] = trader
            self.consolidators.append(consolidator)
        # Once a bar, after the first symbol's.
        self.consolidators[0].data_consolidated += self.on_reference_bar
        self.schedule_session(next(iter(self.traders)))

    def schedule_session(self, reference):
        """The events of a trading day, by the exchange hours of one symbol (early closes included)."""
        parameters = self.trading_parameters
        day = self.date_rules.every_day(reference)
        at_open = self.time_rules.after_market_open
        at_close = self.time_rules.before_market_close
        self.schedule.on(day, at_open(reference, 0), self.start_session)
        self.schedule.on(day, at_open(reference, parameters.first_entry_minutes), self.allow_entries)
        self.schedule.on(day, at_close(reference, parameters.last_entry_minutes), self.end_entries)
        self.schedule.on(day, at_close(reference, parameters.flat_minutes), self.flatten)

    # -- the day -------------------------------------------------------------------------------------------------

    def start_session(self):
        self.risk.start_session(float(self.portfolio.total_portfolio_value))
        for trader in self.traders.values():
            trader.start_session(self.daily_history(trader.symbol))

    def daily_history(self, symbol):
        """The completed days before today."""
        frame = self.history(symbol, self.trading_parameters.history_days, Resolution.DAILY)
        if frame.empty:
            return NO_HISTORY
        columns = (frame[name].tolist() for name in ("high", "low", "close", "volume"))
        return DailyHistory.from_columns(*columns)

    def allow_entries(self):
        for trader in self.traders.values():
            trader.strategy.allow_entries()

    def end_entries(self):
        for trader in self.traders.values():
            trader.strategy.end_entries()

    def flatten(self):
        for trader in self.traders.values():
            trader.strategy.flatten("close")

    # -- risk ----------------------------------------------------------------------------------------------------

    def on_reference_bar(self, sender, bar):
        if self.check_loss():
            self.log("RISK daily loss limit: flat until tomorrow")
            for trader in self.traders.values():
                trader.strategy.flatten("loss limit")

    def check_loss(self):
        return self.risk.check_loss(float(self.portfolio.total_portfolio_value))

    # -- orders --------------------------------------------------------------------------------------------------

    def on_order_event(self, order_event):
        status = order_event.status
        if status in (OrderStatus.FILLED, OrderStatus.PARTIALLY_FILLED):
            self.handle_fill(order_event, status == OrderStatus.FILLED)
        elif status in (OrderStatus.CANCELED, OrderStatus.INVALID):
            self.handle_ended(order_event)

    def handle_fill(self, order_event, complete):
        self.fills += 1
        trader = self.traders[order_event.symbol]
        trader.on_fill(order_event.order_id, float(order_event.fill_quantity), float(order_event.fill_price), complete)

    def handle_ended(self, order_event):
        self.traders[order_event.symbol].on_order_ended(order_event.order_id)

    # -- the end -------------------------------------------------------------------------------------------------

    def on_end_of_algorithm(self):
        self.set_runtime_statistic("Fills", str(self.fills))
        self.set_runtime_statistic("Stopped days", str(self.risk.stopped_days))
        for kind, count in sorted(self.exits.items()):
            self.set_runtime_statistic(f"Exits {kind}", str(count))
        for reason, count in sorted(self.risk.rejections.items()):
            self.set_runtime_statistic(f"Rejected {reason}", str(count))
        if self.timers is not None:
            self.timers.emit(self)
