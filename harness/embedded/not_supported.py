"""What the embedded engine says when it is asked for a part of Lean that it does not cover.

Nothing is approximated: the member is named, and the engines that have it.
"""

from __future__ import annotations


class NotSupportedError(NotImplementedError):
    """A member of Lean's API that the embedded engine does not cover."""

    def __init__(self, member: str, detail: str = "") -> None:
        self.member = member
        because = f" ({detail})" if detail else ""
        super().__init__(
            f"{member} is not covered by the embedded engine{because}; run it with --engine launcher or --engine lean"
        )
