"""Random prices and volumes of one trading day, in integers only.

Everything here is exact 64-bit integer arithmetic on the raw output of PCG64 (seeded through ``SeedSequence``, whose
values numpy guarantees), so that a seed gives the same bytes with every numpy version, compiler and processor:
floating-point functions and numpy's distributions promise no such thing. Returns are in parts per billion (ppb) of the
day's opening price, prices in 1e-4 dollars, rounded to the cent.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from math import isqrt

import numpy as np

from harness.marketdata.lean_format import Int64

PPB = 1_000_000_000
CENT = 100  # in 1e-4 dollars
_LARGEST_MOVE = 300_000_000  # a day stays within 30 % of its open


class Draws:
    """Integer random numbers, named: the same seed and labels give the same numbers whatever else was drawn."""

    def __init__(self, seed: int, *labels: str | int) -> None:
        keys = [label if isinstance(label, int) else zlib.crc32(label.encode()) for label in labels]
        self._bits = np.random.PCG64(np.random.SeedSequence([seed, *keys]))

    def _raw(self, count: int) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
        return np.asarray(self._bits.random_raw(count), dtype=np.uint64)

    def uniform(self, count: int, low: int, high: int) -> Int64:
        """``count`` integers from ``low`` to ``high - 1``; the range is below 2**31."""
        span = np.uint64(high - low)
        return (((self._raw(count) >> np.uint64(32)) * span) >> np.uint64(32)).astype(np.int64) + low

    def one(self, low: int, high: int) -> int:
        """One integer from ``low`` to ``high - 1``."""
        return int(self.uniform(1, low, high)[0])

    def normal(self, count: int, deviation: int) -> Int64:
        """``count`` bell-shaped integers of mean 0 and the given standard deviation (sum of four uniforms)."""
        raw = self._raw(count)
        total = sum((raw >> np.uint64(shift)) & np.uint64(0xFFFF) for shift in (0, 16, 32, 48))
        return (np.asarray(total).astype(np.int64) - 131_070) * deviation // 37_837

    def heavy(self, count: int) -> Int64:
        """``count`` positive integers of mean about 1000 with a long upper tail (27 times the mean at most)."""
        return 1000 * 65_536 * 10 // (self.uniform(count, 0, 65_536) + 2_621) // 33


def intraday_shape(steps: int, middle: int, edges: int) -> Int64:
    """A U over the session: ``middle`` at noon, ``middle + edges`` at open and close."""
    place = np.arange(steps, dtype=np.int64) * 2 - steps
    return middle + edges * place * place // (steps * steps)


@dataclass(frozen=True)
class Event:
    """A burst: from ``first`` to ``last`` (steps) the price moves by ``move_ppb``; then ``back_ppb`` of it returns."""

    first: int
    last: int
    settled: int
    move_ppb: int
    back_ppb: int


def draw_events(draws: Draws, steps: int, session_s: int, volatility_bp: int) -> list[Event]:
    """Up to two bursts a day: 8 to 15 minutes long, 0.8 to 2 times the daily volatility, mostly taken back."""
    events = []
    for _ in range(draws.one(0, 3)):
        length_s, settle_s = draws.one(480, 900), draws.one(1200, 2700)
        first_s = draws.one(600, max(601, session_s - length_s - settle_s))
        size = volatility_bp * 100_000 * draws.one(80, 200) // 100
        direction = 1 if draws.one(0, 2) else -1
        move = direction * min(size, 60_000_000)
        back = -move * draws.one(30, 90) // 100
        to_step = steps * PPB // session_s
        first, last, settled = (
            min(steps, second * to_step // PPB)
            for second in (first_s, first_s + length_s, first_s + length_s + settle_s)
        )
        if first < last < settled:
            events.append(Event(first, last, settled, move, back))
    return events


def day_returns(draws: Draws, market: Int64, beta_pct: int, volatility_bp: int, events: list[Event]) -> Int64:
    """Return since the open after each step, ppb: market, own noise, drifts that last half an hour, and bursts."""
    steps = market.size
    noise = draws.normal(steps, volatility_bp * 70_000 // isqrt(steps))
    noise = noise * intraday_shape(steps, 700, 1000) // 1000
    piece = max(1, steps // 13)
    drifts = draws.normal(14, volatility_bp * 100_000 // 7) // piece
    noise += np.repeat(drifts, piece + 1)[:steps]
    for event in events:
        noise[event.first : event.last] += event.move_ppb // (event.last - event.first)
        noise[event.last : event.settled] += event.back_ppb // (event.settled - event.last)
    noise += market * beta_pct // 100
    return np.clip(np.cumsum(noise), -_LARGEST_MOVE, _LARGEST_MOVE)


def market_returns(draws: Draws, steps: int, volatility_bp: int) -> Int64:
    """Step returns of the market that all symbols share, ppb."""
    returns = draws.normal(steps, volatility_bp * 100_000 // isqrt(steps)) * intraday_shape(steps, 700, 1000) // 1000
    piece = max(1, steps // 9)
    drifts = draws.normal(10, volatility_bp * 100_000 // 3) // piece
    return returns + np.repeat(drifts, piece + 1)[:steps]


def to_cents(prices: Int64) -> Int64:
    """Prices rounded to the cent, one cent at least."""
    return np.maximum((prices + CENT // 2) // CENT * CENT, CENT)


@dataclass(frozen=True, eq=False)
class DayBars:
    """Bars of one day: ``step`` (index since the open) and int64 columns, prices in 1e-4 dollars."""

    step: Int64
    open: Int64
    high: Int64
    low: Int64
    close: Int64
    volume: Int64

    def take(self, kept: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> DayBars:
        """The bars where ``kept`` is true."""
        return DayBars(
            *(column[kept] for column in (self.step, self.open, self.high, self.low, self.close, self.volume))
        )


def day_bars(draws: Draws, open_price: int, returns: Int64, step_volume: int, events: list[Event]) -> DayBars:
    """A bar for every step, around the path that ``returns`` gives; ``step_volume`` is the mean volume of a step."""
    steps = returns.size
    path = open_price * (PPB + returns) // PPB
    before = np.concatenate(([open_price], path[:-1]))
    spread = CENT // 2 + open_price // 8000  # about one basis point either way
    first = to_cents(before + draws.normal(steps, spread))
    last = to_cents(path + draws.normal(steps, spread))
    reach = to_cents(np.abs(draws.normal(steps, 2 * spread)))
    high = np.maximum(first, last) + np.where(draws.uniform(steps, 0, 100) < 45, reach, 0)
    low = np.minimum(first, last) - np.where(draws.uniform(steps, 0, 100) < 45, reach, 0)
    low = np.maximum(low, CENT)
    volume = step_volume * draws.heavy(steps) // 1000 * intraday_shape(steps, 550, 1350) // 1000
    for event in events:
        volume[event.first : event.last] *= 3
    return DayBars(np.arange(steps, dtype=np.int64), first, high, low, last, np.maximum(volume, 1))


def aggregate(bars: DayBars, group: Int64) -> DayBars:
    """One bar for each run of equal numbers in ``group`` (sorted); ``step`` becomes the group's number."""
    starts = np.flatnonzero(np.concatenate(([True], group[1:] != group[:-1])))
    ends = np.concatenate((starts[1:], [group.size])) - 1
    return DayBars(
        group[starts],
        bars.open[starts],
        np.maximum.reduceat(bars.high, starts),
        np.minimum.reduceat(bars.low, starts),
        bars.close[ends],
        np.add.reduceat(bars.volume, starts),
    )
