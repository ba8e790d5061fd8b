"""Fewer points of a series for the eye, without losing an extreme or a point that must stay."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]


def sample_indices(values: Float64, points: int, keep: Int64 | None = None) -> Int64:
    """Sorted indices of about ``points`` of ``values`` (one dimension, any length).

    In them: the first and the last, the least and the greatest of every of ``points / 2`` equal parts, and all of
    ``keep``. Everything when there are no more than ``points``. NaN is passed over.
    """
    size = int(values.size)
    if size <= points or size <= 4:
        return np.arange(size, dtype=np.int64)
    import tsdownsample

    finite = np.nan_to_num(values, nan=float(np.nanmedian(values)) if not np.isnan(values).all() else 0.0)
    wanted = max(4, points - points % 2)
    sampler: Any = tsdownsample.MinMaxDownsampler
    chosen = np.asarray(sampler().downsample(np.ascontiguousarray(finite), n_out=wanted), dtype=np.int64)
    edges = np.array([0, size - 1, int(np.argmin(finite)), int(np.argmax(finite))], dtype=np.int64)
    parts: list[Any] = [chosen, edges] if keep is None else [chosen, edges, keep[(keep >= 0) & (keep < size)]]
    return np.unique(np.concatenate(parts))


def drawdown(equity: Float64) -> Float64:
    """Fraction below the highest value so far, zero or negative, same shape."""
    if not equity.size:
        return equity
    peak = np.maximum.accumulate(equity)
    return np.divide(equity - peak, peak, out=np.zeros_like(equity), where=peak > 0)
