"""Indicators against the textbook loop, and the cache's promises."""

from __future__ import annotations

import math
import threading
from pathlib import Path

import numpy as np
import pytest

from harness.fast import indicators, jit
from harness.fast.bars import NS_PER_DAY, NS_PER_S, Bars, session_bounds
from harness.fast.choices import Kernel
from harness.fast.errors import FastPathError
from harness.fast.indicator_cache import NAMES, IndicatorCache

COUNTS = [0, 1, 2, 5, 14, 64, 1000]
WINDOWS = [1, 2, 3, 14, 65]


def prices(count: int, seed: int = 3) -> np.ndarray:
    return np.round(100 + np.cumsum(np.random.default_rng(seed).normal(0, 0.3, count)), 2)


def bars(count: int, data_key: str = "") -> Bars:
    close = prices(count)
    rng = np.random.default_rng(5)
    open_ = close + rng.normal(0, 0.1, count)
    high = np.maximum(open_, close) + rng.random(count)
    low = np.minimum(open_, close) - rng.random(count)
    step = NS_PER_DAY // 50
    return Bars(
        "TEST",
        np.arange(count, dtype=np.int64) * step,
        open_,
        high,
        low,
        close,
        rng.integers(0, 500, count).astype(float),
        data_key=data_key,
    )


def loop(count: int, window: int, value_at: object) -> list[float]:
    return [value_at(row) if row >= window - 1 else math.nan for row in range(count)]  # type: ignore[operator]


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("window", WINDOWS)
def test_windows_equal_the_loop(count: int, window: int) -> None:
    values = prices(count)
    rows = values.tolist()
    expected_max = loop(count, window, lambda row: max(rows[row - window + 1 : row + 1]))
    expected_min = loop(count, window, lambda row: min(rows[row - window + 1 : row + 1]))
    expected_mean = loop(count, window, lambda row: math.fsum(rows[row - window + 1 : row + 1]) / window)
    np.testing.assert_array_equal(indicators.rolling_max(values, window), expected_max)
    np.testing.assert_array_equal(indicators.rolling_min(values, window), expected_min)
    np.testing.assert_allclose(indicators.sma(values, window), expected_mean, rtol=1e-13)


def test_windows_cross_the_passes_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indicators, "_PASS_ROWS", 64)
    values = prices(1003)
    view = np.lib.stride_tricks.sliding_window_view(values, 10)
    np.testing.assert_array_equal(indicators.rolling_max(values, 10)[9:], view.max(axis=1))
    np.testing.assert_allclose(indicators.sma(values, 10)[9:], view.mean(axis=1), rtol=1e-13)


def smoothed_by_loop(rows: list[float], window: int, weight: float) -> list[float]:
    out = [math.nan] * len(rows)
    if len(rows) < window:
        return out
    total = 0.0
    for value in rows[:window]:
        total += value
    out[window - 1] = total / window
    for row in range(window, len(rows)):
        out[row] = rows[row] * weight + out[row - 1] * (1.0 - weight)
    return out


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("window", WINDOWS)
def test_exponential_means_equal_the_loop_to_the_last_bit(count: int, window: int) -> None:
    values = prices(count)
    rows = values.tolist()
    np.testing.assert_array_equal(indicators.ema(values, window), smoothed_by_loop(rows, window, 2.0 / (window + 1)))
    np.testing.assert_array_equal(indicators.wilder(values, window), smoothed_by_loop(rows, window, 1.0 / window))


@pytest.mark.skipif(not jit.numba_installed(), reason="numba is not installed")
def test_compiled_and_plain_columns_have_the_same_bits() -> None:
    data = bars(5000)
    plain, compiled = IndicatorCache(kernel=Kernel.NUMPY), IndicatorCache(kernel=Kernel.NUMBA)
    for name in NAMES:
        assert plain.get(data, name, 14).tobytes() == compiled.get(data, name, 14).tobytes(), name


