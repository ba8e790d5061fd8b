"""Where a series of figures changes its level.

Binary segmentation: the split that separates two parts best, by the sum of squares of the logarithms' *ranks* (so
that one outlier cannot make a change), is kept when a permutation test says that chance seldom splits so well; then
each part is searched again. Sources: A. N. Pettitt, "A non-parametric approach to the change-point problem" (1979),
for the rank statistic; D. S. Matteson and N. A. James, "A nonparametric approach for multiple change point analysis
of multivariate data" (2014), for the permutation test in each segment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST_SIDE = 3
PERMUTATIONS = 999
SIGNIFICANCE = 0.01
LEAST_RATIO = 1.02


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """The level changed with the value at ``index``: medians before and after, their ratio, and the p value."""

    index: int
    before: float
    after: float
    p: float

    @property
    def ratio(self) -> float:
        return self.after / self.before


def change_points(
    values: Sequence[float], significance: float = SIGNIFICANCE, least_ratio: float = LEAST_RATIO, seed: int = 0
) -> list[ChangePoint]:
    """The change points of positive ``values``, in order.

    A level needs at least three values on each side; ten values are the least in which one can be found at the
    default significance (five and five: two of the 252 ways to part them separate as well). Changes of the median by
    less than ``least_ratio`` are left out. Deterministic for a seed.
    """
    data = np.asarray(values, dtype=np.float64)
    if data.size and not (np.isfinite(data).all() and (data > 0).all()):
        raise ValueError("values must be positive and finite")
    generator = np.random.default_rng(seed)
    splits = sorted(_search(data, 0, significance, generator), key=lambda item: item[0])
    edges = [0, *(index for index, _ in splits), len(data)]
    found = []
    for place, (index, p) in enumerate(splits, start=1):
        before = float(np.median(data[edges[place - 1] : index]))
        after = float(np.median(data[index : edges[place + 1]]))
        if max(after / before, before / after) >= least_ratio:
            found.append(ChangePoint(index, before, after, p))
    return found


def _search(
    data: NDArray[np.float64], offset: int, significance: float, generator: np.random.Generator
) -> list[tuple[int, float]]:
    if data.size < 2 * LEAST_SIDE:
        return []
    ranks = _ranks(data)
    index, best = _best_split(ranks)
    permuted = generator.permuted(np.tile(ranks, (PERMUTATIONS, 1)), axis=1)
    as_good = int((_split_scores(permuted).max(axis=1) >= best - 1e-9).sum())
    p = (1 + as_good) / (1 + PERMUTATIONS)
    if p > significance:
        return []
    left = _search(data[:index], offset, significance, generator)
    right = _search(data[index:], offset + index, significance, generator)
    return [*left, (offset + index, p), *right]


def _ranks(data: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks with ties averaged, centred on 0."""
    from scipy.stats import rankdata

    return np.asarray(rankdata(data) - (data.size + 1) / 2, dtype=np.float64)


def _best_split(ranks: NDArray[np.float64]) -> tuple[int, float]:
    scores = _split_scores(ranks[None, :])[0]
    place = int(scores.argmax())
    return place + LEAST_SIDE, float(scores[place])


def _split_scores(ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    """For rows of centred ranks: the between-part sum of squares of every allowed split."""
    count = ranks.shape[1]
    sizes = np.arange(LEAST_SIDE, count - LEAST_SIDE + 1)
    sums = ranks.cumsum(axis=1)[:, sizes - 1]
    return np.asarray(sums**2 * (1 / sizes + 1 / (count - sizes)), dtype=np.float64)
