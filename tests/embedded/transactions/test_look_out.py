"""The look-out leaves out exactly the steps before the first one that matters, and only while nothing has changed."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from harness.embedded.transactions.look_out import LookOut
from harness.embedded.transactions.price_watch import FOREVER_US, PriceBand, PriceWatch


class _Scene:
    """Bands whose first touch is at a step; the loop's cursor, clock and versions as plain numbers."""

    def __init__(self, touches: tuple[int | None, ...], until_us: int = FOREVER_US) -> None:
        self.asked: list[tuple[Decimal, Decimal]] = []
        bands = tuple(PriceBand(self._security(step), Decimal(90), Decimal(110)) for step in touches)
        self.watch: PriceWatch | None = PriceWatch(until_us, bands)
        self.cursor = SimpleNamespace(step=10, epoch=3)
        self.algorithm = SimpleNamespace(
            _engine=SimpleNamespace(cursor=self.cursor),
            clock=SimpleNamespace(utc_us=0),
            portfolio=SimpleNamespace(version=7),
        )
        self.handler = SimpleNamespace(version=1, price_watch=lambda: self.watch)
        self.look_out = LookOut(self.handler, self.algorithm)

    def _security(self, step: int | None) -> Any:
        def first_outside(low: Decimal, high: Decimal) -> int | None:
            self.asked.append((low, high))
            return step

        return SimpleNamespace(cache=SimpleNamespace(first_outside=first_outside))

    def quiet_at(self, step: int) -> bool:
        self.cursor.step = step
        return self.look_out.is_quiet()


def test_quiet_until_the_earliest_touch_of_any_band() -> None:
    scene = _Scene((400, 90, None))
    assert not scene.quiet_at(10)
    scene.look_out.look_ahead()
    assert [scene.quiet_at(step) for step in (11, 89, 90, 91)] == [True, True, False, False]
    assert scene.asked == [(Decimal(90), Decimal(110))] * 3


def test_quiet_until_the_clock_says_so() -> None:
    scene = _Scene((None,), until_us=1_000)
    scene.look_out.look_ahead()
    assert scene.quiet_at(50)
    scene.algorithm.clock.utc_us = 1_000
    assert not scene.quiet_at(50)


@pytest.mark.parametrize("changed", ["request or event", "cash or model", "columns"])
def test_any_change_ends_the_quiet(changed: str) -> None:
    scene = _Scene((None,))
    scene.look_out.look_ahead()
    assert scene.quiet_at(50)
    if changed == "columns":
        scene.cursor.epoch += 1
    elif changed == "cash or model":
        scene.algorithm.portfolio.version += 1
    else:
        scene.handler.version += 1
    assert not scene.quiet_at(50)


def test_short_spells_make_it_look_less_often() -> None:
    scene = _Scene((11,))
    looked = 0
    for _ in range(20):
        scene.asked.clear()
        scene.look_out.look_ahead()
        looked += bool(scene.asked)
    assert looked == 4  # pauses of 2, 4 and 8 looks in between


def test_without_a_watch_every_step_is_busy() -> None:
    scene = _Scene(())
    scene.watch = None
    scene.look_out.look_ahead()
    assert not scene.quiet_at(11)
