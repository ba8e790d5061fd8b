"""The account value at the ends of many steps at once.

Lean asks for the total portfolio value at the end of every time step and keeps open, high, low and close between two
samples of the equity chart. While holdings and cash do not change, the value is a fixed part plus quantity times price
of what is held; :func:`value_range` finds first, lowest, highest and last value exactly from integer columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class EquityRange(NamedTuple):
    """Account values at the ends of the steps of an interval: at the first, the lowest, the highest, at the last."""

    first: Decimal
    low: Decimal
    high: Decimal
    last: Decimal


class HeldPrices(NamedTuple):
    """The prices of one holding over an interval.

    ``quantity`` in whole shares (negative when short); ``price`` before the interval and ``prices`` of the updates in
    it, in integer units (1e-4 dollars for unadjusted data); ``utc_us`` the times of the updates, ascending.
    """

    quantity: int
    price: int
    utc_us: NDArray[np.int64]
    prices: NDArray[np.int64]


def value_range(fixed: Decimal, held: Sequence[HeldPrices], first_us: int, unit: Decimal) -> EquityRange:
    """First, lowest, highest and last of ``fixed + unit * sum(quantity * price)`` at the step ends of an interval.

    ``fixed`` is everything but the holdings in ``held``, ``first_us`` the time of the interval's first step. Between
    updates the value stands still, so only update times matter. Integer products must stay below 2**63.
    """
    times = [item.utc_us for item in held if len(item.utc_us)]
    steps = np.unique(np.concatenate([np.array([first_us], dtype=np.int64), *times]))
    total = np.zeros(len(steps), dtype=np.int64)
    for item in held:
        known = np.concatenate([np.array([item.price], dtype=np.int64), item.prices])
        total += item.quantity * known[np.searchsorted(item.utc_us, steps, side="right")]
    picked = (total[0], total.min(), total.max(), total[-1])
    return EquityRange(*(fixed + int(value) * unit for value in picked))
