"""The account value between samples: what is computed in doubles is what exact numbers give."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from harness.embedded.clr import round_half_even, use_engine_context
from harness.embedded.data import BarFrame
from harness.embedded.feed.observers import EquityObserver, _surely_rounded
from harness.embedded.feed.security_cache import Cursor, SecurityCache, _Updates

STEPS = 400


def security(cursor: Cursor, generator: np.random.Generator, factor: Decimal | None, quantity: int) -> Any:
    steps = np.flatnonzero(generator.random(STEPS) < 0.7)
    prices = (1_000_000 + np.cumsum(generator.integers(-300, 301, len(steps)))).astype(np.int64)
    start_us = steps * 1_000_000
    frame = BarFrame(None, start_us, start_us + 1_000_000, [prices] * 5, factor=factor)  # type: ignore[arg-type]
    day = SimpleNamespace(
        frame=frame, real_steps=steps, rows=SimpleNamespace(real_rows=np.arange(len(steps), dtype=np.int32))
    )
    cache = SecurityCache(cursor)
    cache._all = cache._trades = _Updates([day], STEPS)  # type: ignore[list-item]
    cache._last = SimpleNamespace(_close=Decimal("99.1234"))
    return SimpleNamespace(cache=cache, holdings=SimpleNamespace(_quantity=Decimal(quantity)))


class Portfolio:
    """Cash and what the securities are worth at the cursor's step."""

    _cash, _unsettled_cash, _total_cache = Decimal("1234567.89"), Decimal("10.5"), None

    def __init__(self, held: list[Any]) -> None:
        self.held = held

    @property
    def _total_portfolio_value(self) -> Decimal:
        worth = sum((s.holdings._quantity * s.cache._price for s in self.held), Decimal(0))
        return self._cash + self._unsettled_cash + worth


@pytest.mark.parametrize("factor", [None, Decimal("0.9876543"), Decimal("0.3333333333333333333333333333")])
def test_range_in_doubles_is_the_exact_one_to_four_decimals(factor: Decimal | None) -> None:
    use_engine_context()
    generator = np.random.default_rng(7)
    cursor = Cursor()
    held = [security(cursor, generator, factor, quantity) for quantity in (10, -20, 333, -7)]
    observer = EquityObserver(SimpleNamespace(cursor=cursor))  # type: ignore[arg-type]
    for first, last in ((0, 0), (0, 1), (3, 3), (5, 200), (120, STEPS - 1), (0, STEPS - 1)):
        cursor.step = min(last + 1, STEPS - 1)
        exact = observer._exact_range(Portfolio(held), held, first, last)
        assert observer._range(Portfolio(held), held, first, last) == tuple(round_half_even(v, 4) for v in exact)


def test_a_price_given_by_hand_goes_the_exact_way() -> None:
    use_engine_context()
    cursor = Cursor()
    one = security(cursor, np.random.default_rng(1), None, 5)
    cursor.step = 10
    assert one.cache.step_prices() is not None
    one.cache.store(SimpleNamespace(_close=Decimal("50")))
    assert one.cache.step_prices() is None


def test_a_value_too_near_the_middle_is_not_rounded_in_doubles() -> None:
    assert _surely_rounded(1.00004, 1e-9) == Decimal("1.0000")
    assert _surely_rounded(1.00005, 1e-9) is None
    assert _surely_rounded(123.4567, 1e-4) is None
