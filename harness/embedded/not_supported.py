"""What the embedded engine says when it is asked for a part of Lean that it does not cover.

Nothing is approximated: the member is named, and the engines that have it.
"""

from __future__ import annotations

import threading

_of_this_thread = threading.local()


class NotSupportedError(NotImplementedError):
    """A member of Lean's API that the embedded engine does not cover."""

    def __init__(self, member: str, detail: str = "") -> None:
        self.member = member
        because = f" ({detail})" if detail else ""
        super().__init__(
            f"{member} is not covered by the embedded engine{because}; run it with --engine launcher or --engine lean"
        )
        if first_refusal() is None:
            _of_this_thread.first = self


def first_refusal() -> NotSupportedError | None:
    """What was refused first in this thread since :func:`forget_refusals`.

    User code that catches every exception catches refusals too; a run that went on after one is not Lean's.
    """
    return getattr(_of_this_thread, "first", None)


def forget_refusals() -> None:
    """Before a run."""
    _of_this_thread.first = None
