"""Random numbers of the synthetic data: named, stable, of the promised spread."""

from __future__ import annotations

import numpy as np

from harness.marketdata.price_path import DayBars, Draws, aggregate, day_bars, day_returns, draw_events, market_returns


def test_draws_depend_on_seed_and_labels_only() -> None:
    first = Draws(7, "AAPL", 3)
    second = Draws(7, "AAPL", 3)
    assert first.uniform(5, 0, 1000).tolist() == second.uniform(5, 0, 1000).tolist()
    assert Draws(8, "AAPL", 3).uniform(5, 0, 1000).tolist() != Draws(7, "AAPL", 3).uniform(5, 0, 1000).tolist()
    assert Draws(7, "MSFT", 3).uniform(5, 0, 1000).tolist() != Draws(7, "AAPL", 3).uniform(5, 0, 1000).tolist()


EXPECTED_UNIFORM = [401411, 301642, 258459, 269860]
EXPECTED_NORMAL = [-453974, 1340381, 392340, 1018103]


def test_draws_are_these_very_numbers() -> None:
    """A change here changes every synthetic data set: raise GENERATOR_VERSION with it."""
    draws = Draws(20251001, "AAPL", 739525)
    assert draws.uniform(4, 0, 1_000_000).tolist() == EXPECTED_UNIFORM
    assert draws.normal(4, 1_000_000).tolist() == EXPECTED_NORMAL


def test_normal_draws_have_the_deviation_asked_for() -> None:
    values = Draws(1, "x").normal(200_000, 1_000_000)
    assert abs(float(values.mean())) < 10_000
    assert abs(float(values.std()) / 1_000_000 - 1) < 0.01


def test_heavy_draws_are_positive_with_a_long_tail() -> None:
    values = Draws(1, "x").heavy(200_000)
    assert int(values.min()) > 0
    assert 800 < float(values.mean()) < 1200
    assert int(values.max()) > 5 * float(values.mean())


def test_bars_are_consistent_and_follow_each_other() -> None:
    draws = Draws(3, "x")
    events = draw_events(draws, 23_400, 23_400, 250)
    market = market_returns(Draws(3, "m"), 23_400, 55)
    returns = day_returns(draws, market, 100, 250, events)
    bars = day_bars(draws, 1_000_000, returns, 500, events)
    assert bool((bars.high >= np.maximum(bars.open, bars.close)).all())
    assert bool((bars.low <= np.minimum(bars.open, bars.close)).all())
    assert bool((bars.low > 0).all())
    assert bool((bars.volume > 0).all())
    assert all(bool((column % 100 == 0).all()) for column in (bars.open, bars.high, bars.low, bars.close))


def test_aggregate_is_first_highest_lowest_last_and_sum() -> None:
    def column(*values: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.array(values, dtype=np.int64)

    bars = DayBars(
        column(0, 1, 2, 3),
        column(5, 6, 7, 8),
        column(9, 8, 7, 9),
        column(4, 3, 6, 1),
        column(6, 7, 8, 2),
        column(1, 2, 3, 4),
    )
    grouped = aggregate(bars, column(9, 9, 10, 10))
    assert [grouped.step.tolist(), grouped.open.tolist(), grouped.high.tolist()] == [[9, 10], [5, 7], [9, 9]]
    assert [grouped.low.tolist(), grouped.close.tolist(), grouped.volume.tolist()] == [[3, 1], [7, 2], [3, 7]]
