"""``QCAlgorithm.candlestick_patterns``: a method per pattern that makes it and has it fed.

Source of the rules: ``Algorithm/CandlestickPatterns.cs`` of Lean. Unlike the other indicators a pattern is never warmed
up when it is made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.embedded.data import BaseData
from harness.embedded.indicators.base import bind
from harness.embedded.indicators.candlesticks import PATTERNS
from harness.embedded.indicators.candlesticks.candle import CandlestickPattern
from harness.embedded.naming import snake_case


class CandlestickPatterns:
    """``algorithm.candlestick_patterns.engulfing(symbol, resolution=None, selector=None)`` and so on."""

    __slots__ = ("_algorithm",)

    def __init__(self, algorithm: Any) -> None:
        self._algorithm = algorithm

    def _make(
        self, kind: type[CandlestickPattern], symbol: Any, arguments: tuple[Any, ...], named: dict[str, Any]
    ) -> CandlestickPattern:
        algorithm, own = self._algorithm, kind.PARAMETERS
        rest = dict(zip(("resolution", "selector"), arguments[len(own) :], strict=False))
        if len(arguments) > len(own) + 2 or rest.keys() & named.keys():
            raise TypeError(f"{kind.__name__}: arguments do not fit")
        named = named | rest
        resolution, selector = named.pop("resolution", None), named.pop("selector", None)
        values = bind(own, arguments[: len(own)], named, kind.__name__)
        symbol = algorithm._engine.symbol_of(symbol)
        made = kind(algorithm.create_indicator_name(symbol, kind.NAME, resolution), *values.values())
        algorithm._register(symbol, made, algorithm.resolve_consolidator(symbol, resolution, BaseData), selector)
        return made


def _method(kind: type[CandlestickPattern]) -> Callable[..., CandlestickPattern]:
    def make(self: CandlestickPatterns, symbol: Any, *arguments: Any, **named: Any) -> CandlestickPattern:
        return self._make(kind, symbol, arguments, named)

    make.__name__ = snake_case(kind.__name__)
    make.__qualname__ = f"CandlestickPatterns.{make.__name__}"
    make.__doc__ = kind.__doc__
    return make


for _kind in PATTERNS:
    _made = _method(_kind)
    setattr(CandlestickPatterns, _made.__name__, _made)
    setattr(CandlestickPatterns, _kind.__name__, _made)
