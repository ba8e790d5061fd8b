"""The one clock of a backtest.

The loop sets the UTC time of the current step; everything else asks. Conversions to local ``datetime`` objects are
made when asked for and kept until the time changes. Source of the rule: Lean's ``TimeKeeper``/``LocalTimeKeeper``.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from harness.embedded.reference.time_zones import TimeZone


class _LeanDateTime(datetime):
    """A time as pythonnet hands it out: against a plain ``date`` it is a day, in subtraction and in order.

    Source: the ``clr_datetime`` module in ``Converter.cs`` of QuantConnect's pythonnet fork.
    """

    __slots__ = ()

    def __sub__(self, other: Any) -> Any:
        return self.date() - other if _is_day(other) else datetime.__sub__(self, other)

    def __rsub__(self, other: Any) -> Any:
        return other - self.date() if _is_day(other) else datetime.__rsub__(self, other)  # type: ignore[attr-defined]

    def __lt__(self, other: Any) -> bool:
        return self.date() < other if _is_day(other) else datetime.__lt__(self, other)

    def __le__(self, other: Any) -> bool:
        return self.date() <= other if _is_day(other) else datetime.__le__(self, other)

    def __gt__(self, other: Any) -> bool:
        return self.date() > other if _is_day(other) else datetime.__gt__(self, other)

    def __ge__(self, other: Any) -> bool:
        return self.date() >= other if _is_day(other) else datetime.__ge__(self, other)

    def __repr__(self) -> str:
        shown = datetime.__repr__(self)
        return "datetime.datetime" + shown[shown.index("(") :]

    def __reduce_ex__(self, protocol: Any) -> Any:
        return datetime, (
            *(self.year, self.month, self.day, self.hour, self.minute, self.second, self.microsecond),
            self.tzinfo,
        )


# What ``type(time).__name__`` and messages of the interpreter show.
_LeanDateTime.__name__ = _LeanDateTime.__qualname__ = "datetime"


def _is_day(other: Any) -> bool:
    return isinstance(other, date) and not isinstance(other, datetime)


EPOCH: datetime = _LeanDateTime(1970, 1, 1)
_PLAIN_EPOCH = datetime(1970, 1, 1)
_subtract = datetime.__sub__


def to_us(moment: datetime) -> int:
    """Microseconds since 1970-01-01 of a naive datetime (UTC or local, as the caller means it)."""
    # The plain subtraction: that of the times which from_us makes is slower.
    delta = _subtract(moment, _PLAIN_EPOCH)
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
