"""Moments between UTC and an exchange's local time, as naive datetimes; the last ones asked for are remembered."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from harness.embedded.reference.time_zones import TimeZone


@lru_cache(maxsize=4096)
def to_local(utc: datetime, zone: str) -> datetime:
    """Lean's ``ConvertFromUtc``."""
    return TimeZone.get(zone).utc_to_local(utc)


@lru_cache(maxsize=4096)
def to_utc(local: datetime, zone: str) -> datetime:
    """Lean's ``ConvertToUtc``."""
    return TimeZone.get(zone).local_to_utc(local)
