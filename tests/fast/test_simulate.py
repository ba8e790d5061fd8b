"""Batch simulation against the plain per-trade loop: random cases by hypothesis, and each edge stated by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.fast import jit, simulate
from harness.fast.bars import NS_PER_S, Bars
from harness.fast.choices import EntryAt, Kernel
from harness.fast.errors import FastPathError, KernelUnavailableError
from harness.fast.reference import PlainBars, PlainEntry, simulate_trade_by_trade
from harness.fast.simulate import simulate_trades_batch
from harness.fast.trades import (
    NO_LIMIT,
    Entries,
    ExitReason,
    Overlap,
    Rejection,
    SimulationResult,
    SimulationRules,
)

KERNELS = [Kernel.NUMPY, *([Kernel.NUMBA] if jit.numba_installed() else [])]
NAN = math.nan


def bars_of(rows: list[tuple[float, float, float, float]]) -> Bars:
    table = np.array(rows, dtype=np.float64).reshape(-1, 4)
    columns = [np.ascontiguousarray(table[:, column]) for column in range(4)]
    times = np.arange(len(rows), dtype=np.int64) * 15 * NS_PER_S
    return Bars("TEST", times, *columns, np.ones(len(rows)))


def plain(bars: Bars) -> PlainBars:
    return PlainBars(bars.open.tolist(), bars.high.tolist(), bars.low.tolist(), bars.close.tolist())


def plain_entries(entries: Entries) -> list[PlainEntry]:
    columns = [getattr(entries, name).tolist() for name in PlainEntry.__slots__]
    return [PlainEntry(*row) for row in zip(*columns, strict=True)]


def assert_equal_to_reference(entries: Entries, bars: Bars, rules: SimulationRules, **options: object) -> None:
    expected, rejections = simulate_trade_by_trade(plain(bars), plain_entries(entries), rules)
    for kernel in KERNELS:
        result = simulate_trades_batch(entries, bars, rules, kernel=kernel, **options)  # type: ignore[arg-type]
        assert result.rejection.tolist() == [int(kind) for kind in rejections], kernel
        for name in ("entry_row", "signal", "entry_index", "exit_index", "direction", "quantity", "reason"):
            assert getattr(result.trades, name).tolist() == [getattr(trade, name) for trade in expected], name
        for name in ("entry_price", "exit_price", "profit", "profit_cents"):
            # Equal to the last bit, well inside the promised 1e-9.
            assert getattr(result.trades, name).tolist() == [getattr(trade, name) for trade in expected], name


# Prices on a coarse grid, so that bars gap, touch levels exactly and hit both levels in one bar all the time.
grid = st.integers(90, 110).map(float)
price_or_nan = st.one_of(grid, grid, grid, grid, grid, grid, st.just(NAN))


@st.composite
def bar_rows(draw: st.DrawFn) -> list[tuple[float, float, float, float]]:
    count = draw(st.integers(1, 200))
    seed = draw(st.integers(0, 2**32 - 1))
    with_nan = draw(st.booleans())
    wild = draw(st.booleans())
    rng = np.random.default_rng(seed)
    if wild:
        # Not even low <= open <= high holds: whatever the columns hold, both sides must read them alike.
        table = rng.integers(90, 111, (count, 4)).astype(float)
    else:
        close = 100 + np.cumsum(rng.integers(-2, 3, count)).astype(float)
        open_ = close + rng.integers(-2, 3, count)
        high = np.maximum(open_, close) + rng.integers(0, 3, count)
        low = np.minimum(open_, close) - rng.integers(0, 3, count)
        table = np.maximum(np.column_stack([open_, high, low, close]), 1.0)
    if with_nan:
        table[rng.random(table.shape) < 0.1] = NAN
    return [tuple(row) for row in table.tolist()]


@st.composite
def cases(draw: st.DrawFn) -> tuple[Entries, Bars, SimulationRules, int]:
    bars = bars_of(draw(bar_rows()))
    count = len(bars)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    many = draw(st.integers(0, 60))
    overlap = draw(st.sampled_from(list(Overlap)))
    signal = rng.integers(0, count, many)
    if overlap is Overlap.SKIP or draw(st.booleans()):
        signal = np.sort(signal)
    session = draw(st.sampled_from([1, 3, 7, 40, 1000]))
    limit = (signal // session + 1) * session - 1 if draw(st.booleans()) else np.full(many, NO_LIMIT)

    def fraction(choices: list[float]) -> np.ndarray:
        return rng.choice(np.array(choices), many)

    entries = Entries.of(
        signal,
        rng.choice([-1, 1], many),
        quantity=rng.choice([1.0, 100.0, 33.5], many),
        stop_loss=fraction([NAN, 0.0, 0.01, 0.02, 0.037]),
        take_profit=fraction([NAN, 0.0, 0.01, 0.02, 0.05]),
        trailing=fraction([NAN, NAN, 0.0, 0.015, 0.03]),
        max_bars=rng.choice(np.array([NO_LIMIT, 1, 2, 5, 90]), many),
        limit=limit,
    )
    cap = draw(st.sampled_from([None, 1, 3])) if overlap is Overlap.SKIP else None
    rules = SimulationRules(
        entry_at=draw(st.sampled_from(list(EntryAt))),
        overlap=overlap,
        price_decimals=draw(st.sampled_from([None, 0, 2])),
        max_trades_per_group=cap,
        fee_per_share=draw(st.sampled_from([0.0, 0.005])),
        fee_minimum=draw(st.sampled_from([0.0, 1.0])),
    )
    return entries, bars, rules, draw(st.sampled_from([1, 7, 4096]))


@settings(max_examples=400, deadline=None, derandomize=True)
@given(cases())
def test_random_entries_give_the_trades_of_the_plain_loop(
    case: tuple[Entries, Bars, SimulationRules, int],
) -> None:
    entries, bars, rules, chunk = case
    assert_equal_to_reference(entries, bars, rules, chunk_trades=chunk)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(cases(), st.sampled_from([(1, 1, 1), (2, 8, 16), (8, 32, 20)]))
def test_windows_of_any_size_give_the_trades_of_the_plain_loop(
    case: tuple[Entries, Bars, SimulationRules, int], sizes: tuple[int, int, int]
) -> None:
    """First window, last window, cells at once: so small that trades end in every window and behind the last."""
    entries, bars, rules, chunk = case
    with pytest.MonkeyPatch.context() as patch:
        for name, size in zip(("_FIRST_WINDOW", "_LAST_WINDOW", "_WINDOW_CELLS"), sizes, strict=True):
            patch.setattr(simulate, name, size)
        assert_equal_to_reference(entries, bars, rules, chunk_trades=chunk)


def test_long_trades_cross_many_blocks() -> None:
    rng = np.random.default_rng(7)
    count = 30_000
    close = 100 * np.exp(np.cumsum(rng.normal(0, 3e-4, count)))
    open_ = np.concatenate(([100.0], close[:-1]))
    high = np.maximum(open_, close) * (1 + np.abs(rng.normal(0, 2e-4, count)))
    low = np.minimum(open_, close) * (1 - np.abs(rng.normal(0, 2e-4, count)))
    bars = Bars("TEST", np.arange(count, dtype=np.int64) * NS_PER_S, open_, high, low, close, np.ones(count))
    signal = np.sort(rng.integers(0, count, 300))
    entries = Entries.of(
        signal,
        rng.choice([-1, 1], 300),
        stop_loss=rng.choice([0.01, 0.05, NAN], 300),
        take_profit=rng.choice([0.01, 0.08, NAN], 300),
        trailing=rng.choice([0.02, 0.04, NAN], 300),
        limit=(signal // 200) * 200 + 199,
    )
    assert_equal_to_reference(entries, bars, SimulationRules())
    # 150 groups: the NumPy path simulates them in lock-step.
    assert_equal_to_reference(entries, bars, SimulationRules(overlap=Overlap.SKIP, max_trades_per_group=1))
    free = Entries.of(signal, entries.direction, stop_loss=entries.stop_loss, take_profit=entries.take_profit)
    assert_equal_to_reference(free, bars, SimulationRules(price_decimals=2))


FLAT = (100.0, 100.5, 99.5, 100.0)


@pytest.fixture(params=KERNELS)
def kernel(request: pytest.FixtureRequest) -> Kernel:
    return Kernel(request.param)


def one(
    kernel: Kernel,
    rows: list[tuple[float, float, float, float]],
    *,
    direction: int = 1,
    entry_at: EntryAt = EntryAt.NEXT_OPEN,
    **levels: float,
) -> tuple[int, float, ExitReason]:
    entries = Entries.of([0], direction, **levels)  # type: ignore[arg-type]
    result = simulate_trades_batch(entries, bars_of(rows), SimulationRules(entry_at=entry_at), kernel=kernel)
    assert result.rejection.tolist() == [0]
    trades = result.trades
    return int(trades.exit_index[0]), float(trades.exit_price[0]), ExitReason(trades.reason[0])


def test_gap_through_the_stop_fills_at_the_open(kernel: Kernel) -> None:
    rows = [FLAT, FLAT, (97.0, 99.0, 96.0, 98.0), FLAT]
    assert one(kernel, rows, stop_loss=0.02) == (2, 97.0, ExitReason.STOP)
    rows = [FLAT, FLAT, (103.0, 104.0, 102.5, 103.0), FLAT]
    assert one(kernel, rows, direction=-1, stop_loss=0.02) == (2, 103.0, ExitReason.STOP)


def test_gap_through_the_target_fills_at_the_open(kernel: Kernel) -> None:
    rows = [FLAT, FLAT, (103.0, 104.0, 90.0, 103.0), FLAT]
    # The open came before the low, so the target's gap wins although the stop lies inside the bar too.
    assert one(kernel, rows, stop_loss=0.02, take_profit=0.02) == (2, 103.0, ExitReason.TARGET)


def test_both_levels_inside_one_bar_take_the_stop(kernel: Kernel) -> None:
    rows = [FLAT, FLAT, (100.0, 105.0, 95.0, 100.0), FLAT]
    assert one(kernel, rows, stop_loss=0.02, take_profit=0.02) == (2, 98.0, ExitReason.STOP)
    assert one(kernel, rows, direction=-1, stop_loss=0.02, take_profit=0.02) == (2, 102.0, ExitReason.STOP)


def test_a_touch_is_a_fill(kernel: Kernel) -> None:
    rows = [FLAT, FLAT, (100.0, 102.0, 99.0, 101.0), FLAT]
    assert one(kernel, rows, take_profit=0.02) == (2, 102.0, ExitReason.TARGET)


def test_entry_and_exit_in_the_same_bar(kernel: Kernel) -> None:
    rows = [FLAT, (100.0, 101.0, 97.0, 98.0), FLAT]
    assert one(kernel, rows, stop_loss=0.02) == (1, 98.0, ExitReason.STOP)


def test_an_entry_at_the_close_does_not_see_its_own_bar(kernel: Kernel) -> None:
    rows = [(100.0, 110.0, 90.0, 100.0), FLAT, (100.0, 100.0, 97.0, 98.0)]
    assert one(kernel, rows, entry_at=EntryAt.CLOSE, stop_loss=0.02) == (2, 98.0, ExitReason.STOP)


def test_trailing_stop_follows_the_high_from_the_next_bar_on(kernel: Kernel) -> None:
    # Bar 2 reaches 110: its own low of 101 is above the stop as it stood (98), the next bar's 107 is not above 107.8.
    rows = [FLAT, FLAT, (101.0, 110.0, 101.0, 109.0), (109.0, 109.0, 107.0, 108.0)]
    index, price, reason = one(kernel, rows, trailing=0.02)
    assert (index, reason) == (3, ExitReason.TRAIL)
    assert price == 110.0 * 0.98


def test_the_tighter_of_fixed_and_trailing_stop_counts(kernel: Kernel) -> None:
    rows = [FLAT, FLAT, (100.0, 100.4, 98.9, 99.0), FLAT]
    assert one(kernel, rows, stop_loss=0.01, trailing=0.05) == (2, 99.0, ExitReason.STOP)


def test_time_exit_and_last_bar(kernel: Kernel) -> None:
    rows = [FLAT, FLAT, FLAT, (100.0, 100.2, 99.9, 100.1), FLAT]
    assert one(kernel, rows, max_bars=3) == (3, 100.1, ExitReason.TIME)
    assert one(kernel, rows) == (4, 100.0, ExitReason.LAST_BAR)
    assert one(kernel, rows, limit=3) == (3, 100.1, ExitReason.LAST_BAR)


def test_missing_prices_touch_nothing_and_exit_at_the_last_known_close(kernel: Kernel) -> None:
    hole = (NAN, NAN, NAN, NAN)
    assert one(kernel, [FLAT, FLAT, hole, (100.0, 101.0, 97.0, 98.0)], stop_loss=0.02)[:2] == (3, 98.0)
    assert one(kernel, [FLAT, (100.0, 100.0, 100.0, 99.9), hole, hole]) == (3, 99.9, ExitReason.LAST_BAR)


def test_entries_that_are_no_trades_say_why(kernel: Kernel) -> None:
    bars = bars_of([FLAT, (NAN, 101.0, 99.0, 100.0), FLAT])
    result = simulate_trades_batch(Entries.of([0, 1, 2]), bars, kernel=kernel)
    assert result.rejection.tolist() == [Rejection.NO_PRICE, Rejection.NONE, Rejection.NO_BAR_LEFT]
    assert result.rejected() == {"no_bar_left": 1, "no_price": 1, "overlap": 0, "cap": 0}


def test_one_position_at_a_time_frees_at_the_exit_bar(kernel: Kernel) -> None:
    rows = [FLAT] * 2 + [(100.0, 100.0, 97.0, 98.0)] + [FLAT] * 5
    entries = Entries.of([0, 1, 2, 3], stop_loss=0.02, max_bars=4)
    result = simulate_trades_batch(entries, bars_of(rows), SimulationRules(overlap=Overlap.SKIP), kernel=kernel)
    # The first trade ends inside bar 2; the signal at bar 2's close comes after it.
    assert result.trades.signal.tolist() == [0, 2]
    assert result.rejection.tolist() == [0, Rejection.OVERLAP, 0, Rejection.OVERLAP]


def test_no_entries_and_no_bars(kernel: Kernel) -> None:
    nothing = simulate_trades_batch(Entries.of([]), bars_of([FLAT]), kernel=kernel)
    assert len(nothing.trades) == 0
    assert len(simulate_trades_batch(Entries.of([]), bars_of([]), kernel=kernel).trades) == 0


def test_profit_is_rounded_half_even_to_the_cent(kernel: Kernel) -> None:
    rows = [FLAT, (100.0, 100.0, 100.0, 100.125), FLAT]
    bars = bars_of(rows)
    rules = SimulationRules(fee_per_share=0.005, fee_minimum=1.0)
    result: SimulationResult = simulate_trades_batch(
        Entries.of([0], max_bars=1, quantity=1.0), bars, SimulationRules(), kernel=kernel
    )
    assert result.trades.profit_cents.tolist() == [12]
    paid = simulate_trades_batch(Entries.of([0], max_bars=1, quantity=1000.0), bars, rules, kernel=kernel)
    assert paid.trades.profit.tolist() == [125.0 - 10.0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"signal": [5]}, "outside"),
        ({"direction": 0}, "direction"),
        ({"quantity": 0.0}, "quantity"),
        ({"max_bars": 0}, "max_bars"),
        ({"stop_loss": -0.1}, "stop_loss"),
        ({"take_profit": math.inf}, "take_profit"),
        ({"trailing": [0.1, 0.2]}, "trailing has shape"),
    ],
)
def test_bad_entries_are_refused_in_one_line(change: dict[str, object], message: str) -> None:
    arguments: dict[str, object] = {"signal": [0], **change}
    with pytest.raises(FastPathError, match=message):
        simulate_trades_batch(Entries.of(**arguments), bars_of([FLAT, FLAT]))  # type: ignore[arg-type]


def test_skip_needs_ordered_entries() -> None:
    with pytest.raises(FastPathError, match="ascending"):
        simulate_trades_batch(Entries.of([1, 0]), bars_of([FLAT] * 3), SimulationRules(overlap=Overlap.SKIP))
    with pytest.raises(FastPathError, match="limits"):
        simulate_trades_batch(
            Entries.of([0, 1], limit=[2, 1]), bars_of([FLAT] * 3), SimulationRules(overlap=Overlap.SKIP)
        )


def test_absent_numba_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jit, "numba_installed", lambda: False)
    with pytest.raises(KernelUnavailableError, match=r"pip install '\.\[jit\]'"):
        simulate_trades_batch(Entries.of([0]), bars_of([FLAT, FLAT]), kernel=Kernel.NUMBA)
    assert jit.choose(Kernel.AUTO) in {Kernel.NUMPY, Kernel.NUMBA}


def test_read_only_columns_are_accepted(kernel: Kernel) -> None:
    bars = bars_of([FLAT, FLAT, FLAT])
    for column in bars.columns():
        column.flags.writeable = False
    assert len(simulate_trades_batch(Entries.of([0]), bars, kernel=kernel).trades) == 1
