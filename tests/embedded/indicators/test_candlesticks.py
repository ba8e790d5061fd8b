"""Candlestick patterns, by hand from the class of the same name in Lean's ``Indicators/CandlestickPatterns`` folder."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from harness.embedded.clr import from_python, use_engine_context
from harness.embedded.data import TradeBar
from harness.embedded.indicators.candlesticks import PATTERNS
from harness.embedded.indicators.candlesticks.candle import CandlestickPattern
from harness.embedded.indicators.candlesticks.hikkake import Hikkake
from harness.embedded.indicators.candlesticks.one_candle import Doji
from harness.embedded.indicators.candlesticks.two_candles import DarkCloudCover, Engulfing, Harami, HaramiCross
from tests.embedded.tiny_runs import make_minutes, run_tiny

Prices = tuple[float, float, float, float]
"""Open, high, low, close."""
START = datetime(2025, 10, 6, 9, 30)
MINUTE = timedelta(minutes=1)
UP: Prices = (10, 11, 10, 11)


@pytest.fixture(autouse=True)
def engine_context() -> None:
    use_engine_context()


def feed(pattern: CandlestickPattern, candles: list[Prices]) -> list[float]:
    values = []
    for number, prices in enumerate(candles):
        open_, high, low, close = (from_python(price) for price in prices)
        pattern.update(TradeBar(START + number * MINUTE, "X", open_, high, low, close, 100, MINUTE))  # type: ignore[arg-type]
        values.append(pattern.current.value)
    return values


def body(open_: float, close: float) -> Prices:
    return open_, max(open_, close), min(open_, close), close


def test_a_doji_has_a_body_of_a_tenth_of_the_mean_range_of_ten_candles_before() -> None:
    """Doji.cs: ranges of 2; a body of 0.2 is one still. The newest candle is no part of the mean."""
    before: list[Prices] = [(10, 12, 10, 11)] * 10
    assert feed(Doji(), [*before, (10, 40, 10, 10.2)])[-2:] == [0, 1]
    assert feed(Doji(), [*before, (10, 40, 10, 10.21)])[-1] == 0
    # The mean is now (9 * 2 + 30) / 10 = 4.8.
    assert feed(Doji(), [*before, (10, 40, 10, 11), (10, 12, 10, 10.48)])[-1] == 1
    assert (Doji().name, Doji("own").name, Doji().warm_up_period) == ("DOJI", "own", 11)


def test_a_body_engulfs_the_opposite_one_on_both_sides() -> None:
    """Engulfing.cs asks for three bars though it looks at two."""
    assert feed(Engulfing(), [UP, body(11, 10), body(9.9, 11.1)]) == [0, 0, 1]
    assert feed(Engulfing(), [UP, UP, body(11.1, 9.9)]) == [0, 0, -1]
    assert feed(Engulfing(), [UP, body(11, 10), body(9.9, 11)]) == [0, 0, 0]
    assert feed(Engulfing(), [body(11, 10), body(9.9, 11.1)]) == [0, 0]


def test_a_harami_is_a_short_body_in_a_long_one_and_a_cross_a_doji_there() -> None:
    """Harami.cs and HaramiCross.cs: bodies and ranges of 1 before a black body of 10; the pattern points up."""
    before = [UP] * 10
    assert feed(Harami(), [*before, body(20, 10), body(14, 14.5)])[-2:] == [0, 1]
    assert feed(HaramiCross(), [*before, body(20, 10), body(14, 14.5)])[-1] == 0
    assert feed(HaramiCross(), [*before, body(20, 10), body(14, 14.05)])[-1] == 1
    assert feed(Harami(), [*before, body(10, 20), body(14, 14.5)])[-1] == -1


def test_how_far_a_dark_cloud_reaches_is_the_penetration() -> None:
    """DarkCloudCover.cs: below 20 - 10 * 0.5 = 15, or below 20 - 10 * 0.7 = 13."""
    candles = [*[UP] * 10, body(10, 20), body(21, 14)]
    assert feed(DarkCloudCover(), candles)[-1] == -1
    assert feed(DarkCloudCover(0.7), candles)[-1] == 0
    assert feed(DarkCloudCover("own", penetration=0.6), candles)[-1] == 0
    assert feed(DarkCloudCover("own", 0.59), candles)[-1] == -1


def test_a_hikkake_is_confirmed_by_a_close_beyond_the_inside_bar_within_three() -> None:
    """Hikkake.cs: a bar inside the one before (12 to 18), a bar below it, and then a close above 18."""
    flat: list[Prices] = [(15, 15, 15, 15)] * 5
    pattern: list[Prices] = [*flat, (15, 20, 10, 15), (15, 18, 12, 15), (15, 17, 11, 15)]
    assert feed(Hikkake(), [*pattern, (15, 19, 14, 18.5), (15, 30, 14, 29)])[-3:] == [1, 2, 0]
    quiet: Prices = (15, 25, 5, 15)
    assert feed(Hikkake(), [*pattern, quiet, quiet, (15, 25, 5, 18.5)])[-3:] == [0, 0, 2]
    assert feed(Hikkake(), [*pattern, quiet, quiet, quiet, (15, 25, 5, 18.5)])[-3:] == [0, 0, 0]


@pytest.mark.parametrize("kind", PATTERNS, ids=lambda kind: kind.__name__)
def test_every_pattern_is_ready_after_its_period_and_starts_anew(kind: type[CandlestickPattern]) -> None:
    """CandlestickPattern.cs; the name is the class's in capitals (CandlestickPatterns.cs of the algorithm too)."""
    drawn = random.Random(7)
    candles: list[Prices] = []
    for _ in range(400):
        open_, close = drawn.randint(100, 110), drawn.randint(100, 110)
        candles.append((open_, max(open_, close) + drawn.randint(0, 4), min(open_, close) - drawn.randint(0, 4), close))
    pattern = kind()
    assert pattern.name == kind.__name__.upper()
    first = feed(pattern, candles)
    assert pattern.is_ready
    assert pattern.warm_up_period == kind.SPAN
    assert set(first) <= {-2, -1, 0, 1, 2}
    assert not any(first[: kind.SPAN - 1])
    pattern.reset()
    assert not pattern.is_ready
    assert feed(pattern, candles) == first


