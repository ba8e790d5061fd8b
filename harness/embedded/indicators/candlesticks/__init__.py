"""Candlestick patterns, all those of Lean's ``Indicators/CandlestickPatterns`` folder."""

from __future__ import annotations

from harness.embedded.indicators.candlesticks import (
    hikkake,
    more_candles,
    one_candle,
    three_candles,
    two_candles,
)
from harness.embedded.indicators.candlesticks.candle import CandlestickPattern

PATTERNS: tuple[type[CandlestickPattern], ...] = tuple(
    value
    for module in (one_candle, two_candles, three_candles, more_candles, hikkake)
    for value in vars(module).values()
    if isinstance(value, type) and value.__module__ == module.__name__ and issubclass(value, CandlestickPattern)
)
