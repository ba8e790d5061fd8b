"""Texts that Lean shows for securities, as Lean words them. Source: Lean's ``Messages``."""

from __future__ import annotations

from typing import Any


def zero_price_message(symbol: Any) -> str:
    """A security that has had no data yet cannot be valued."""
    return (
        f"{symbol}: The security does not have an accurate price as it has not yet received a bar of data. "
        "Before placing a trade (or using set_holdings) warm up your algorithm with set_warmup, or use "
        "slice.contains(symbol) to confirm the Slice object has price before using the data. Data does not necessarily "
        "all arrive at the same time so your algorithm should confirm the data is ready before using it. In live "
        "trading this can mean you do not have an active subscription to the asset class you're trying to trade. If "
        "using custom data make sure you've set the 'Value' property."
    )


SMALL_REBALANCE_WARNING = (
    "Warning: Portfolio rebalance result ignored as it resulted in a single share trade recommendation which can "
    "generate high fees. To disable minimum order size checks please set "
    "self.settings.minimum_order_margin_portfolio_percentage = 0."
)


def not_in_securities(symbol: Any) -> str:
    return (
        f"This asset symbol ({symbol}) was not found in your security list. Please add this security before using it. "
        "To prevent the exception, use self.securities.get(symbol), which returns None when the symbol is not found, "
        "or guard the access with 'if symbol in self.securities:'."
    )
