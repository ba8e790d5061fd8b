"""Compiled kernels (numba). Imported only through :func:`harness.fast.jit.kernels`.

Every kernel repeats the float operations of its NumPy twin in the same order, without fast-math, so the results are
equal to the last bit. Signatures are given, with read-only inputs: memory-mapped and ordinary arrays then share one
compiled version, and numba's disk cache spares the next process the compilation.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, types

from harness.fast.trades import ExitReason, Rejection

STOP = int(ExitReason.STOP)
TRAIL = int(ExitReason.TRAIL)
TARGET = int(ExitReason.TARGET)
TIME = int(ExitReason.TIME)
LAST_BAR = int(ExitReason.LAST_BAR)
NO_BAR_LEFT = int(Rejection.NO_BAR_LEFT)
NO_PRICE = int(Rejection.NO_PRICE)
OVERLAP = int(Rejection.OVERLAP)
CAP = int(Rejection.CAP)


def _read(dtype: types.Type) -> types.Array:
    return types.Array(dtype, 1, "C", readonly=True)


def _write(dtype: types.Type) -> types.Array:
    return types.Array(dtype, 1, "C")


_PRICES = (_read(types.float64),) * 4
_ENTRY = (
    _read(types.int64),
    _read(types.int8),
    _read(types.float64),
    _read(types.float64),
    _read(types.float64),
    _read(types.int64),
    _read(types.int64),
)
_OUT = (
    _write(types.int64),
    _write(types.float64),
    _write(types.float64),
    _write(types.int8),
    _write(types.int8),
)


@njit(
    types.void(*_PRICES, *_ENTRY, types.boolean, types.float64, types.boolean, types.int64, *_OUT),
    cache=True,
    nogil=True,
    error_model="numpy",
)
def simulate(  # type: ignore[no-untyped-def]
    open_,
    high,
    low,
    close,
    signal,
    direction,
    stop_loss,
    take_profit,
    trailing,
    max_bars,
    limit,
    at_open,
    ticks,
    skip,
    cap,
    exit_index,
    entry_price,
    exit_price,
    reason,
    rejection,
):
    """Fill the five output arrays for every entry; rules as in :mod:`harness.fast.reference`."""
    n = len(close)
    group = -1
    free_from = -1
    taken = 0
    for row in range(len(signal)):
        start = signal[row]
        if limit[row] != group:
            group = limit[row]
            free_from = -1
            taken = 0
        if skip:
            if start < free_from:
                rejection[row] = OVERLAP
                continue
            if taken >= cap:
                rejection[row] = CAP
                continue
        last = min(limit[row], n - 1)
        if start >= last:
            rejection[row] = NO_BAR_LEFT
            continue
        first = start + 1
        price = open_[first] if at_open else close[start]
        if math.isnan(price):
            rejection[row] = NO_PRICE
            continue
        deadline = last if max_bars[row] >= last - start else start + max_bars[row]
        # Everything below runs in the trade's own direction: a short is a long on negated prices (negation is exact).
        side = float(direction[row])
        entry = side * price
        stop = entry * (1.0 - side * stop_loss[row])
        target = entry * (1.0 + side * take_profit[row])
        trail_factor = 1.0 - side * trailing[row]
        has_trail = not math.isnan(trailing[row])
        if ticks > 0.0:
            stop = np.rint(stop * ticks) / ticks
            target = np.rint(target * ticks) / ticks
        # No level is a level that no price reaches: that spares the loop its questions about NaN.
        fixed = -np.inf if math.isnan(stop) else stop
        if math.isnan(target):
            target = np.inf
        # A bound that is never below the trailing level, rounding included, so that the usual bar, which touches
        # nothing, is passed without a division.
        bound_factor = trail_factor if has_trail else 0.0
        bound_margin = -np.inf
        if has_trail:
            bound_margin = 0.51 / ticks if ticks > 0.0 else 0.0
        favourable = high if side > 0.0 else low
        adverse = low if side > 0.0 else high
        extreme = entry
        code = 0
        out = 0.0
        bar = first
        while bar <= deadline:
            best = side * favourable[bar]
            worst = side * adverse[bar]
            opening = side * open_[bar]
            bound = max(fixed, extreme * bound_factor + bound_margin)
            # A NaN fails the question and is looked at below.
            if not ((opening > bound) & (worst > bound) & (opening < target) & (best < target)):
                stop = fixed
                stop_code = STOP
                if has_trail:
                    trail = extreme * trail_factor
                    if ticks > 0.0:
                        trail = np.rint(trail * ticks) / ticks
                    if trail > fixed:
                        stop = trail
                        stop_code = TRAIL
                if opening <= stop:
                    out = opening
                    code = stop_code
                elif opening >= target:
                    out = opening
                    code = TARGET
                elif worst <= stop:
                    out = stop
                    code = stop_code
                elif best >= target:
                    out = target
                    code = TARGET
                if code != 0:
                    break
            # NaN is no price and moves nothing, so this is not max(): numba's max() would take it.
            extreme = best if best > extreme else extreme
            bar += 1
        if code == 0:
            bar = deadline
            known = deadline
            while known >= first and math.isnan(close[known]):
                known -= 1
            out = side * close[known] if known >= first else entry
            code = TIME if deadline < last else LAST_BAR
        exit_index[row] = bar
        entry_price[row] = price
        exit_price[row] = side * out
        reason[row] = code
        free_from = bar
        taken += 1


@njit(
    types.void(_read(types.int64), *(_read(types.float64),) * 4, _write(types.float64)),
    cache=True,
    nogil=True,
    error_model="numpy",
)
def session_vwap(bounds, high, low, close, volume, out):  # type: ignore[no-untyped-def]
    """Volume-weighted mean of the typical price since each session's start; NaN while no share has traded."""
    for session in range(len(bounds) - 1):
        money = 0.0
        shares = 0.0
        for row in range(bounds[session], bounds[session + 1]):
            money += (high[row] + low[row] + close[row]) / 3.0 * volume[row]
            shares += volume[row]
            out[row] = money / shares


@njit(
    types.void(_read(types.float64), types.float64, types.float64, types.float64, _write(types.float64)),
    cache=True,
    nogil=True,
    error_model="numpy",
)
def smooth(values, weight, keep, seed, out):  # type: ignore[no-untyped-def]
    """``out[i] = keep * out[i - 1] + weight * values[i]`` with ``seed`` before the first."""
    current = seed
    for row in range(len(values)):
        current = keep * current + weight * values[row]
        out[row] = current


@njit(
    types.int64(
        _read(types.int64),
        _read(types.float64),
        _read(types.float64),
        types.float64,
        types.float64,
        types.boolean,
        types.boolean,
        _write(types.int64),
        _write(types.int64),
    ),
    cache=True,
    nogil=True,
    error_model="numpy",
)
def crosses(bounds, close, mean, up, down, longs, shorts, rows, sides):  # type: ignore[no-untyped-def]
    """Rows and sides where the close leaves the band around ``mean`` inside a session; how many there are."""
    count = 0
    for session in range(len(bounds) - 1):
        # The first bar of a session crosses nothing: before it the close is on neither side.
        was_low = False
        was_high = False
        for row in range(bounds[session], bounds[session + 1]):
            price = close[row]
            upper = mean[row] * up
            lower = mean[row] * down
            if was_low and price > upper and longs:
                rows[count] = row
                sides[count] = 1
                count += 1
            elif was_high and price < lower and shorts:
                rows[count] = row
                sides[count] = -1
                count += 1
            was_low = price <= upper
            was_high = price >= lower
    return count
