"""The orders of one symbol: an entry stop that trails, a target and a stop that cancel each other, an exit at market.

Knows orders and shares, not why they are sent. Sends through the algorithm's own order methods, so any object with
``stop_market_order``, ``limit_order`` and ``market_order`` will do in a test.
"""

from __future__ import annotations

from typing import Any, NamedTuple

ENTRY = "entry"
TARGET = "target"
STOP = "stop"
EXIT = "exit"
UNKNOWN = "unknown"


class Execution(NamedTuple):
    """A completely filled order: its role (for an exit at market the kind given to ``close``) and its price."""

    role: str
    price_e4: int


def cents(price_e4: float) -> float:
    """An order price in dollars, on the tick of one cent."""
    return round(price_e4 / 10_000, 2)


class OrderManager:
    """Working orders and position of one symbol."""

    def __init__(self, broker: Any, symbol: Any) -> None:
        self.broker = broker
        self.symbol = symbol
        self.position = 0
        self._tickets: dict[str, Any] = {}
        self._roles: dict[int, str] = {}
        self._withdrawn: set[int] = set()
        self._exit_kind = EXIT
        # Role of the order being sent: its events may come before the call returns its ticket.
        self._sending: str | None = None

    def start_session(self) -> None:
        """A new day: what was withdrawn yesterday sends no more events."""
        self._withdrawn.clear()

    def enter(self, quantity: int, stop_e4: float, tag: str) -> None:
        """A stop entry: buys above or sells below the market. ``quantity`` is signed."""
        self._sending = ENTRY
        self._sent(self.broker.stop_market_order(self.symbol, quantity, cents(stop_e4), tag=tag))

    def trail_entry(self, stop_e4: float) -> None:
        """Move the stop of the working entry."""
        self._tickets[ENTRY].update_stop_price(cents(stop_e4))

    def cancel_entry(self, reason: str) -> None:
        """Withdraw the entry if it works."""
        self._withdraw(ENTRY, reason)

    def protect(self, target_e4: float, stop_e4: float) -> None:
        """Target and stop for the whole position."""
        self._sending = TARGET
        self._sent(self.broker.limit_order(self.symbol, -self.position, cents(target_e4), tag=TARGET))
        self._sending = STOP
        self._sent(self.broker.stop_market_order(self.symbol, -self.position, cents(stop_e4), tag=STOP))

    def close(self, kind: str) -> None:
        """Withdraw everything that works and leave the position at market, once."""
        for role in (ENTRY, TARGET, STOP):
            self._withdraw(role, kind)
        if self.position and EXIT not in self._tickets and self._sending != EXIT:
            self._exit_kind = kind
            self._sending = EXIT
            self._sent(self.broker.market_order(self.symbol, -self.position, tag=kind))

    def on_fill(self, order_id: int, quantity: float, price_dollars: float, complete: bool) -> Execution | None:
        """Book a fill of ``quantity`` (signed) shares; what it completed, if it did. One exit filled ends the other."""
        role = self._role(order_id) or UNKNOWN
        self.position += round(quantity)
        if not complete:
            return None
        self._forget(role)
        if role == TARGET:
            self._withdraw(STOP, "target filled")
        elif role == STOP:
            self._withdraw(TARGET, "stop filled")
        return Execution(self._exit_kind if role == EXIT else role, round(price_dollars * 10_000))

    def on_ended(self, order_id: int) -> str | None:
        """An order ended unfilled: its role, or ``None`` when this manager withdrew it itself."""
        role = self._role(order_id)
        if role is not None:
            self._forget(role)
        return role

    def _role(self, order_id: int) -> str | None:
        return None if order_id in self._withdrawn else self._roles.get(order_id, self._sending)

    def _sent(self, ticket: Any) -> None:
        role = self._sending
        if role is not None:  # else it was filled or refused before it came back
            self._sending = None
            self._tickets[role] = ticket
            self._roles[ticket.order_id] = role

    def _forget(self, role: str) -> None:
        if self._sending == role:
            self._sending = None
        ticket = self._tickets.pop(role, None)
        if ticket is not None:
            self._roles.pop(ticket.order_id, None)

    def _withdraw(self, role: str, reason: str) -> None:
        ticket = self._tickets.get(role)
        if ticket is not None:
            self._forget(role)
            self._withdrawn.add(ticket.order_id)
            ticket.cancel(reason)
