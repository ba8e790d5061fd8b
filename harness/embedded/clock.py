"""The one clock of a backtest.

The loop sets the UTC time of the current step; everything else asks. Conversions to local ``datetime`` objects are
made when asked for and kept until the time changes. Source of the rule: Lean's ``TimeKeeper``/``LocalTimeKeeper``.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from harness.embedded.reference.time_zones import TimeZone

EPOCH = datetime(1970, 1, 1)


def to_us(moment: datetime) -> int:
    """Microseconds since 1970-01-01 of a naive datetime (UTC or local, as the caller means it)."""
    delta = moment - EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def from_us(us: int) -> datetime:
    """The naive datetime of a count of microseconds since 1970-01-01."""
    return EPOCH + timedelta(microseconds=us)


class Clock:
    """UTC time of the current step in microseconds, and its readings as datetimes."""

    __slots__ = ("_local", "_local_us", "_utc", "_utc_cached_us", "utc_us")

    def __init__(self, utc_us: int = 0) -> None:
        self.utc_us = utc_us
        self._utc = EPOCH
        self._utc_cached_us = 0
        self._local: dict[str, datetime] = {}
        self._local_us: dict[str, int] = {}

    @property
    def utc(self) -> datetime:
        """The current time, naive UTC."""
        if self._utc_cached_us != self.utc_us:
            self._utc_cached_us = self.utc_us
            self._utc = from_us(self.utc_us)
        return self._utc

    def local(self, zone: str) -> datetime:
        """The current time in a time zone, naive."""
        us = self.utc_us
        if self._local_us.get(zone) != us:
            self._local[zone] = from_us(us + TimeZone.get(zone).offset_us(us))
            self._local_us[zone] = us
        return self._local[zone]
