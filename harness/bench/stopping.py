"""When to look at the figures, and how sure each look must be.

Looking again and again at growing data and stopping at the first favourable look passes far more often than each
look's error rate says. So the looks are fixed before the first run and the error budget is divided among them: the
probability that *any* look passes wrongly is at most the sum of the looks' own (union bound), whatever the noise
looks like, because each look uses an exact test.

``FIXED``: one look, 2.5 % in each tail. ``sequential``: looks at growing numbers of pairs, 5 % in all for a wrong
PASS. The measured rates are in ``docs/statistics.md`` (``benchmarks/sim_stopping.py``).
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.bench.statistics import MIN_PAIRS
from harness.errors import InputError

FIXED_ALPHA = 0.025
TOTAL_ALPHA = 0.05
GROWTH = 1.5


@dataclass(frozen=True, slots=True)
class Look:
    """After ``pairs`` pairs, decide with ``alpha`` in each tail."""

    pairs: int
    alpha: float


@dataclass(frozen=True, slots=True)
class StoppingRule:
    """The looks, in order of pairs; the last one ends the session whatever it finds."""

    name: str
    looks: tuple[Look, ...]

    @property
    def max_pairs(self) -> int:
        return self.looks[-1].pairs

    def look_at(self, pairs_done: int) -> Look | None:
        """The look that is due exactly now, if any."""
        return next((look for look in self.looks if look.pairs == pairs_done), None)

    def look_for(self, pairs_done: int) -> Look:
        """The look to judge by when the session ends here: the first not yet used, so that no error is spent twice."""
        return next((look for look in self.looks if look.pairs >= pairs_done), self.looks[-1])


def fixed(pairs: int, alpha: float = FIXED_ALPHA) -> StoppingRule:
    """One look after ``pairs`` pairs."""
    return StoppingRule("fixed", (Look(pairs, alpha),))


def sequential(max_pairs: int, total_alpha: float = TOTAL_ALPHA) -> StoppingRule:
    """Looks at 6, 9, 14, 21, ... pairs up to ``max_pairs``; ``total_alpha`` is spent over them.

    The first look gets the least that an exact test of six pairs can use (2^-6 = 0.0156); what is left is shared
    equally by the others. With one look only, it gets everything.
    """
    if max_pairs < MIN_PAIRS:
        raise InputError(f"adaptive sampling: max_pairs is {max_pairs}, at least {MIN_PAIRS} are needed")
    counts = [MIN_PAIRS]
    while counts[-1] < max_pairs:
        counts.append(min(max_pairs, max(counts[-1] + 1, int(counts[-1] * GROWTH))))
    if len(counts) == 1:
        return StoppingRule("sequential", (Look(MIN_PAIRS, total_alpha),))
    first = 2.0**-MIN_PAIRS
    share = (total_alpha - first) / (len(counts) - 1)
    looks = (Look(counts[0], first), *(Look(count, share) for count in counts[1:]))
    return StoppingRule("sequential", looks)
