"""What may not happen: a day that loses too much, too many positions, too much in one symbol."""

from __future__ import annotations

from collections import Counter

from parameters import Parameters


class RiskManager:
    """Limits over all symbols. An entry is approved before its order is sent, and released when it is flat again."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        self.stopped = False
        self.stopped_days = 0
        self.rejections: Counter[str] = Counter()
        self._start_equity = 0.0
        self._active: set[str] = set()
        self._trades: Counter[str] = Counter()

    def start_session(self, equity_dollars: float) -> None:
        """A new day: the loss limit counts from this equity."""
        self.stopped = False
        self._start_equity = equity_dollars
        self._active.clear()
        self._trades.clear()

    def check_loss(self, equity_dollars: float) -> bool:
        """Whether the daily loss limit is hit just now. From then on the day is over for all symbols."""
        lost = self._start_equity - equity_dollars
        if self.stopped or lost * 10_000 < self.parameters.daily_loss_limit_bp * self._start_equity or lost <= 0:
            return False
        self.stopped = True
        self.stopped_days += 1
        return True

    def approve_entry(self, ticker: str, quantity: int, price_dollars: float) -> str | None:
        """Reserve a place for an entry of ``quantity`` shares (positive); the reason when a cap rejects it."""
        reason = self._reason(ticker, quantity, price_dollars)
        if reason is None:
            self._active.add(ticker)
            return None
        self.rejections[reason] += 1
        return reason

    def _reason(self, ticker: str, quantity: int, price_dollars: float) -> str | None:
        if self.stopped:
            return "day stopped"
        if quantity < 1:
            return "no size"
        if self._trades[ticker] >= self.parameters.max_symbol_trades:
            return "symbol trades"
        if quantity * price_dollars > self.parameters.max_symbol_dollars:
            return "symbol size"
        if len(self._active) >= self.parameters.max_positions:
            return "positions"
        return None

    def entered(self, ticker: str) -> None:
        """An entry was filled: it counts against the symbol's trades of the day."""
        self._trades[ticker] += 1

    def release(self, ticker: str) -> None:
        """The symbol holds nothing and has no entry working."""
        self._active.discard(ticker)
