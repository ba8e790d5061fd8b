"""Stand-ins for what Lean gives the algorithm: bars, order tickets and a broker that notes what it is asked."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from data_manager import DailyHistory
from metrics import Metrics
from order_manager import OrderManager
from parameters import Parameters
from risk_manager import RiskManager
from strategy import Strategy


def bar(high: int, low: int, close: int, volume: int, open_e4: int | None = None) -> Any:
    """A trade bar as user code sees it, from prices in 1e-4 dollar."""
    first = close if open_e4 is None else open_e4
    return SimpleNamespace(
        open=first / 10_000, high=high / 10_000, low=low / 10_000, close=close / 10_000, volume=float(volume)
    )


def history(days: int = 30, close: int = 1_000_000, volume: int = 1_000_000, span: int = 20_000) -> DailyHistory:
    """Equal days: by default 100 dollars, a million shares, a range of two dollars."""
    return DailyHistory([close] * days, [volume] * days, [span] * days)


@dataclass
class FakeTicket:
    order_id: int
    kind: str
    quantity: int
    price: float
    tag: str
    updates: list[float] = field(default_factory=list)
    cancelled: str | None = None

    def update_stop_price(self, price: float) -> None:
        self.updates.append(price)

    def cancel(self, reason: str) -> None:
        self.cancelled = reason


class FakeBroker:
    """Notes orders. A market order is filled at ``price`` before the call returns, as Lean does it."""

    def __init__(self, price: float = 100.0, fill_market_orders: bool = True) -> None:
        self.price = price
        self.fill_market_orders = fill_market_orders
        self.tickets: list[FakeTicket] = []
        self.logged: list[str] = []
        self.on_fill: Any = None

    def log(self, text: str) -> None:
        self.logged.append(text)

    def _send(self, kind: str, quantity: int, price: float, tag: str) -> FakeTicket:
        self.tickets.append(FakeTicket(len(self.tickets) + 1, kind, quantity, price, tag))
        return self.tickets[-1]

    def stop_market_order(self, symbol: str, quantity: int, price: float, tag: str = "") -> FakeTicket:
        return self._send("stop", quantity, price, tag)

    def limit_order(self, symbol: str, quantity: int, price: float, tag: str = "") -> FakeTicket:
        return self._send("limit", quantity, price, tag)

    def market_order(self, symbol: str, quantity: int, tag: str = "") -> FakeTicket:
        ticket = self._send("market", quantity, 0.0, tag)
        if self.fill_market_orders:
            self.on_fill(ticket.order_id, quantity, self.price, True)
        return ticket

    def working(self) -> list[str]:
        """Tags of the resting orders that nobody cancelled."""
        return [ticket.tag for ticket in self.tickets if ticket.cancelled is None and ticket.kind != "market"]


class Desk:
    """A strategy with its orders and risk over a fake broker."""

    def __init__(self, broker: FakeBroker | None = None, **changes: Any) -> None:
        self.parameters = Parameters(**changes)
        self.broker = broker or FakeBroker()
        self.risk = RiskManager(self.parameters)
        self.risk.start_session(1_000_000.0)
        self.exits: Counter[str] = Counter()
        self.orders = OrderManager(self.broker, "AAA")
        self.strategy = Strategy(
            ticker="AAA",
            parameters=self.parameters,
            orders=self.orders,
            risk=self.risk,
            exits=self.exits,
            log=self.broker.log,
        )
        self.broker.on_fill = self.fill
        self.strategy.start_session()
        self.strategy.allow_entries()

    def fill(self, order_id: int, quantity: float, price: float, complete: bool = True) -> None:
        execution = self.orders.on_fill(order_id, quantity, price, complete)
        if execution is not None:
            self.strategy.on_execution(execution)

    def fill_last(self, price: float) -> None:
        """Fill the order sent last, whole."""
        ticket = self.broker.tickets[-1]
        self.fill(ticket.order_id, ticket.quantity, price)


def metrics(**changes: Any) -> Metrics:
    """A long setup: 101 dollars, above VWAP and average, half a dollar under the window's high."""
    return Metrics(
        **{
            "high": 1_011_000,
            "low": 1_009_000,
            "close": 1_010_000,
            "vwap": 1_005_000.0,
            "session_high": 1_016_000,
            "session_low": 1_000_000,
            "session_volume": 500_000,
            "mean_close": 1_000_000.0,
            "mean_volume": 1_000_000.0,
            "recent_mean_volume": 1_000_000.0,
            "mean_range": 20_000.0,
            "gap_bp": 10.0,
            "drop": 5_000,
            "rise": 500,
            "window_volume": 40_000,
            "mean_bar_range": 500.0,
            **changes,
        }
    )


SHORT_SETUP: dict[str, Any] = {
    "high": 991_000,
    "low": 989_000,
    "close": 990_000,
    "vwap": 995_000.0,
    "session_high": 1_000_000,
    "session_low": 984_000,
    "drop": 500,
    "rise": 5_000,
}
