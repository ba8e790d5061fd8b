"""What a subscription asks for. Source: Lean's ``SubscriptionDataConfig``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from harness.embedded.data import QuoteBar, TradeBar
from harness.embedded.enums import RESOLUTION_US, DataNormalizationMode, Resolution, SecurityType, TickType
from harness.embedded.naming import lean_api

if TYPE_CHECKING:
    from harness.embedded.reference.symbols import Symbol


@lean_api
@dataclass(eq=False)
class SubscriptionDataConfig:
    """One stream of bars of one symbol; ``consolidators`` are fed from it."""

    symbol: Symbol
    resolution: Resolution
    tick_type: TickType = TickType.TRADE
    fill_data_forward: bool = True
    extended_market_hours: bool = False
    is_internal_feed: bool = False
    data_normalization_mode: DataNormalizationMode = DataNormalizationMode.ADJUSTED
    exchange_time_zone: str = "America/New_York"
    data_time_zone: str = "America/New_York"
    consolidators: list[Any] = field(default_factory=list)
    on_mode_change: Callable[[], None] | None = field(default=None, repr=False)
    """Called when the normalisation mode is set while bars are read."""

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if name == "data_normalization_mode" and self.__dict__.get("on_mode_change") is not None:
            self.__dict__["on_mode_change"]()

    @property
    def increment(self) -> timedelta:
        return timedelta(microseconds=RESOLUTION_US[self.resolution])

    @property
    def period_us(self) -> int:
        return RESOLUTION_US[self.resolution]

    @property
    def type(self) -> Any:
        return QuoteBar if self.tick_type == TickType.QUOTE else TradeBar

    @property
    def security_type(self) -> SecurityType:
        return SecurityType.EQUITY

    @property
    def market(self) -> str:
        return "usa"

    @property
    def is_custom_data(self) -> bool:
        return False

    @property
    def is_filtered_subscription(self) -> bool:
        return True

    def __str__(self) -> str:
        mark = ",Internal" if self.is_internal_feed else ""
        kinds = (self.tick_type, self.data_normalization_mode)
        names = ",".join(kind.lean_name for kind in kinds)
        ticker = self.symbol.value
        return f"{ticker},#0,{ticker},{self.resolution.lean_name},{self.type.__name__},{names},OpenInterest{mark}"
