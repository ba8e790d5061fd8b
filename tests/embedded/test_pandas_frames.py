"""Frames put together by hand are those pandas makes of the same columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from harness.embedded.pandas_frames import _frame_of, _quote_columns
from harness.embedded.reference.symbols import Symbol

SYMBOL = Symbol.create("AAPL", 1, "usa")


def made_by_pandas(times: np.ndarray, columns: dict[str, np.ndarray]) -> pd.DataFrame:
    """Lean's ``PandasConverter``: columns in order of their names, those without a value left out."""
    index = pd.DatetimeIndex(times.astype("datetime64[us]").astype("datetime64[ns]"), name="time")
    frame = pd.DataFrame(columns, index=index)
    frame = frame[sorted(name for name in columns if ((frame[name] != 0) & frame[name].notna()).any())]
    frame.index = pd.MultiIndex.from_arrays(
        [pd.Index([SYMBOL] * len(times), dtype=object), index], names=["symbol", "time"]
    )
    return frame


@pytest.mark.parametrize("rows", [1, 30, 200, 40_000])
def test_frame_equals_pandas_own(rows: int) -> None:
    generator = np.random.default_rng(rows)
    times = 1_759_300_200_000_000 + np.cumsum(generator.integers(1, 5, rows)) * 1_000_000
    columns = {name: generator.normal(100, 5, rows) for name in ("open", "high", "low", "close")}
    columns["volume"] = np.zeros(rows)
    columns["bidopen"] = np.where(np.arange(rows) % 3 == 0, 99.5, np.nan)
    columns["askopen"] = np.full(rows, np.nan)
    expected, frame = made_by_pandas(times, columns), _frame_of(SYMBOL, times, columns)
    assert list(frame.columns) == ["bidopen", "close", "high", "low", "open"]
    pd.testing.assert_frame_equal(
        frame, expected, check_exact=True, check_index_type="exact", check_column_type="exact"
    )
    for level, other in zip(frame.index.levels, expected.index.levels, strict=True):
        assert type(level) is type(other) and level.dtype == other.dtype and level.name == other.name
    for codes, others in zip(frame.index.codes, expected.index.codes, strict=True):
        assert codes.dtype == others.dtype
    # The same memory order, so that sums over it round alike.
    assert frame["close"].to_numpy().tobytes() == expected["close"].to_numpy().tobytes()
    assert frame["close"].to_numpy().flags == expected["close"].to_numpy().flags
    assert float(frame["close"].mean()) == float(expected["close"].mean())


def test_frame_without_any_value_keeps_its_index() -> None:
    columns = {"close": np.zeros(2), "volume": np.zeros(2)}
    times = np.array([1_759_300_200_000_000, 1_759_300_260_000_000])
    pd.testing.assert_frame_equal(_frame_of(SYMBOL, times, columns), made_by_pandas(times, columns))


def test_sizes_of_an_absent_side_are_zero_and_its_prices_missing() -> None:
    """``QuoteBar.LastBidSize`` is a member of the bar, always in the frame; ``Bid`` itself is ``null``."""
    raw = [np.array([values]) for values in (0.0, 0.0, 0.0, 0.0, 7.0, 10.0, 10.0, 10.0, 10.0, 3.0)]

    class Part:
        end_us = np.array([1_759_300_200_000_000, 1_759_300_260_000_000])
        exchange_offset_us = 0

        def floats(self, index: int) -> np.ndarray:
            return np.repeat(raw[index], 2)

    _, columns = _quote_columns([Part()])  # type: ignore[list-item]
    assert columns["bidsize"].tolist() == [0.0, 0.0]
    assert columns["asksize"].tolist() == [3.0, 3.0]
    assert np.isnan(columns["bidclose"]).all()
    assert columns["close"].tolist() == [10.0, 10.0]
