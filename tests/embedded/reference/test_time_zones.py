"""Clock changes as NodaTime resolves them for Lean, and everything else as the tz database says."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.embedded.reference.time_zones import TimeZone, from_us, to_us
from harness.errors import InputError

NAMES = ("America/New_York", "Europe/London", "Asia/Tokyo", "Australia/Sydney", "Asia/Kolkata", "UTC")
TIMES = st.datetimes(dt.datetime(1975, 1, 3), dt.datetime(2049, 12, 29))


@given(st.sampled_from(NAMES), TIMES)
def test_utc_to_local_is_the_tz_database(name: str, utc: dt.datetime) -> None:
    expected = utc.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(name)).replace(tzinfo=None)
    assert TimeZone.get(name).utc_to_local(utc) == expected


@given(st.sampled_from(NAMES), TIMES)
def test_local_to_utc_is_the_later_of_two_and_inverts(name: str, local: dt.datetime) -> None:
    zone = TimeZone.get(name)
    utc = zone.local_to_utc(local)
    later = local.replace(tzinfo=ZoneInfo(name), fold=1).astimezone(dt.UTC).replace(tzinfo=None)
    if zone.utc_to_local(later) == local:
        assert utc == later
    else:  # skipped hour: the instant of the change, whose local time is past the skipped one
        assert zone.utc_to_local(utc) > local
        assert zone.utc_to_local(utc - dt.timedelta(seconds=1)) < local


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        (dt.datetime(2025, 11, 2, 0, 59), dt.datetime(2025, 11, 2, 4, 59)),
        (dt.datetime(2025, 11, 2, 1, 0), dt.datetime(2025, 11, 2, 6, 0)),  # twice: the later
        (dt.datetime(2025, 11, 2, 1, 59, 59), dt.datetime(2025, 11, 2, 6, 59, 59)),
        (dt.datetime(2025, 11, 2, 2, 0), dt.datetime(2025, 11, 2, 7, 0)),
        (dt.datetime(2025, 3, 9, 1, 59, 59, 999_999), dt.datetime(2025, 3, 9, 6, 59, 59, 999_999)),
        (dt.datetime(2025, 3, 9, 2, 0), dt.datetime(2025, 3, 9, 7, 0)),  # never: the change
        (dt.datetime(2025, 3, 9, 2, 59), dt.datetime(2025, 3, 9, 7, 0)),
        (dt.datetime(2025, 3, 9, 3, 0), dt.datetime(2025, 3, 9, 7, 0)),
    ],
)
def test_new_york_changes(local: dt.datetime, utc: dt.datetime) -> None:
    assert TimeZone.get("America/New_York").local_to_utc(local) == utc


@given(TIMES)
def test_microseconds(time: dt.datetime) -> None:
    assert from_us(to_us(time)) == time


def test_unknown_zone() -> None:
    for name in ("Mars/Olympus", "../etc/passwd", ""):
        with pytest.raises(InputError, match="tz database"):
            TimeZone.get(name)
