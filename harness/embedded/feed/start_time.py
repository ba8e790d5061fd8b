"""Where a request for a number of bars begins. Source: Lean's ``Time.GetStartTimeForTradeBars``."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from harness.embedded.clock import from_us, to_us

_ONE_DAY = timedelta(days=1)


def start_time_for_trade_bars(
    hours: Any, end: datetime, bar_us: int, periods: int, extended: bool, daily_precise_end_time: bool
) -> datetime:
    """Go back ``periods`` bars inside the market hours from an exchange-local time.

    Source: Lean's ``Time.GetStartTimeForTradeBars``.
    """
    bar = timedelta(microseconds=bar_us)
    current = end
    if daily_precise_end_time and bar == _ONE_DAY:
        midnight = end.replace(hour=0, minute=0, second=0, microsecond=0)
        if not hours.is_date_open(current) or hours.get_next_market_close(midnight, extended) > current:
            current = midnight
    else:
        current = from_us(to_us(end) // bar_us * bar_us)
    found = 0
    while found < periods:
        previous = current
        current = current - bar
        if hours.is_open(current, previous, extended):
            found += 1
    return current
