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
class InteractiveBrokersFixOrderProperties(OrderProperties):
    """Interactive Brokers' settings through FIX."""

    def __init__(self) -> None:
        super().__init__()
        self.account: str | None = None


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


class WebullOrderProperties(OrderProperties):
    """Webull's settings."""

    def __init__(self) -> None:
        super().__init__()
        self.outside_regular_trading_hours = False


class PublicOrderProperties(OrderProperties):
    """Public's settings. Whether margin is used is decided when an order is submitted, unless it is set."""

    def __init__(self) -> None:
        super().__init__()
        self.outside_regular_trading_hours = False
        self.use_margin: bool | None = None


class TradeStationOrderProperties(OrderProperties):
    """TradeStation's settings."""

    def __init__(self) -> None:
        super().__init__()
        self.all_or_none = False
        self.outside_regular_trading_hours = False
        self.post_only = False


class TastytradeOrderProperties(OrderProperties):
    """Tastytrade's settings: none of its own."""


class RBIOrderProperties(OrderProperties):
    """RBI's settings: none of its own."""


class TDAmeritradeOrderProperties(OrderProperties):
    """TD Ameritrade's settings: none of its own."""


class EzeOrderProperties(OrderProperties):
    """Eze's settings."""

    def __init__(
        self,
        route: str | None = None,
        account: str | None = None,
        notes: str | None = None,
        account_type: str | None = None,
    ) -> None:
        super().__init__()
        self.route = route
        self.account = account
        self.notes = notes
        self.account_type = account_type


class CharlesSchwabOrderProperties(OrderProperties):
    """Charles Schwab's settings."""

    def __init__(self) -> None:
        super().__init__()
        self.extended_regular_trading_hours = False
