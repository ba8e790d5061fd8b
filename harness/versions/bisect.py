"""Binary search for the first bad commit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Judgement(StrEnum):
    """``SKIPPED``: this commit cannot be judged (its backtest does not complete)."""

    GOOD = "good"
    BAD = "bad"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Found:
    """The first bad commit, and those before it that could not be judged and may be bad too."""

    commit: str
    undecided: tuple[str, ...]
    judged: int


def first_bad(commits: Sequence[str], judge: Callable[[str], Judgement]) -> Found:
    """The first bad one of ``commits`` (oldest first). The last is known to be bad, what precedes the first is good.

    Judges about log2 of their number. A commit that cannot be judged is passed over for its nearest neighbour.
    """
    if not commits:
        raise ValueError("no commits to search")
    good, bad = -1, len(commits) - 1
    skipped: set[int] = set()
    judged = 0
    while True:
        open_places = [place for place in range(good + 1, bad) if place not in skipped]
        if not open_places:
            undecided = tuple(commits[place] for place in range(good + 1, bad))
            return Found(commits[bad], undecided, judged)
        middle = (good + bad) / 2
        place = min(open_places, key=lambda candidate: (abs(candidate - middle), candidate))
        judged += 1
        judgement = judge(commits[place])
        if judgement is Judgement.BAD:
            bad = place
        elif judgement is Judgement.GOOD:
            good = place
        else:
            skipped.add(place)
