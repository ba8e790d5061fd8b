"""Which value of a bar an indicator takes: ``Field.HIGH``, ``Field.TYPICAL`` and so on.

Source of the rules: ``Common/Field.cs`` of Lean.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from harness.embedded.clr import add, div, mul
from harness.embedded.data import QuoteBar, TradeBar

_TWO = Decimal(2)
_THREE = Decimal(3)
_FOUR = Decimal(4)
_SEVEN = Decimal(7)
Selector = Callable[[Any], Decimal]


def _of_bar(function: Selector) -> Selector:
    def select(data: Any) -> Decimal:
        return function(data) if isinstance(data, (TradeBar, QuoteBar)) else data._value

    return select


def _of_quote(side: str, name: str) -> Selector:
    def select(data: Any) -> Decimal:
        return getattr(getattr(data, side), name) if isinstance(data, QuoteBar) else data._value  # type: ignore[no-any-return]

    return select


def _close(data: Any) -> Decimal:
    return data._value  # type: ignore[no-any-return]


def _volume(data: Any) -> Decimal:
    return data._volume if isinstance(data, TradeBar) else data._value  # type: ignore[no-any-return]


class Field:
    """Selectors of values."""

    OPEN = Open = open = staticmethod(_of_bar(lambda x: x._open))
    HIGH = High = high = staticmethod(_of_bar(lambda x: x._high))
    LOW = Low = low = staticmethod(_of_bar(lambda x: x._low))
    CLOSE = Close = close = staticmethod(_close)
    VOLUME = Volume = volume = staticmethod(_volume)
    AVERAGE = Average = average = staticmethod(
        _of_bar(lambda x: div(add(add(add(x._open, x._high), x._low), x._close), _FOUR))
    )
    MEDIAN = Median = median = staticmethod(_of_bar(lambda x: div(add(x._high, x._low), _TWO)))
    TYPICAL = Typical = typical = staticmethod(_of_bar(lambda x: div(add(add(x._high, x._low), x._close), _THREE)))
    WEIGHTED = Weighted = weighted = staticmethod(
        _of_bar(lambda x: div(add(add(x._high, x._low), mul(_TWO, x._close)), _FOUR))
    )
    SEVEN_BAR = SevenBar = seven_bar = staticmethod(
        _of_bar(lambda x: div(add(add(add(mul(_TWO, x._open), x._high), x._low), mul(_THREE, x._close)), _SEVEN))
    )
    BID_OPEN = BidOpen = bid_open = staticmethod(_of_quote("bid", "_open"))
    BID_HIGH = BidHigh = bid_high = staticmethod(_of_quote("bid", "_high"))
    BID_LOW = BidLow = bid_low = staticmethod(_of_quote("bid", "_low"))
    BID_CLOSE = BidClose = bid_close = staticmethod(_of_quote("bid", "_close"))
    ASK_OPEN = AskOpen = ask_open = staticmethod(_of_quote("ask", "_open"))
    ASK_HIGH = AskHigh = ask_high = staticmethod(_of_quote("ask", "_high"))
    ASK_LOW = AskLow = ask_low = staticmethod(_of_quote("ask", "_low"))
    ASK_CLOSE = AskClose = ask_close = staticmethod(_of_quote("ask", "_close"))
    BID_PRICE = BidPrice = bid_price = staticmethod(_of_quote("bid", "_close"))
    ASK_PRICE = AskPrice = ask_price = staticmethod(_of_quote("ask", "_close"))


QUOTE_FIELDS = frozenset(
    getattr(Field, f"{side}_{name}") for side in ("BID", "ASK") for name in ("OPEN", "HIGH", "LOW", "CLOSE", "PRICE")
)
"""Selectors that need quote bars."""
