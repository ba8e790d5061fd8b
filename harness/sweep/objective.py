"""The number that a sweep makes as large (or small) as it can, read from a backtest's statistics."""

from __future__ import annotations

import math
from collections.abc import Mapping

from harness.errors import InputError

# Statistics where less is better; everything else is maximised unless the user says otherwise.
_SMALLER_IS_BETTER = ("drawdown", "variance", "standard deviation", "average loss", "loss rate", "total fees")


def maximize_by_default(objective: str) -> bool:
    """Whether more of this statistic is better."""
    return not any(word in objective.lower() for word in _SMALLER_IS_BETTER)


def objective_value(statistics: Mapping[str, str], objective: str) -> float:
    """The statistic as a number: ``12.3%`` is 12.3, ``$1,234`` is 1234. Raises ``InputError`` with what there is."""
    text = statistics.get(objective)
    if text is None:
        names = ", ".join(sorted(statistics)) or "none at all"
        raise InputError(f"statistic {objective!r} is not among the results; there are: {names}")
    plain = text.strip().replace(",", "").replace("%", "").replace("$", "")
    try:
        value = float(plain)
    except ValueError:
        raise InputError(f"statistic {objective!r} is {text!r}, which is no number") from None
    if not math.isfinite(value):
        raise InputError(f"statistic {objective!r} is {text!r}, which is not finite")
    return value
