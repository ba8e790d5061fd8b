"""Batch mode against the event loop: random sessions by hypothesis, and reports that name a planted difference."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.fast import jit
from harness.fast.bars import NS_PER_DAY, NS_PER_S, Bars
from harness.fast.choices import Direction, EntryAt, Kernel
from harness.fast.errors import FastPathError
from harness.fast.event import run_event_loop
from harness.fast.fidelity import compare_trades
from harness.fast.indicator_cache import IndicatorCache
from harness.fast.reference import as_trades
from harness.fast.signals import entry_signals
from harness.fast.simulate import simulate_trades_batch
from harness.fast.strategy import StrategySettings, seconds_of_day
from harness.fast.trades import NO_LIMIT, Trades

KERNELS = [Kernel.NUMPY, *([Kernel.NUMBA] if jit.numba_installed() else [])]
NAN = math.nan
OPEN_S = 34_200


def session_bars(seed: int, sessions: int, per_session: int, *, holes: bool = False) -> Bars:
    """Ragged sessions of 15-second bars on a price grid of cents; ``holes`` puts in NaN and bars without volume."""
    rng = np.random.default_rng(seed)
    times = []
    for session in range(sessions):
        length = int(rng.integers(1, per_session + 1))
        start = (session * 2 + 1) * NS_PER_DAY + OPEN_S * NS_PER_S
        times.append(start + np.arange(length, dtype=np.int64) * 15 * NS_PER_S)
    time_ns = np.concatenate(times)
    count = len(time_ns)
    close = np.round(100 * np.exp(np.cumsum(rng.normal(0, 1.5e-3, count))), 2)
    open_ = np.round(close * (1 + rng.normal(0, 1e-3, count)), 2)
    high = np.round(np.maximum(open_, close) * (1 + np.abs(rng.normal(0, 1e-3, count))), 2)
    low = np.round(np.minimum(open_, close) * (1 - np.abs(rng.normal(0, 1e-3, count))), 2)
    volume = rng.integers(0, 1000, count).astype(float)
    if holes:
        volume[rng.random(count) < 0.3] = 0.0
        for column in (open_, high, low, close):
            column[rng.random(count) < 0.003] = NAN
    return Bars("TEST", time_ns, open_, high, low, close, volume, data_key=f"{seed}-{sessions}-{per_session}-{holes}")


def batch_trades(bars: Bars, strategy: StrategySettings, kernel: Kernel) -> Trades:
    entries = entry_signals(bars, strategy, IndicatorCache(kernel=kernel), kernel=kernel)
    return simulate_trades_batch(entries, bars, strategy.rules(), kernel=kernel).trades


strategies = st.builds(
    StrategySettings,
    direction=st.sampled_from(list(Direction)),
    band=st.sampled_from([0.0, 0.0005, 0.002]),
    min_range=st.sampled_from([0.0, 0.002, 0.01]),
    trend_days=st.sampled_from([0, 0, 1, 3]),
    first_entry_s=st.sampled_from([0, OPEN_S + 60]),
    last_entry_s=st.sampled_from([86_400, OPEN_S + 900]),
    flat_s=st.sampled_from([86_400, OPEN_S + 1000, OPEN_S]),
    quantity=st.sampled_from([1.0, 100.0, 7.5]),
    stop_loss=st.sampled_from([NAN, 0.002, 0.01]),
    take_profit=st.sampled_from([NAN, 0.003, 0.02]),
    trailing=st.sampled_from([NAN, 0.0025, 0.01]),
    max_bars=st.sampled_from([NO_LIMIT, 1, 10]),
    max_trades_per_session=st.sampled_from([None, 1, 2]),
    entry_at=st.sampled_from(list(EntryAt)),
    price_decimals=st.sampled_from([None, 2]),
    fee_per_share=st.sampled_from([0.0, 0.005]),
    fee_minimum=st.sampled_from([0.0, 1.0]),
)


@settings(max_examples=250, deadline=None, derandomize=True)
@given(
    strategy=strategies,
    seed=st.integers(0, 2**32 - 1),
    sessions=st.sampled_from([1, 2, 6, 45]),
    per_session=st.sampled_from([2, 30, 100]),
    holes=st.booleans(),
)
def test_batch_and_event_mode_give_the_same_trades(
    strategy: StrategySettings, seed: int, sessions: int, per_session: int, holes: bool
) -> None:
    bars = session_bars(seed, sessions, per_session, holes=holes)
    expected = run_event_loop(bars, strategy)
    for kernel in KERNELS:
        trades = batch_trades(bars, strategy, kernel)
        report = compare_trades({"TEST": trades}, {"TEST": as_trades(expected)})
        assert report.identical, f"{kernel}: {report}"
        assert report.worst_price_difference == 0.0
        assert trades.profit.tolist() == [trade.profit for trade in expected]


BUSY = StrategySettings(band=0.0005, stop_loss=0.003, take_profit=0.004, trailing=0.0035)


def test_the_scenario_has_trades_of_every_kind() -> None:
    trades = batch_trades(session_bars(1, 40, 400), BUSY, Kernel.NUMPY)
    assert len(trades) > 300
    assert set(trades.reason.tolist()) == {1, 2, 3, 5}
    assert set(trades.direction.tolist()) == {1, -1}


@pytest.mark.parametrize(
    ("field", "change"),
    [("exit_index", 1), ("profit_cents", 1), ("exit_price", 1e-8), ("entry_price", NAN), ("direction", 1)],
)
def test_a_planted_difference_is_found_and_named(field: str, change: float) -> None:
    bars = session_bars(1, 10, 200)
    expected = as_trades(run_event_loop(bars, BUSY))
    trades = batch_trades(bars, BUSY, Kernel.NUMPY)
    column = getattr(trades, field).copy()
    column[5] += change
    report = compare_trades({"TEST": dataclasses.replace(trades, **{field: column})}, {"TEST": expected})
    assert not report.identical
    assert report.mismatches[field] == 1
    assert "TEST trade 6" in report.first_difference
    assert f"{field} 1" in str(report)


def test_a_difference_within_the_tolerance_is_none() -> None:
    bars = session_bars(1, 10, 200)
    trades = batch_trades(bars, BUSY, Kernel.NUMPY)
    near = dataclasses.replace(trades, exit_price=trades.exit_price + 5e-10)
    report = compare_trades({"TEST": near}, {"TEST": as_trades(run_event_loop(bars, BUSY))})
    assert report.identical
    assert 0.0 < report.worst_price_difference <= 1e-9


def test_missing_trades_and_symbols_are_found() -> None:
    bars = session_bars(1, 10, 200)
    plain = run_event_loop(bars, BUSY)
    expected = as_trades(plain)
    trades = batch_trades(bars, BUSY, Kernel.NUMPY)
    assert "only in batch" in compare_trades({"TEST": trades}, {"TEST": as_trades(plain[:-1])}).first_difference
    assert "only in event" in compare_trades({}, {"TEST": expected}).first_difference
    assert compare_trades({}, {}).identical


def test_signals_depend_on_the_cached_vwap_once() -> None:
    cache = IndicatorCache()
    bars = session_bars(1, 10, 200)
    entry_signals(bars, BUSY, cache)
    entry_signals(bars, dataclasses.replace(BUSY, band=0.002), cache)
    assert (cache.info().misses, cache.info().hits) == (1, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"band": -0.1}, "band"),
        ({"band": 1.0}, "band"),
        ({"min_range": NAN}, "min_range"),
        ({"trend_days": -1}, "trend_days"),
        ({"quantity": 0.0}, "quantity"),
        ({"max_bars": 0}, "max_bars"),
        ({"stop_loss": -0.1}, "stop_loss"),
        ({"trailing": math.inf}, "trailing"),
        ({"first_entry_s": 10, "last_entry_s": 5}, "first entry"),
        ({"max_trades_per_session": 0}, "max_trades"),
        ({"price_decimals": 11}, "price_decimals"),
        ({"fee_minimum": -1.0}, "fees"),
    ],
)
def test_bad_settings_are_refused(change: dict[str, float], message: str) -> None:
    with pytest.raises(FastPathError, match=message):
        StrategySettings(**change)  # type: ignore[arg-type]


def test_times_of_day() -> None:
    assert seconds_of_day("09:45", "--first-entry") == 35_100
    assert seconds_of_day("15:59:30", "--flat") == 57_570
    for bad in ("9:45", "25:00", "09:60", "noon", "09:45:61", ""):
        with pytest.raises(FastPathError, match="--flat"):
            seconds_of_day(bad, "--flat")