def test_true_range_and_atr() -> None:
    high = np.array([10.0, 12.0, 11.0, 15.0])
    low = np.array([9.0, 11.0, 8.0, 14.0])
    close = np.array([9.5, 11.5, 9.0, 14.5])
    assert indicators.true_range(high, low, close).tolist() == [1.0, 2.5, 3.5, 6.0]
    assert indicators.atr(high, low, close, 2).tolist()[1:] == [1.75, 2.625, 4.3125]


def test_rsi_of_known_moves() -> None:
    values = np.array([1.0, 2.0, 3.0, 2.0])
    result = indicators.rsi(values, 2)
    assert np.isnan(result[:2]).all()
    assert result[2] == 100.0
    # Mean gain (1 + 1) / 2 then half of it; mean loss 0 then 0.5: relative strength 1.
    assert result[3] == 50.0


def test_vwap_restarts_each_session() -> None:
    day = [NS_PER_DAY // 2, NS_PER_DAY // 2 + NS_PER_S]
    times = np.array([*day, *(time + NS_PER_DAY for time in day)], dtype=np.int64)
    price = np.array([3.0, 6.0, 9.0, 12.0])
    volume = np.array([1.0, 2.0, 0.0, 4.0])
    vwap = indicators.session_vwap(session_bounds(times), high=price, low=price, close=price, volume=volume)
    assert vwap.tolist()[:2] == [3.0, 5.0]
    assert np.isnan(vwap[2])
    assert vwap[3] == 12.0


def test_every_name_is_computed_once_and_read_only() -> None:
    data = bars(200)
    cache = IndicatorCache()
    for name in NAMES:
        first = cache.get(data, name, 14)
        assert first.shape == (200,)
        assert cache.get(data, name, 14) is first
        with pytest.raises(ValueError, match="read-only"):
            first[0] = 0.0
    info = cache.info()
    assert (info.hits, info.misses, info.entries) == (len(NAMES), len(NAMES), len(NAMES))


def test_other_data_window_or_source_is_another_column() -> None:
    data = bars(200)
    cache = IndicatorCache()
    columns = [
        cache.get(data, "sma", 14),
        cache.get(data, "sma", 15),
        cache.get(data, "sma", 14, "open"),
        cache.get(data.slice(0, 100), "sma", 14),
    ]
    assert len({id(column) for column in columns}) == 4


def test_the_cache_is_bounded_in_bytes() -> None:
    data = bars(100)
    cache = IndicatorCache(max_bytes=1700)
    cache.get(data, "sma", 2)
    cache.get(data, "sma", 3)
    cache.get(data, "sma", 2)
    cache.get(data, "sma", 4)
    info = cache.info()
    assert (info.entries, info.evictions, info.size_bytes) == (2, 1, 1600)
    hits = info.hits
    cache.get(data, "sma", 2)
    assert cache.info().hits == hits + 1
    small = IndicatorCache(max_bytes=10)
    assert len(small.get(data, "sma", 2)) == 100
    assert small.info().entries == 0


def test_columns_are_mapped_from_files_and_shared(tmp_path: Path) -> None:
    data = bars(300, data_key="known")
    first = IndicatorCache(folder=tmp_path).get(data, "ema", 20)
    second = IndicatorCache(folder=tmp_path).get(data, "ema", 20)
    assert isinstance(second, np.memmap)
    np.testing.assert_array_equal(first, second)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:200])
    np.testing.assert_array_equal(IndicatorCache(folder=tmp_path).get(data, "ema", 20), indicators.ema(data.close, 20))


def test_two_threads_compute_a_column_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    started = threading.Event()
    compute = indicators.atr

    def slow(*arguments: object) -> object:
        calls.append(1)
        started.wait(0.05)
        return compute(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(indicators, "atr", slow)
    data = bars(100)
    cache = IndicatorCache()
    threads = [threading.Thread(target=cache.get, args=(data, "atr", 14)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("macd", 2), "no indicator 'macd'"), (("sma", 0), "window is 0"), (("sma", 2, "bid"), "no column 'bid'")],
)
def test_bad_requests_are_refused(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(FastPathError, match=message):
        IndicatorCache().get(bars(10), *arguments)  # type: ignore[arg-type]
