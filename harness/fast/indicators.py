"""Indicators on whole columns. Pure functions; each returns a new float64 array as long as its input.

Values before an indicator is ready are NaN. The definitions are Lean's, named beside each function; they start at the
first row given and know no sessions, but for the VWAP. The input must not hold NaN (an indicator of missing data is
not defined); the VWAP of a row without price or volume is NaN from there to the end of its session. ``kernel`` chooses
who runs the recursions; the bits are the same.
"""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

from harness.fast import jit
from harness.fast.bars import FloatArray, IntArray
from harness.fast.choices import Kernel
from harness.fast.errors import FastPathError

_PASS_ROWS = 1 << 16


def _check_window(window: int) -> None:
    if window < 1:
        raise FastPathError(f"indicator window is {window}: give at least 1")


def sma(values: FloatArray, window: int) -> FloatArray:
    """Mean of the last ``window`` values (Lean: ``SimpleMovingAverage``).

    Summed as the tail of one aligned block of ``window`` values plus the head of the next, so the rounding error is
    that of ``window`` additions, wherever in the column; a running sum would drift over millions of rows.
    """
    _check_window(window)
    return _windowed(np.add, values, window) / window


def rolling_max(values: FloatArray, window: int) -> FloatArray:
    """Highest of the last ``window`` values (Lean: ``Maximum``)."""
    _check_window(window)
    return _windowed(np.maximum, values, window)


def rolling_min(values: FloatArray, window: int) -> FloatArray:
    """Lowest of the last ``window`` values (Lean: ``Minimum``)."""
    _check_window(window)
    return _windowed(np.minimum, values, window)


