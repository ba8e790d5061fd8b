"""When to enter and when to leave: a state machine, one a symbol, moved by bars and by fills.

The idea: in the direction of the 30-day average and of the session's VWAP, wait for a pull-back of the last 15 minutes,
then enter by a stop order beyond the bar that follows the price until the move resumes. README.md tells it in full.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from enum import Enum

from metrics import Metrics
from order_manager import ENTRY, Execution, OrderManager
from parameters import Parameters
from risk_manager import RiskManager


class State(Enum):
    """What a symbol is doing."""

    SCANNING = "scanning"
    ARMED = "armed"
    HOLDING = "holding"
    COOLING = "cooling"


LONG = 1
SHORT = -1
TIME = "time"


class Strategy:
    """Entry conditions, exit distances and time limits of one symbol."""

    def __init__(
        self,
        *,
        ticker: str,
        parameters: Parameters,
        orders: OrderManager,
        risk: RiskManager,
        exits: Counter[str],
        log: Callable[[str], None],
    ) -> None:
        self.ticker = ticker
        self.parameters = parameters
        self.orders = orders
        self.risk = risk
        self.exits = exits
        self.log = log
        self.state = State.SCANNING
        self.entries_allowed = False
        self._bars = 0  # since the state was entered
        self._direction = LONG
        self._entry_stop = 0
        self._range = 0.0
        self._offset = parameters.entry_offset_cents * 100
        self._trail_step = parameters.trail_step_cents * 100

    # -- the day -------------------------------------------------------------------------------------------------

    def start_session(self) -> None:
        """A new day: nothing is held, entries wait for :meth:`allow_entries`."""
        self._go(State.SCANNING)
        self.entries_allowed = False

    def allow_entries(self) -> None:
        """The first minutes are over."""
        self.entries_allowed = not self.risk.stopped

    def end_entries(self) -> None:
        """No new position from now on; what is held runs to its exits."""
        self.entries_allowed = False
        if self.state is State.ARMED:
            self._disarm("last entry")

    def flatten(self, kind: str) -> None:
        """Leave at market whatever is there, and be done for the day."""
        self.end_entries()
        self.orders.close(kind)

    # -- bars ----------------------------------------------------------------------------------------------------

    def on_bar(self, metrics: Metrics) -> None:
        """Decide on a finished bar."""
        state = self.state
        if state is State.SCANNING:
            if self.entries_allowed:
                direction = self._setup(metrics)
                if direction:
                    self._arm(direction, metrics)
            return
        self._bars += 1
        if state is State.ARMED:
            self._follow(metrics)
        elif state is State.HOLDING:
            if self._bars >= self.parameters.max_hold_bars:
                self.orders.close(TIME)
        elif self._bars >= self.parameters.cooldown_bars:
            self._go(State.SCANNING)

    def _setup(self, metrics: Metrics) -> int:
        """The direction in which all entry conditions hold, or 0."""
        parameters = self.parameters
        if not metrics.mean_range:  # it never moved: no distance to measure by
            return 0
        pullback = parameters.pullback_share * metrics.mean_range
        if metrics.drop >= pullback and metrics.close > metrics.vwap and metrics.close > metrics.mean_close:
            direction = LONG
        elif metrics.rise >= pullback and metrics.close < metrics.vwap and metrics.close < metrics.mean_close:
            direction = SHORT
        else:
            return 0
        session_range = metrics.session_high - metrics.session_low
        window_share = parameters.window_bars / parameters.session_bars
        holds = (
            abs(metrics.gap_bp) <= parameters.max_gap_bp
            and metrics.recent_mean_volume >= parameters.min_volume_ratio * metrics.mean_volume
            and metrics.session_volume >= parameters.min_session_volume_share * metrics.mean_volume
            and metrics.window_volume >= parameters.min_activity_share * window_share * metrics.mean_volume
            and parameters.min_range_share <= session_range / metrics.mean_range <= parameters.max_range_share
            # A stop closer than a usual bar is long would be noise.
            and metrics.mean_bar_range < parameters.stop_share * metrics.mean_range
        )
        return direction if holds else 0

    def _arm(self, direction: int, metrics: Metrics) -> None:
        stop = self._beyond(direction, metrics)
        risk_e4 = self.parameters.risk_per_trade_dollars * 10_000
        quantity = int(risk_e4 / (self.parameters.stop_share * metrics.mean_range))
        reason = self.risk.approve_entry(self.ticker, quantity, stop / 10_000)
        if reason is not None:
            self.log(f"RISK rejected entry of {direction * quantity} {self.ticker}: {reason}")
            self._go(State.COOLING)
            return
        self._direction = direction
        self._entry_stop = stop
        self._range = metrics.mean_range
        self._go(State.ARMED)
        self.orders.enter(direction * quantity, stop, "entry long" if direction == LONG else "entry short")

    def _beyond(self, direction: int, metrics: Metrics) -> int:
        return metrics.high + self._offset if direction == LONG else metrics.low - self._offset

    def _follow(self, metrics: Metrics) -> None:
        """Trail the entry stop behind a price that moves away, or give the setup up."""
        direction = self._direction
        if direction * (metrics.close - metrics.vwap) <= 0:
            self._disarm("vwap lost")
        elif self._bars >= self.parameters.max_armed_bars:
            self._disarm("expired")
        else:
            stop = self._beyond(direction, metrics)
            if direction * (self._entry_stop - stop) >= self._trail_step:
                self._entry_stop = stop
                self.orders.trail_entry(stop)

    def _disarm(self, reason: str) -> None:
        self.orders.cancel_entry(reason)
        self.risk.release(self.ticker)
        self._go(State.COOLING)

    def _go(self, state: State) -> None:
        self.state = state
        self._bars = 0

    # -- orders --------------------------------------------------------------------------------------------------

    def on_execution(self, execution: Execution) -> None:
        """An order was filled completely."""
        if execution.role == ENTRY:
            self.risk.entered(self.ticker)
            self._go(State.HOLDING)
            target = self._direction * self.parameters.target_share * self._range
            stop = self._direction * self.parameters.stop_share * self._range
            self.orders.protect(execution.price_e4 + target, execution.price_e4 - stop)
            return
        self.exits[execution.role] += 1
        if self.orders.position:
            # Target and stop were both hit before one could cancel the other, or an entry was filled while its
            # cancellation was under way: be flat, whatever the reason.
            self.orders.close("surplus")
            return
        self.risk.release(self.ticker)
        self._go(State.COOLING)

    def on_order_ended(self, role: str) -> None:
        """An order of that role was refused, or cancelled by somebody else."""
        self.log(f"ORDER of {self.ticker} ended unfilled: {role}")
        if role == ENTRY:
            self.risk.release(self.ticker)
            self._go(State.COOLING)
        elif role != "surplus" and self.orders.position:
            self.orders.close("surplus")
