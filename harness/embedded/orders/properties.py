"""Extra settings of an order. Source of the rules: Lean's ``OrderProperties`` and its brokerages' subclasses."""

from __future__ import annotations

import copy
from typing import Any, Self

from harness.embedded.naming import lean_api, snake_case
from harness.embedded.orders.time_in_force import TimeInForce


@lean_api
class OrderProperties:
    """``time_in_force`` (default: good until canceled) and ``exchange`` of an order."""

    def __init__(self, exchange: Any = None) -> None:
        self.time_in_force: Any = TimeInForce.GOOD_TIL_CANCELED
        self.exchange = exchange

    def clone(self) -> Self:
        return copy.copy(self)

    def __getattr__(self, name: str) -> Any:
        snake = snake_case(name)
        if not name[:1].isupper() or snake not in self.__dict__:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        return self.__dict__[snake]

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, snake_case(name) if name[0].isupper() else name, value)


@lean_api
class InteractiveBrokersOrderProperties(OrderProperties):
    """Interactive Brokers' settings. The backtesting brokerage reads none of them but ``time_in_force``, as Lean's."""

    def __init__(self) -> None:
        super().__init__()
        self.account: str | None = None
        self.fa_group: str | None = None
        self.fa_method: str | None = None
        self.fa_percentage = 0
        self.fa_profile: str | None = None
        self.outside_regular_trading_hours = False


class AlpacaOrderProperties(OrderProperties):
    """Alpaca's settings."""

    def __init__(self) -> None:
        super().__init__()
        self.outside_regular_trading_hours = False


class TradierOrderProperties(OrderProperties):
    """Tradier's settings."""

    def __init__(self) -> None:
        super().__init__()
        self.outside_regular_trading_hours = False


class CharlesSchwabOrderProperties(OrderProperties):
    """Charles Schwab's settings."""

    def __init__(self) -> None:
        super().__init__()
        self.extended_regular_trading_hours = False
