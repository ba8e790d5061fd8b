"""The parts of the service that can be tested alone."""

from __future__ import annotations

import asyncio

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from harness.server.cache import ByteCache
from harness.server.candles import Candles, fewer, parse_span, resample
from harness.server.hub import MOST_MILESTONES, Channel, Hub
from harness.server.sampling import drawdown, sample_indices

Values = arrays(np.float64, st.integers(0, 3000), elements=st.floats(-1e6, 1e6, allow_nan=False))


@given(Values, st.integers(4, 200), st.lists(st.integers(0, 5000), max_size=50))
def test_sampling_keeps_extremes_ends_and_what_must_stay(values: np.ndarray, points: int, keep: list[int]) -> None:
    chosen = sample_indices(values, points, np.array(keep, dtype=np.int64))
    assert (np.diff(chosen) > 0).all()
    if not values.size:
        assert not chosen.size
        return
    assert chosen[0] == 0 and chosen[-1] == values.size - 1
    assert values[chosen].max() == values.max() and values[chosen].min() == values.min()
    assert {index for index in keep if index < values.size} <= set(chosen.tolist())
    assert len(chosen) <= points + len(keep) + 6 or values.size <= points


def test_drawdown_is_below_the_highest_so_far() -> None:
    assert drawdown(np.array([100.0, 120.0, 90.0, 120.0, 60.0])).tolist() == [0.0, 0.0, -0.25, 0.0, -0.5]


def candles(count: int, seed: int = 1, pause_after: int = 0) -> Candles:
    random = np.random.default_rng(seed)
    close = 100 + random.normal(0, 1, count).cumsum()
    time = np.arange(count, dtype=np.int64) + 1_759_325_400
    time[pause_after:] += 60_000 if pause_after else 0
    high, low = close + random.random(count), close - random.random(count)
    return Candles(time, close, high, low, close.copy(), random.integers(1, 9, count).astype(float))


def test_merged_candles_keep_extremes_volume_and_pauses() -> None:
    fine = candles(10_000, pause_after=4_321)
    for coarse in (fewer(fine, 100), resample(fine, 60)):
        assert coarse.high.max() == fine.high.max() and coarse.low.min() == fine.low.min()
        assert coarse.volume.sum() == fine.volume.sum()
        assert (coarse.open[0], coarse.close[-1]) == (fine.open[0], fine.close[-1])
    assert fine.time_s[4_321] in fewer(fine, 100).time_s
    assert len(fewer(fine, 100)) <= 102
    assert parse_span("15s") == 15 and parse_span("2h") == 7200


def test_the_cache_is_bounded_and_never_stale() -> None:
    cache: ByteCache[str] = ByteCache(3, 100)
    for name in "abcd":
        cache.put(name, 1, name, 30)
    assert cache.get("a", 1) is None and cache.get("d", 1) == "d"
    assert cache.get("d", 2) is None
    cache.put("e", 1, "e", 80)
    assert cache.info().size_bytes == 80 and cache.info().entries == 1
    cache.put("huge", 1, "huge", 101)
    assert cache.get("huge", 1) is None and cache.info().size_bytes == 80


def test_progress_is_latest_wins_and_milestones_are_kept() -> None:
    async def scenario() -> None:
        channel = Channel("run")
        channel.publish_milestone("queued", {})
        for percent in range(1000):
            channel.publish_progress({"percent": percent})
        assert [message.sequence for message in channel.after(0)] == [1, 1001]
        channel.publish_milestone("completed", {}, over=True)
        assert [message.sequence for message in channel.after(1)] == [1002]
        for _ in range(2 * MOST_MILESTONES):
            channel.publish_milestone("x", {})
        assert len(channel.after(0)) == MOST_MILESTONES

    asyncio.run(scenario())


def test_watchers_and_channels_are_bounded() -> None:
    async def scenario() -> None:
        hub = Hub(most_watchers=2, most_channels=10)
        channel = hub.channel("a")
        assert [hub.enter(channel) for _ in range(3)] == [True, True, False]
        hub.leave(channel)
        assert hub.enter(channel)
        for number in range(100):
            hub.channel(f"r{number}").publish_milestone("completed", {}, over=True)
        assert len(hub.channels) <= 11 and "a" in hub.channels

    asyncio.run(scenario())
