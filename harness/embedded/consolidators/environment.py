"""What consolidators must look up about a symbol: Lean's static databases.

The engine sets both functions when a backtest starts; consolidators ask them when their first data arrives.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, ClassVar

from harness.embedded.reference.market_hours import SecurityExchangeHours
from harness.errors import HarnessError


class Environment:
    """Exchange hours and smallest price change of a symbol."""

    exchange_hours: ClassVar[Callable[[Any], SecurityExchangeHours] | None] = None
    minimum_price_variation: ClassVar[Callable[[Any], Decimal] | None] = None

    @classmethod
    def hours_of(cls, symbol: Any) -> SecurityExchangeHours:
        """Raises ``HarnessError`` outside a backtest."""
        if cls.exchange_hours is None:
            raise HarnessError("no market hours are loaded: market-hour aware consolidators work inside a backtest")
        return cls.exchange_hours(symbol)

    @classmethod
    def tick_size_of(cls, symbol: Any) -> Decimal:
        """Raises ``HarnessError`` outside a backtest."""
        if cls.minimum_price_variation is None:
            raise HarnessError("no symbol properties are loaded: range consolidators work inside a backtest")
        return cls.minimum_price_variation(symbol)
