"""What stands for a value that is not there."""

from __future__ import annotations


class Missing:
    """Stands for a value that is not there at all."""

    def __repr__(self) -> str:
        return "(missing)"


MISSING = Missing()
