"""Skips the steps that cannot affect the open orders.

After a scan the look-out asks the price watch for bounds and finds, in the day's columns, the first step that reaches
them. Until that step, the loop need not come here at all.
"""

from __future__ import annotations

from typing import Any

_NEVER = 2**62
_LONGEST_PAUSE = 64
_SHORT = 8


class LookOut:
    """``is_quiet()`` says that this step needs no scan; it is asked twice a step, so it only compares numbers."""

    __slots__ = (
        "_algorithm",
        "_cursor",
        "_epoch",
        "_handler",
        "_pause",
        "_pauses_left",
        "_portfolio",
        "_quiet",
        "_state",
    )

    def __init__(self, handler: Any, algorithm: Any) -> None:
        self._handler = handler
        self._algorithm = algorithm
        self._cursor: Any = getattr(algorithm._engine, "cursor", None)
        self._portfolio: Any = None
        self._quiet = (-1, -1)
        self._state = (-1, -1)
        self._epoch = -1
        self._pause = 1
        self._pauses_left = 0

    def is_quiet(self) -> bool:
        """Whether the last look ahead covers the current step, and nothing has changed since."""
        step, until_us = self._quiet
        if step < 0:
            return False
        cursor = self._cursor
        return bool(
            cursor.step < step
            and cursor.epoch == self._epoch
            and self._algorithm.clock.utc_us < until_us
            and (self._handler.version, self._portfolio.version) == self._state
        )

    def look_ahead(self) -> None:
        """Find the next step that matters. Where quiet spells are short, it looks only now and then."""
        self._quiet = (-1, -1)
        if self._cursor is None:
            return
        if self._pauses_left:
            self._pauses_left -= 1
            return
        watch = self._handler.price_watch()
        step = -1
        if watch is not None:
            step = _NEVER
            for band in watch.bands:
                found = band.security.cache.first_outside(band.low, band.high)
                if found is not None and found < step:
                    step = found
            self._quiet = (step, watch.until_us)
            self._epoch = self._cursor.epoch
            self._portfolio = self._algorithm.portfolio
            self._state = (self._handler.version, self._portfolio.version)
        if step - self._cursor.step < _SHORT:
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)
            self._pauses_left = self._pause
        else:
            self._pause = 1
