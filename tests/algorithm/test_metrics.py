"""Both back ends against each other (to the last bit) and against figures worked out by hand."""

from __future__ import annotations

import struct

import pytest
from data_manager import DailyHistory, DataManager
from hypothesis import given, settings
from hypothesis import strategies as st
from metrics import IncrementalMetrics, Metrics, RecomputeMetrics, metrics_calculator
from parameters import Parameters

from tests.algorithm.fakes import bar, history

PRICES = st.integers(1, 20_000_000)
VOLUMES = st.one_of(st.just(0), st.integers(0, 5_000_000))
BARS = st.lists(st.tuples(PRICES, PRICES, PRICES, PRICES, VOLUMES), min_size=1, max_size=60)
DAYS = st.lists(st.tuples(PRICES, VOLUMES, st.integers(0, 1_000_000)), min_size=8, max_size=8)
SESSIONS = st.lists(st.tuples(DAYS, BARS), min_size=1, max_size=3)


def bits(metrics: Metrics) -> tuple[object, ...]:
    """Every field with its type; floats as their eight bytes, so that 0.0 and -0.0 differ."""
    return tuple(struct.pack("d", value) if isinstance(value, float) else (type(value), value) for value in metrics)


@given(sessions=SESSIONS, window_bars=st.integers(1, 20))
@settings(max_examples=150, deadline=None)
def test_both_back_ends_agree_to_the_last_bit(
    sessions: list[tuple[list[tuple[int, int, int]], list[tuple[int, int, int, int, int]]]], window_bars: int
) -> None:
    data = DataManager(8)
    recompute, incremental = RecomputeMetrics(window_bars, 3), IncrementalMetrics(window_bars, 3)
    for days, bars in sessions:
        data.start_session(DailyHistory(*(list(column) for column in zip(*days, strict=True))))
        recompute.start_session(data)
        incremental.start_session(data)
        for first, second, third, last, volume in bars:
            prices = sorted((first, second, third, last))
            data.add(bar(prices[3], prices[0], last, volume, open_e4=first))
            assert bits(recompute.update(data)) == bits(incremental.update(data))


@pytest.mark.parametrize("back_end", ["recompute", "incremental"])
def test_figures_worked_out_by_hand(back_end: str) -> None:
    data = DataManager(4)
    calculator = metrics_calculator(Parameters(metrics=back_end, window_bars=2, volume_days=2, history_days=4))
    data.start_session(DailyHistory([900_000, 1_000_000, 1_010_000, 1_000_000], [10, 20, 30, 50], [100, 200, 300, 400]))
    calculator.start_session(data)
    for high, low, close, volume in (
        (1_020_000, 1_010_000, 1_020_000, 100),
        (1_030_000, 1_020_000, 1_025_000, 0),
        (1_026_000, 1_023_000, 1_023_000, 300),
    ):
        data.add(bar(high, low, close, volume, open_e4=1_015_000))
        metrics = calculator.update(data)
    first_typical, last_typical = 1_020_000 + 1_010_000 + 1_020_000, 1_026_000 + 1_023_000 + 1_023_000
    assert metrics == Metrics(
        high=1_026_000,
        low=1_023_000,
        close=1_023_000,
        vwap=(first_typical * 100 + last_typical * 300) / 1200,
        session_high=1_030_000,
        session_low=1_010_000,
        session_volume=400,
        mean_close=(1_000_000 + 1_010_000 + 1_000_000 + 1_023_000) / 4,
        mean_volume=27.5,
        recent_mean_volume=40.0,
        mean_range=250.0,
        gap_bp=150.0,
        drop=7_000,
        rise=3_000,
        window_volume=300,
        mean_bar_range=6_500.0,
    )


@pytest.mark.parametrize("back_end", ["recompute", "incremental"])
def test_vwap_is_the_close_while_nothing_has_traded(back_end: str) -> None:
    data = DataManager(30)
    calculator = metrics_calculator(Parameters(metrics=back_end))
    data.start_session(history())
    calculator.start_session(data)
    data.add(bar(1_010_000, 1_000_000, 1_005_000, 0))
    assert calculator.update(data).vwap == 1_005_000.0


def test_history_becomes_integers() -> None:
    daily = DailyHistory.from_columns([10.25, 11.0], [9.75, 10.5], [10.0001, 10.75], [1000.0, 2000.0])
    assert daily == DailyHistory([100_001, 107_500], [1000, 2000], [5_000, 5_000])


def test_a_new_session_forgets_the_old_one_and_wants_a_full_history() -> None:
    data = DataManager(30)
    data.start_session(history())
    data.add(bar(1_010_000, 1_000_000, 1_005_000, 7))
    assert (data.has_history, data.open_e4, data.volumes) == (True, 1_005_000, [7])
    data.start_session(history(days=29))
    assert (data.has_history, data.open_e4, data.volumes, data.highs) == (False, 0, [], [])
