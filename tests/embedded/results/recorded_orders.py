"""Orders and order events of a recording, with the members that the writers read."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from harness.embedded.enums import OrderDirection, OrderStatus, OrderType
from harness.embedded.orders.time_in_force import (
    DayTimeInForce,
    GoodTilCanceledTimeInForce,
    GoodTilDateTimeInForce,
    TimeInForce,
)
from tests.embedded.statistics.recorded import utc


def recorded_order(fields: dict[str, Any]) -> Any:
    """An order from its JSON."""

    def number(name: str) -> Decimal | None:
        return Decimal(fields[name]) if name in fields else None

    def moment(name: str) -> datetime | None:
        return utc(fields[name]) if name in fields else None

    data = fields["orderSubmissionData"]
    return SimpleNamespace(
        type=OrderType(fields["type"]),
        id=fields["id"],
        contingent_id=fields["contingentId"],
        broker_id=fields["brokerId"],
        symbol=SimpleNamespace(value=fields["symbol"]["value"], id=fields["symbol"]["id"]),
        _price=number("price"),
        price_currency=fields["priceCurrency"],
        _time=moment("time"),
        _last_fill_time=moment("lastFillTime"),
        _last_update_time=moment("lastUpdateTime"),
        _canceled_time=moment("canceledTime"),
        _quantity=number("quantity"),
        status=OrderStatus(fields["status"]),
        tag=fields.get("tag"),
        properties=SimpleNamespace(time_in_force=_time_in_force(fields["properties"]["timeInForce"]), exchange=None),
        security_type=fields["securityType"],
        direction=OrderDirection(fields["direction"]),
        order_submission_data=data
        and SimpleNamespace(
            _bid_price=Decimal(data["bidPrice"]),
            _ask_price=Decimal(data["askPrice"]),
            _last_price=Decimal(data["lastPrice"]),
        ),
        is_marketable=fields["isMarketable"],
        price_adjustment_mode=fields["priceAdjustmentMode"],
        _limit_price=number("limitPrice"),
        _stop_price=number("stopPrice"),
        _trigger_price=number("triggerPrice"),
        _trailing_amount=number("trailingAmount"),
        stop_triggered=fields.get("stopTriggered"),
        trigger_touched=fields.get("triggerTouched"),
        trailing_as_percentage=fields.get("trailingAsPercentage"),
    )


def _time_in_force(fields: dict[str, str]) -> TimeInForce:
    kind = fields.get("$type", "")
    if kind.endswith("DayTimeInForce"):
        return DayTimeInForce()
    return GoodTilDateTimeInForce(utc(fields["Expiry"])) if "Expiry" in fields else GoodTilCanceledTimeInForce()


class Identifier(str):
    """A security identifier's text with its first ticker."""

    @property
    def symbol(self) -> str:
        return self.split()[0]


def recorded_event(fields: dict[str, Any]) -> Any:
    """An order event from its JSON."""

    def member(kind: Any, name: str) -> Any:
        text = fields[name]
        return next(item for item in kind if item.lean_name == text[:1].upper() + text[1:])

    def number(name: str) -> Decimal | None:
        return Decimal(fields[name]) if name in fields else None

    return SimpleNamespace(
        order_id=fields["orderId"],
        id=fields["orderEventId"],
        symbol=SimpleNamespace(value=fields["symbolValue"], id=Identifier(fields["symbol"])),
        _utc_time=datetime(1970, 1, 1) + timedelta(seconds=float(fields["time"])),
        status=member(OrderStatus, "status"),
        order_fee=SimpleNamespace(
            value=SimpleNamespace(
                _amount=Decimal(fields.get("orderFeeAmount", 0)), currency=fields.get("orderFeeCurrency", "QCC")
            )
        ),
        _fill_price=number("fillPrice"),
        fill_price_currency=fields["fillPriceCurrency"],
        _fill_quantity=number("fillQuantity"),
        direction=member(OrderDirection, "direction"),
        message=fields.get("message", ""),
        is_assignment=fields["isAssignment"],
        _quantity=number("quantity"),
        _stop_price=number("stopPrice"),
        _limit_price=number("limitPrice"),
        is_in_the_money=fields.get("isInTheMoney", False),
    )
