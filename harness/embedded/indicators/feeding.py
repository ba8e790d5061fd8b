"""How bars reach an indicator. Source of the rules: ``Algorithm/QCAlgorithm.Indicators.cs`` of Lean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.embedded.clr import from_python
from harness.embedded.data import QuoteBar, TradeBar
from harness.embedded.indicators.base import IndicatorBase, Input
from harness.embedded.indicators.field import QUOTE_FIELDS, Field

Selector = Callable[[Any], Any]


def data_type_of_selector(selector: Any) -> type | None:
    """The type of bars that a selector needs, ``None`` if any will do."""
    if selector in QUOTE_FIELDS:
        return QuoteBar
    return TradeBar if selector is Field.VOLUME else None


def feeder(indicator: IndicatorBase, selector: Selector | None) -> Callable[[Any], None]:
    """How one bar updates an indicator, given what the selector makes of it."""
    if indicator.INPUT is not Input.POINT:
        update = indicator._update_data
        if selector is None:
            return update
        return lambda bar: update(selector(bar))
    update_value = indicator._update_value
    if selector is None:
        return lambda bar: update_value(bar.symbol, bar._end_us, bar._value)
    return lambda bar: update_value(bar.symbol, bar._end_us, from_python(selector(bar)))
