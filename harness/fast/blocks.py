"""Extremes of fixed blocks of bars: they let a search skip whole blocks that cannot touch a level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.fast.bars import FloatArray

BLOCK: Final = 64
_PASS_ROWS: Final = 1024 * BLOCK


@dataclass(frozen=True, slots=True, eq=False)
class BlockExtremes:
    """Lowest and highest price of each block of ``BLOCK`` bars, NaN ignored (NaN for a block without any price).

    Arrays of shape ``(ceil(bars / BLOCK),)``.
    """

    lowest: FloatArray
    highest: FloatArray


def block_extremes(open_: FloatArray, high: FloatArray, low: FloatArray) -> BlockExtremes:
    """Extremes per block over all prices that a level is compared with: open, high and low.

    The open is included because nothing forces it to lie between low and high where a price is missing.
    """
    starts = np.arange(0, len(low), BLOCK)
    lowest = np.empty(len(starts))
    highest = np.empty(len(starts))
    for first in range(0, len(low), _PASS_ROWS):
        rows = slice(first, first + _PASS_ROWS)
        blocks = slice(first // BLOCK, first // BLOCK + _PASS_ROWS // BLOCK)
        here = starts[blocks] - first
        lowest[blocks] = np.fmin.reduceat(np.fmin(low[rows], open_[rows]), here)
        highest[blocks] = np.fmax.reduceat(np.fmax(high[rows], open_[rows]), here)
    return BlockExtremes(lowest, highest)
