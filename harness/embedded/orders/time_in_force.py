"""How long an order stays open. Source of the rules: Lean's ``TimeInForce`` and ``TimeInForces``."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from harness.embedded.naming import lean_api
from harness.embedded.orders.numbers import to_datetime
from harness.embedded.orders.zones import to_local


@lean_api
class TimeInForce:
    """Base of the three lifetimes: ``TimeInForce.DAY``, ``GOOD_TIL_CANCELED`` and ``good_til_date(expiry)``."""

    __slots__ = ()

    GOOD_TIL_CANCELED: ClassVar[TimeInForce]
    GoodTilCanceled: ClassVar[TimeInForce]
    good_til_canceled: ClassVar[TimeInForce]
    DAY: ClassVar[TimeInForce]
    Day: ClassVar[TimeInForce]
    day: ClassVar[TimeInForce]

    def is_order_expired(self, security: Any, order: Any) -> bool:
        raise NotImplementedError

    def is_fill_valid(self, security: Any, order: Any, fill: Any) -> bool:
        return True

    @staticmethod
    def good_til_date(expiry: Any) -> GoodTilDateTimeInForce:
        return GoodTilDateTimeInForce(expiry)

    GOOD_TIL_DATE = good_til_date


@lean_api
class GoodTilCanceledTimeInForce(TimeInForce):
    """Never expires."""

    __slots__ = ()

    def is_order_expired(self, security: Any, order: Any) -> bool:
        return False


@lean_api
class DayTimeInForce(TimeInForce):
    """Expires at the regular close of the day on which the order was made."""

    __slots__ = ()

    def is_order_expired(self, security: Any, order: Any) -> bool:
        hours = security.exchange.hours
        order_time = to_local(order._time, hours.time_zone)
        return bool(security.local_time >= hours.get_last_daily_market_close(order_time, False))


@lean_api
class GoodTilDateTimeInForce(TimeInForce):
    """Expires at the regular close of the ``expiry`` date."""

    __slots__ = ("expiry",)

    def __init__(self, expiry: Any) -> None:
        self.expiry: datetime = to_datetime(expiry)

    def is_order_expired(self, security: Any, order: Any) -> bool:
        midnight = self.expiry.replace(hour=0, minute=0, second=0, microsecond=0)
        return bool(security.local_time >= security.exchange.hours.get_last_daily_market_close(midnight, False))


TimeInForce.GOOD_TIL_CANCELED = TimeInForce.GoodTilCanceled = TimeInForce.good_til_canceled = (
    GoodTilCanceledTimeInForce()
)
TimeInForce.DAY = TimeInForce.Day = TimeInForce.day = DayTimeInForce()