def _windowed(combine: np.ufunc, values: FloatArray, window: int) -> FloatArray:
    """``combine`` over every window, in three passes whatever the window (van Herk 1992; Gil and Werman 1993).

    A window covers the tail of one aligned block and the head of the next: running results from both ends of each
    block give every window with one more operation. Done for a run of blocks at a time, so memory stays bounded.
    """
    count = len(values)
    out = np.full(count, np.nan)
    if count < window:
        return out
    if window == 1:
        out[:] = values
        return out
    blocks_per_pass = max(1, _PASS_ROWS // window)
    previous_tail: FloatArray | None = None
    for first in range(0, count, blocks_per_pass * window):
        rows = values[first : first + blocks_per_pass * window]
        whole = len(rows) // window
        if whole:
            blocks = rows[: whole * window].reshape(whole, window)
            heads = combine.accumulate(blocks, axis=1)
            tails = combine.accumulate(blocks[:, ::-1], axis=1)[:, ::-1]
            target = out[first : first + whole * window].reshape(whole, window)
            target[:, -1] = heads[:, -1]
            combine(tails[:-1, 1:], heads[1:, :-1], out=target[1:, :-1])
            if previous_tail is not None:
                combine(previous_tail, heads[0, :-1], out=target[0, :-1])
            previous_tail = tails[-1, 1:].copy()
        rest = rows[whole * window :]
        if len(rest) and previous_tail is not None:
            head = combine.accumulate(rest)
            combine(previous_tail[: len(rest)], head, out=out[first + whole * window : first + len(rows)])
    return out


def ema(values: FloatArray, window: int, kernel: Kernel = Kernel.AUTO) -> FloatArray:
    """Exponential mean, weight ``2 / (window + 1)``, seeded with the mean of the first ``window`` values.

    Lean: ``ExponentialMovingAverage``.
    """
    _check_window(window)
    return _smoothed(values, window, 2.0 / (window + 1), kernel)


def wilder(values: FloatArray, window: int, kernel: Kernel = Kernel.AUTO) -> FloatArray:
    """Exponential mean, weight ``1 / window``, seeded with the mean of the first ``window`` values.

    Lean: ``WilderMovingAverage``.
    """
    _check_window(window)
    return _smoothed(values, window, 1.0 / window, kernel)


def _smoothed(values: FloatArray, window: int, weight: float, kernel: Kernel) -> FloatArray:
    out = np.full(len(values), np.nan)
    if len(values) < window:
        return out
    seed = float(np.add.accumulate(values[:window])[-1]) / window
    out[window - 1] = seed
    rest = values[window:]
    if not len(rest):
        return out
    keep = 1.0 - weight
    if jit.choose(kernel) is Kernel.NUMBA:
        jit.kernels().smooth(np.ascontiguousarray(rest), weight, keep, seed, out[window:])
    else:
        # A first-order recursion is the one thing NumPy cannot do on a column; scipy's filter does it in C with the
        # same two products and one sum a row, hence the same bits.
        from scipy.signal import lfilter

        out[window:], _ = lfilter([weight], [1.0, -keep], rest, zi=[keep * seed])
    return out


def true_range(high: FloatArray, low: FloatArray, close: FloatArray) -> FloatArray:
    """Largest of high - low and the distances of both from the previous close (Lean: ``TrueRange``)."""
    out = high - low
    if len(out) > 1:
        before = close[:-1]
        np.maximum(out[1:], np.abs(before - high[1:]), out=out[1:])
        np.maximum(out[1:], np.abs(before - low[1:]), out=out[1:])
    return out


def atr(high: FloatArray, low: FloatArray, close: FloatArray, window: int, kernel: Kernel = Kernel.AUTO) -> FloatArray:
    """Wilder mean of the true range (Lean: ``AverageTrueRange``)."""
    return wilder(true_range(high, low, close), window, kernel)


def rsi(values: FloatArray, window: int, kernel: Kernel = Kernel.AUTO) -> FloatArray:
    """Relative strength index with Wilder means; 100 where the mean loss is 0 to ten digits.

    Lean: ``RelativeStrengthIndex``. Ready after ``window + 1`` values.
    """
    _check_window(window)
    out = np.full(len(values), np.nan)
    if len(values) <= window:
        return out
    change = np.diff(values)
    gain = wilder(np.maximum(change, 0.0), window, kernel)
    loss = wilder(np.maximum(-change, 0.0), window, kernel)
    flat = np.round(loss, 10) == 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        index = 100.0 - 100.0 / (1.0 + gain / loss)
    index[flat] = 100.0
    out[1:] = index
    return out


def session_vwap(
    bounds: IntArray,
    *,
    high: FloatArray,
    low: FloatArray,
    close: FloatArray,
    volume: FloatArray,
    kernel: Kernel = Kernel.AUTO,
) -> FloatArray:
    """Volume-weighted mean of (high + low + close) / 3 since the start of each session.

    ``bounds`` are the sessions' first rows and the end (:func:`harness.fast.bars.session_bounds`). NaN until a share
    has traded. Each session is summed row after row from zero, as the event loop does.
    """
    out = np.empty(len(close))
    if jit.choose(kernel) is Kernel.NUMBA:
        columns = [np.ascontiguousarray(column) for column in (high, low, close, volume)]
        jit.kernels().session_vwap(bounds, *columns, out)
        return out
    edges = bounds.tolist()
    first = 0
    while first < len(edges) - 1:
        # As many sessions at a time as fit the processor's cache; the running sums restart at each session.
        last = first + 1
        while last < len(edges) - 1 and edges[last + 1] - edges[first] <= _PASS_ROWS:
            last += 1
        _vwap_of_sessions(edges[first : last + 1], high=high, low=low, close=close, volume=volume, out=out)
        first = last
    return out


def _vwap_of_sessions(
    edges: list[int], *, high: FloatArray, low: FloatArray, close: FloatArray, volume: FloatArray, out: FloatArray
) -> None:
    start, stop = edges[0], edges[-1]
    rows = slice(start, stop)
    money: npt.NDArray[np.float64] = high[rows] + low[rows]
    money += close[rows]
    money /= 3.0
    money *= volume[rows]
    shares = volume[rows].copy()
    lengths = {end - begin for begin, end in itertools.pairwise(edges)}
    if len(lengths) == 1:
        # Sessions of one length, the usual case: one call sums every row of a table, each from zero.
        table = (len(edges) - 1, lengths.pop())
        np.add.accumulate(money.reshape(table), axis=1, out=money.reshape(table))
        np.add.accumulate(shares.reshape(table), axis=1, out=shares.reshape(table))
    else:
        for begin, end in itertools.pairwise(edges):
            part = slice(begin - start, end - start)
            np.add.accumulate(money[part], out=money[part])
            np.add.accumulate(shares[part], out=shares[part])
    with np.errstate(divide="ignore", invalid="ignore"):
        np.divide(money, shares, out=out[rows])
