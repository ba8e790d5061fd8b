"""The profiling tools by name. Apart from the module that runs them, so that the command line starts without it."""

from __future__ import annotations

from enum import StrEnum

DEFAULT_RATE = 200
"""Samples a second that py-spy takes."""


class Tool(StrEnum):
    """``PY_SPY`` samples stacks from outside; ``CPROFILE`` counts calls; ``MEMORY`` traces allocations."""

    PY_SPY = "py-spy"
    CPROFILE = "cprofile"
    MEMORY = "memory"
