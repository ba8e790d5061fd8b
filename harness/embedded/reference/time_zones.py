"""Conversion between UTC and local clocks, on naive ``datetime`` values and on integer microseconds.

API::

    zone = TimeZone.get("America/New_York")       one object per name
    zone.utc_to_local(utc) zone.local_to_utc(local)                    datetimes
    zone.utc_us_to_local_us(us) zone.local_us_to_utc_us(us)            microseconds since 1970-01-01 00:00
    zone.offset_us(utc_us)                                             local minus UTC

A local time that a clock shows twice (the hour repeated in autumn) is the later one; a local time that never occurs
(the hour skipped in spring) is the instant of the change. Source: Lean's ``Extensions.ConvertTo`` with NodaTime's
resolvers ``ReturnLater`` and ``ReturnStartOfIntervalAfter``.

The offset is looked up once a day: days without a change of the clock, all but two a year, are answered from a cache.
"""

from __future__ import annotations

import datetime as dt
from typing import ClassVar

from harness.errors import InputError

DAY_US = 86_400_000_000
_EPOCH = dt.datetime(1970, 1, 1)
_SECOND_US = 1_000_000
_MICROSECOND = dt.timedelta(microseconds=1)


def to_us(time: dt.datetime) -> int:
    """Microseconds since 1970-01-01 00:00 of the clock that ``time`` is on."""
    delta = time - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * _SECOND_US + delta.microseconds


def from_us(us: int) -> dt.datetime:
    """The inverse of :func:`to_us`."""
    return _EPOCH + dt.timedelta(microseconds=us)


class TimeZone:
    """One time zone of the tz database."""

    _instances: ClassVar[dict[str, TimeZone]] = {}

    def __init__(self, name: str) -> None:
        """Raises :class:`InputError` for a name that the tz database does not have."""
        import zoneinfo

        self.name = name
        try:
            self._zone = zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            raise InputError(
                f"time zone {name!r} is not in the tz database of this machine; `pip install tzdata` brings one"
            ) from None
        self._whole_days: dict[int, int | None] = {}

    @classmethod
    def get(cls, name: str) -> TimeZone:
        """The zone of this name, made once."""
        zone = cls._instances.get(name)
        if zone is None:
            zone = cls._instances[name] = cls(name)
        return zone

    def __str__(self) -> str:
        return self.name

    def _lookup(self, utc_us: int) -> int:
        """Offset at an instant, straight from the tz database."""
        utc = from_us(utc_us).replace(tzinfo=dt.UTC)
        offset = utc.astimezone(self._zone).utcoffset()
        return 0 if offset is None else offset // _MICROSECOND

    def _day_offset(self, day: int) -> int | None:
        """Offset of the whole UTC day number ``day``, or None when the clock changes on it."""
        first, last = self._lookup(day * DAY_US), self._lookup((day + 1) * DAY_US - 1)
        offset = first if first == last else None
        self._whole_days[day] = offset
        return offset

    def offset_us(self, utc_us: int) -> int:
        """Local time minus UTC at an instant, in microseconds."""
        day = utc_us // DAY_US
        offset = self._whole_days[day] if day in self._whole_days else self._day_offset(day)
        return self._lookup(utc_us) if offset is None else offset

    def utc_us_to_local_us(self, utc_us: int) -> int:
        return utc_us + self.offset_us(utc_us)

    def local_us_to_utc_us(self, local_us: int) -> int:
        """The instant at which the local clock shows ``local_us``; see the module for the two special hours."""
        early, late = self.offset_us(local_us - DAY_US), self.offset_us(local_us + DAY_US)
        if early == late:
            return local_us - early
        # A change within a day: the offset before it gives one candidate, the offset after it the other.
        candidates = [local_us - offset for offset in (early, late)]
        valid = [utc for utc in candidates if utc + self.offset_us(utc) == local_us]
        return max(valid) if valid else self._change_between(min(candidates), max(candidates))

    def _change_between(self, low_us: int, high_us: int) -> int:
        """First instant in (low, high] with the offset of ``high_us``; changes fall on whole seconds."""
        target = self.offset_us(high_us)
        low, high = low_us // _SECOND_US, high_us // _SECOND_US
        while high - low > 1:
            middle = (low + high) // 2
            if self.offset_us(middle * _SECOND_US) == target:
                high = middle
            else:
                low = middle
        return high * _SECOND_US

    def utc_to_local(self, utc: dt.datetime) -> dt.datetime:
        return utc + dt.timedelta(microseconds=self.offset_us(to_us(utc)))

    def local_to_utc(self, local: dt.datetime) -> dt.datetime:
        return from_us(self.local_us_to_utc_us(to_us(local)))
