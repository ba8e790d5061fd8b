"""What the strategy is compared with. Source: Lean's ``SecurityBenchmark`` and ``FuncBenchmark``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from harness.embedded.clr import from_python, to_float
from harness.embedded.naming import lean_api


@lean_api
class SecurityBenchmark:
    """The price of a security."""

    def __init__(self, security: Any) -> None:
        self.security = security

    def _evaluate(self, time: datetime) -> Decimal:
        price: Decimal = self.security._price
        return price

    def evaluate(self, time: datetime) -> float:
        return to_float(self._evaluate(time))


@lean_api
class FuncBenchmark:
    """The value that a user's function gives for a time."""

    def __init__(self, function: Callable[[datetime], Any]) -> None:
        self._function = function

    def _evaluate(self, time: datetime) -> Decimal:
        return from_python(self._function(time))

    def evaluate(self, time: datetime) -> float:
        return to_float(self._evaluate(time))
