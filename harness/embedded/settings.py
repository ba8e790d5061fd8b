"""An algorithm's settings with Lean's defaults. Source: Lean's ``AlgorithmSettings``."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from harness.embedded.clr import from_python, to_float
from harness.embedded.enums import Resolution
from harness.embedded.naming import lean_api
from harness.embedded.securities.arithmetic import number


@lean_api
class AlgorithmSettings:
    """``algorithm.settings``; shares are fractions of 1, exact under ``_name``."""

    __slots__ = (
        *("_free_portfolio_value", "_free_portfolio_value_percentage", "_max_absolute_portfolio_target_percentage"),
        *("_min_absolute_portfolio_target_percentage", "_minimum_order_margin_portfolio_percentage"),
        *("automatic_indicator_warm_up", "daily_consolidation_use_extended_market_hours", "daily_precise_end_time"),
        *("data_subscription_limit", "databases_refresh_period", "ignore_unknown_asset_holdings", "liquidate_enabled"),
        *("performance_sample_period", "rebalance_portfolio_on_insight_changes"),
        *("rebalance_portfolio_on_security_changes", "seed_initial_prices", "stale_price_time_span"),
        *("trading_days_per_year", "warmup_resolution"),
    )

    def __init__(self) -> None:
        self.automatic_indicator_warm_up = False
        self.rebalance_portfolio_on_security_changes: bool | None = None
        self.rebalance_portfolio_on_insight_changes: bool | None = None
        self._max_absolute_portfolio_target_percentage = Decimal(1_000_000_000)
        self._min_absolute_portfolio_target_percentage = Decimal("0.0000000001")
        self._minimum_order_margin_portfolio_percentage = Decimal("0.001")
        self.data_subscription_limit = 2**31 - 1
        self._free_portfolio_value: Decimal | None = None
        self._free_portfolio_value_percentage = Decimal("0.0025")
        self.liquidate_enabled = True
        self.stale_price_time_span = timedelta(hours=1)
        self.warmup_resolution: Resolution | None = None
        self.trading_days_per_year: int | None = None
        self.daily_precise_end_time = True
        self.daily_consolidation_use_extended_market_hours = False
        self.databases_refresh_period = timedelta(days=1)
        self.ignore_unknown_asset_holdings = True
        self.performance_sample_period = timedelta(0)
        self.seed_initial_prices = False

    max_absolute_portfolio_target_percentage = number("_max_absolute_portfolio_target_percentage")
    min_absolute_portfolio_target_percentage = number("_min_absolute_portfolio_target_percentage")
    minimum_order_margin_portfolio_percentage = number("_minimum_order_margin_portfolio_percentage")
    free_portfolio_value_percentage = number("_free_portfolio_value_percentage")

    @property
    def free_portfolio_value(self) -> float | None:
        """Cash that orders for a share of the portfolio leave alone; ``None``: the percentage decides."""
        return None if self._free_portfolio_value is None else to_float(self._free_portfolio_value)

    @free_portfolio_value.setter
    def free_portfolio_value(self, value: Any) -> None:
        self._free_portfolio_value = None if value is None else from_python(value)

    @property
    def warm_up_resolution(self) -> Resolution | None:
        return self.warmup_resolution

    @warm_up_resolution.setter
    def warm_up_resolution(self, value: Resolution | None) -> None:
        self.warmup_resolution = value
