"""Skipping the scans that the price watch calls useless changes nothing."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from trading_fakes import NEW_YORK, FakeAlgorithm

from harness.embedded.clock import to_us
from harness.embedded.models.brokerage import DefaultBrokerageModel
from harness.embedded.models.buying_power import SecurityMarginModel
from harness.embedded.models.fees import InteractiveBrokersFeeModel
from harness.embedded.models.slippage import UserSlippageModel
from harness.embedded.orders import CashAmount, OrderFee, OrderProperties, TimeInForce
from harness.embedded.orders.zones import to_utc
from harness.embedded.transactions.price_watch import FOREVER_US

START = datetime(2025, 10, 6, 9, 40)


class _World(FakeAlgorithm):
    """``skip``: scan only when the watch does not rule it out."""

    def __init__(self, skip: bool) -> None:
        super().__init__("ALFA", "BRVO")
        self.skip = skip
        self.scans = 0
        self._engine.engine_brokerage = DefaultBrokerageModel()
        for security in self.securities.values():
            security.fee_model = InteractiveBrokersFeeModel()
            security._fee_model = SimpleNamespace(_get_order_fee=lambda parameters: OrderFee(CashAmount(1, "USD")))
            security._buying_power_model = SecurityMarginModel(2)
            security._required_free_buying_power_percent = Decimal(0)
        portfolio: Any = self.portfolio
        portfolio.cash_book = SimpleNamespace(_to_account_currency=lambda amount: amount._amount)
        portfolio._total_portfolio_value = Decimal(10_000_000)
        portfolio._get_margin_remaining = lambda: Decimal(5_000_000)
        portfolio._held = self.securities

    def step(self, ticker: str, end: datetime, prices: tuple[Any, ...], previous: tuple[int, Any] | None) -> Any:
        """One bar; the scan is left out when the last watch allows it. Returns the watch now."""
        version, watch = previous if previous is not None else (-1, None)
        security = self.security(ticker)
        self.at(end)
        security.cache.trade = self.make_bar(ticker, end, prices)
        quiet = (
            self.skip
            and watch is not None
            and version == self.handler.version
            and to_us(self.clock.utc) < watch.until_us
            and all(
                band.security is not security or (band.low < Decimal(prices[2]) and Decimal(prices[1]) < band.high)
                for band in watch.bands
            )
        )
        if not quiet and self.handler.has_work:
            self.scans += 1
            self.handler.process_synchronous_events()
        elif quiet:
            return previous
        return self.handler.version, self.handler.price_watch()


def _run(seed: int, skip: bool) -> _World:
    rng = random.Random(seed)
    world = _World(skip)
    prices = {"ALFA": 10_000, "BRVO": 4_000}
    watch = None
    moment = START
    for _ in range(400):
        moment += timedelta(minutes=1)
        ticker = rng.choice(("ALFA", "BRVO"))
        last = prices[ticker]
        opening = last + rng.randint(-3, 3)
        close = opening + rng.randint(-8, 8)
        high, low = max(opening, close) + rng.randint(0, 3), min(opening, close) - rng.randint(0, 3)
        prices[ticker] = close
        cents = tuple(str(Decimal(value) / 100) for value in (opening, high, low, close))
        watch = world.step(ticker, moment, cents, watch)
        if rng.random() < 0.1 and world.security("ALFA")._price and world.security("BRVO")._price:
            _trade(world, rng, ticker, Decimal(close) / 100)
    return world


def _trade(world: _World, rng: random.Random, ticker: str, price: Decimal) -> None:
    quantity = rng.choice((-1, 1)) * rng.randint(1, 20)
    away = Decimal(rng.randint(-20, 40)) / 100 * (1 if quantity > 0 else -1)
    kind = rng.randrange(7)
    properties = OrderProperties()
    properties.time_in_force = rng.choice((TimeInForce.GOOD_TIL_CANCELED, TimeInForce.DAY))
    if kind == 0:
        world.limit_order(ticker, quantity, price - away, order_properties=properties)
    elif kind == 1:
        world.stop_market_order(ticker, quantity, price + away, order_properties=properties)
    elif kind == 2:
        world.stop_limit_order(ticker, quantity, price + away, price + away * 2, order_properties=properties)
    elif kind == 3:
        world.limit_if_touched_order(ticker, quantity, price - away, price - away / 2)
    elif kind == 4:
        world.trailing_stop_order(ticker, quantity, 0.003, True)
    elif kind == 5:
        world.trailing_stop_order(ticker, quantity, 0.12, False)
    else:
        world.market_on_close_order(ticker, quantity)


@pytest.mark.parametrize("seed", range(12))
def test_events_are_the_same_with_and_without_the_scans_left_out(seed: int) -> None:
    every, watched = _run(seed, skip=False), _run(seed, skip=True)
    assert watched.events == every.events
    assert watched.scans <= every.scans
    stops = [(order.id, getattr(order, "_stop_price", None)) for order in every.handler.get_orders()]
    assert [(order.id, getattr(order, "_stop_price", None)) for order in watched.handler.get_orders()] == stops


def test_a_resting_order_far_away_is_never_scanned() -> None:
    world = _World(skip=True)
    watch = world.step("ALFA", START, (100, 101, 99, 100), None)
    world.limit_order("ALFA", 1, 80)
    for minute in range(1, 200):
        watch = world.step("ALFA", START + timedelta(minutes=minute), (100, 101, 99, 100), watch)
    assert world.scans == 1


@pytest.fixture
def world() -> _World:
    made = _World(skip=True)
    for ticker in ("ALFA", "BRVO"):
        made.bar(ticker, START, (100, 101, 99, 100))
    return made


def _bands(world: _World) -> dict[str, tuple[float, float]]:
    watch = world.handler.price_watch()
    assert watch is not None
    return {band.security.symbol.value: (float(band.low), float(band.high)) for band in watch.bands}


def test_a_closing_stop_is_bounded_by_its_own_price_alone(world: _World) -> None:
    world.market_order("ALFA", 10)
    world.stop_market_order("ALFA", -10, 95)
    watch = world.handler.price_watch()
    assert watch is not None
    assert (watch.until_us, [(band.low, band.security.symbol.value) for band in watch.bands]) == (
        FOREVER_US,
        [(Decimal(95), "ALFA")],
    )


def test_an_opening_order_also_watches_what_the_account_can_bear(world: _World) -> None:
    world.portfolio._get_margin_remaining = lambda: Decimal(600)  # type: ignore[attr-defined]
    world.market_order("BRVO", 10)
    world.limit_order("ALFA", 10, 90)
    # required 501, holdings 1000: prices may move by 0.9 * (600 - 501) / (2 * 1000 + 501)
    move = 0.9 * 99 / 2501
    bands = _bands(world)
    assert bands["BRVO"] == pytest.approx((100 * (1 - move), 100 * (1 + move)))
    assert bands["ALFA"] == pytest.approx((100 * (1 - move), 100 * (1 + move)))


def test_no_watch_when_the_account_is_almost_full(world: _World) -> None:
    world.portfolio._get_margin_remaining = lambda: Decimal(502)  # type: ignore[attr-defined]
    world.limit_order("ALFA", 10, 90)
    assert world.handler.price_watch() is None


def test_no_watch_over_queued_requests_user_models_or_market_orders(world: _World) -> None:
    ticket = world.limit_order("ALFA", 10, 90)
    assert world.handler.price_watch() is not None
    ticket.update_tag("x")
    assert world.handler.price_watch() is None
    world.handler.process_synchronous_events()
    assert world.handler.price_watch() is not None
    world.security("ALFA").fee_model = object()
    assert world.handler.price_watch() is None


def test_expiry_and_the_close_end_the_watch(world: _World) -> None:
    close_us = to_us(to_utc(datetime(2025, 10, 6, 16, 0), NEW_YORK))
    world.market_on_close_order("ALFA", 1)
    watch = world.handler.price_watch()
    assert watch is not None
    assert watch.until_us == close_us


def test_a_trailing_stop_with_slippage_of_user_code_is_scanned_at_every_step() -> None:
    """``FillModel.TrailingStopFill`` asks the slippage model before it knows whether the stop is reached."""

    class Counting:
        def get_slippage_approximation(self, asset: Any, order: Any) -> float:
            return 0.0

    for slippage, watched in ((None, True), (UserSlippageModel(Counting()), False)):
        world = _World(skip=True)
        security = world.security("ALFA")
        if slippage is not None:
            security._slippage_model = slippage
        world.step("ALFA", START, ("100", "101", "99", "100"), None)
        world.trailing_stop_order("ALFA", -1, 0.1, True)
        assert (world.handler.price_watch() is not None) is watched