def test_an_algorithm_makes_patterns_that_are_fed_and_never_warmed_up(tmp_path: Path) -> None:
    """CandlestickPatterns.cs: registered with their resolution, without a look at automatic warm-up."""
    run = run_tiny(
        make_minutes(tmp_path / "data"),
        tmp_path,
        """
        def set_up(self):
            self.settings.automatic_indicator_warm_up = True
            patterns = self.candlestick_patterns
            self.patterns = [
                patterns.doji("AAPL"),
                patterns.dark_cloud_cover(self.stock, 0.4, Resolution.HOUR),
                self.CandlestickPatterns.AbandonedBaby(self.stock, penetration=0.2, resolution=Resolution.DAILY),
            ]
            self.own = Doji()
            self.register_indicator("AAPL", self.own, timedelta(minutes=5))
            self.count = 0
            self.patterns[0].updated += self.tell

        def tell(self, sender, point):
            self.count += 1

        def on_end_of_algorithm(self):
            self.seen += [f"{pattern.name} {pattern.samples}" for pattern in (*self.patterns, self.own)]
            self.note(self.count)
            self.object_store.save("seen", "\\n".join(self.seen))
        """,
    )
    assert run.exit_code == 0
    assert run.seen[:4] == [
        "DOJI(AAPL_min) 780",
        "DARKCLOUDCOVER(AAPL_hr) 14",
        "ABANDONEDBABY(AAPL_day) 2",
        "DOJI 156",
    ]
    assert run.seen[4] == "780 07 16:00"
