"""The rolling window: newest first, defaults beyond its items, and the order Lean leaves behind when it grows."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from harness.embedded.data import QuoteBar, TradeBar
from harness.embedded.rolling_window import RollingWindow


def test_newest_first_and_the_oldest_falls_off() -> None:
    window = RollingWindow(3)
    for value in range(5):
        window.add(value)
    assert list(window) == [4, 3, 2]
    assert (window[0], window[2], window[-1], window[-3]) == (4, 2, 2, 4)
    assert (window.count, len(window), window.samples, window.is_ready, window.most_recently_removed) == (
        3,
        3,
        5,
        True,
        1,
    )


def test_an_empty_window_is_false_and_has_removed_nothing() -> None:
    window = RollingWindow[float](2)
    assert not window
    assert not window.is_ready
    with pytest.raises(RuntimeError, match="No items have been removed yet"):
        _ = window.most_recently_removed


def test_reading_beyond_gives_the_default_and_grows_the_window() -> None:
    numbers, things = RollingWindow[float](2), RollingWindow[datetime](2)
    assert (numbers[1], numbers.size) == (0.0, 2)
    assert (numbers[4], numbers.size) == (0.0, 5)
    assert things[0] == datetime.min
    assert RollingWindow(1)[0] is None
    with pytest.raises(IndexError):
        _ = numbers[-6]


def test_types_are_converted_or_refused() -> None:
    floats, whole = RollingWindow[float](2), RollingWindow[int](2)
    floats.add(3)
    assert floats[0].__class__ is float
    with pytest.raises(TypeError):
        floats.add("3")
    with pytest.raises(TypeError):
        whole.add(2.5)


def test_writing_places() -> None:
    window = RollingWindow(3)
    window[1] = "b"
    assert list(window) == [None, "b"]
    window[0] = "a"
    assert window[0] == "a"


def test_shrinking_keeps_the_newest_and_growing_a_wrapped_window_keeps_positions() -> None:
    window = RollingWindow(3)
    for value in range(5):
        window.add(value)
    window.size = 2
    assert list(window) == [4, 3]
    window.add(5)
    assert list(window) == [5, 4]
    window.size = 3
    window.add(6)
    # Lean does not reorder what has wrapped, so the new item is not at index 0.
    assert list(window) == [5, 6, 4]


def test_reset() -> None:
    window = RollingWindow(2)
    window.add(1)
    window.reset()
    assert (window.count, window.samples, list(window)) == (0, 0, [])


def test_sizes_are_whole_and_not_negative() -> None:
    """``RollingWindow.cs``: the constructor refuses a negative size, a later one fails in ``List.RemoveRange``."""
    window = RollingWindow[float](2)
    window.add(1)
    with pytest.raises(ValueError, match="Offset and length were out of bounds"):
        window.size = -1
    assert (window.size, list(window)) == (2, [1.0])
    with pytest.raises(TypeError):
        window.size = 2.5  # type: ignore[assignment]
    with pytest.raises(TypeError):
        RollingWindow[float](2.5)


def test_a_window_of_bars_takes_only_its_own_kind_of_bars() -> None:
    """``RollingWindow<T>.Add(T)``: nothing converts to a bar, and ``null`` is a bar."""
    window = RollingWindow[TradeBar](2)
    bar = TradeBar()
    window.add(bar)
    window.add(None)
    assert list(window) == [None, bar]
    for other in (QuoteBar(), 3.0, "bar"):
        with pytest.raises(TypeError, match="No method matches given arguments"):
            window.add(other)
    with pytest.raises(TypeError, match="No method matches given arguments"):
        window[0] = QuoteBar()
    assert window.samples == 2


def test_an_empty_place_of_time_spans_reads_as_none_at_all() -> None:
    """``default(TimeSpan)`` is a length of zero."""
    window = RollingWindow[timedelta](2)
    assert window[0] == timedelta(0)
    with pytest.raises(TypeError):
        window.add(3)
