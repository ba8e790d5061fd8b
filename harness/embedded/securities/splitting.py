"""Bars on the other side of a share split. Source: Lean's ``Extensions.Scale``, ``SecurityCache.ApplySplit``."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from harness.embedded.clr import ONE, div, mul, round_half_even
from harness.embedded.data import Bar, QuoteBar


def _scaled_side(side: Bar | None, factor: Decimal) -> Bar | None:
    if side is None:
        return None
    return Bar(*(mul(price, factor) for price in (side._open, side._high, side._low, side._close)))


def scaled_bar(bar: Any, factor: Decimal) -> Any:
    """A copy of a trade or quote bar: prices times the split factor, sizes divided by it and rounded."""
    sizes = div(ONE, factor)
    copy = bar.clone()
    if isinstance(copy, QuoteBar):
        copy.bid, copy.ask = _scaled_side(copy.bid, factor), _scaled_side(copy.ask, factor)
        copy._last_bid_size = round_half_even(mul(copy._last_bid_size, sizes), 0)
        copy._last_ask_size = round_half_even(mul(copy._last_ask_size, sizes), 0)
        return copy
    copy._open, copy._high = mul(copy._open, factor), mul(copy._high, factor)
    copy._low, copy._close = mul(copy._low, factor), mul(copy._close, factor)
    copy._volume = round_half_even(mul(copy._volume, sizes), 0)
    return copy
