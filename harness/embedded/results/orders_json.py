"""Orders as Lean writes them, in the result file and under the order list hash.

Source: the JSON attributes of ``Order.cs`` and its subclasses, ``SymbolJsonConverter.cs``,
``TimeInForceJsonConverter.cs`` and Newtonsoft's order of members (those of a derived class first).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from harness.embedded.enums import OrderType
from harness.embedded.naming import pascal_case
from harness.embedded.results.json_writer import Raw, decimal_json, text_json, time_text

Field = tuple[str, Any]
Rounding = Callable[[Decimal], Decimal]


def _unchanged(value: Decimal) -> Decimal:
    return value


def camel_case(name: str) -> str:
    """``time_in_force`` -> ``timeInForce``."""
    pascal = pascal_case(name)
    return pascal[:1].lower() + pascal[1:]


def symbol_json(symbol: Any) -> dict[str, str]:
    """A symbol: ticker, identifier, and the ticker again."""
    return {"value": symbol.value, "id": str(symbol.id), "permtick": symbol.value}


def order_fields(order: Any, rounding: Rounding = _unchanged) -> dict[str, Any]:
    """An order's members in Lean's order, ready for the JSON writer.

    ``rounding`` is applied to the prices that Lean rounds before it computes the order list hash.
    """
    price = rounding(order._price)
    fields: dict[str, Any] = dict(_own_fields(order, rounding))
    fields["id"] = order.id
    fields["contingentId"] = order.contingent_id
    fields["brokerId"] = order.broker_id
    fields["symbol"] = symbol_json(order.symbol)
    fields["price"] = price
    fields["priceCurrency"] = order.price_currency
    fields["time"] = order.time
    fields["createdTime"] = order.time
    for name, moment in (
        ("lastFillTime", order.last_fill_time),
        ("lastUpdateTime", order.last_update_time),
        ("canceledTime", order.canceled_time),
    ):
        if moment is not None:
            fields[name] = moment
    fields["quantity"] = order._quantity
    fields["status"] = order.status
    if order.tag is not None:
        fields["tag"] = order.tag
    fields["properties"] = _properties(order.properties)
    fields["securityType"] = order.security_type
    fields["direction"] = order.direction
    fields["value"] = order._quantity * price
    data = order.order_submission_data
    fields["orderSubmissionData"] = data and {
        "bidPrice": data._bid_price,
        "askPrice": data._ask_price,
        "lastPrice": data._last_price,
    }
    fields["isMarketable"] = order.is_marketable
    fields["priceAdjustmentMode"] = order.price_adjustment_mode
    return fields


def _own_fields(order: Any, rounding: Rounding) -> list[Field]:
    """The members of the order's own class, which come first, with the type among them."""
    kind: Field = ("type", order.type)
    match order.type:
        case OrderType.LIMIT:
            return [("limitPrice", rounding(order._limit_price)), kind]
        case OrderType.STOP_MARKET:
            return [("stopPrice", rounding(order._stop_price)), kind]
        case OrderType.STOP_LIMIT:
            stop, limit = rounding(order._stop_price), rounding(order._limit_price)
            return [("stopPrice", stop), ("stopTriggered", order.stop_triggered), ("limitPrice", limit), kind]
        case OrderType.TRAILING_STOP:
            return [
                ("trailingAmount", rounding(order._trailing_amount)),
                ("trailingAsPercentage", order.trailing_as_percentage),
                kind,
                ("stopPrice", rounding(order._stop_price)),
            ]
        case OrderType.LIMIT_IF_TOUCHED:
            return [
                kind,
                ("triggerPrice", rounding(order._trigger_price)),
                ("limitPrice", rounding(order._limit_price)),
                ("triggerTouched", order.trigger_touched),
            ]
        case _:
            return [kind]


def _properties(properties: Any) -> dict[str, Any]:
    """Members of the brokerage's own properties first, then the time in force."""
    own = {name: value for name, value in vars(properties).items() if name not in ("time_in_force", "exchange")}
    fields = {camel_case(name): value for name, value in own.items()}
    fields["timeInForce"] = _time_in_force(properties.time_in_force)
    return fields


def _time_in_force(time_in_force: Any) -> dict[str, Any]:
    name = type(time_in_force).__name__
    if name == "GoodTilCanceledTimeInForce":
        return {}
    fields: dict[str, Any] = {"$type": f"QuantConnect.Orders.TimeInForces.{name}"}
    expiry = getattr(time_in_force, "expiry", None)
    if expiry is not None:
        fields["Expiry"] = Raw(f'"{time_text(expiry, zone="")}"')
    return fields


def compact(fields: dict[str, Any]) -> str:
    """Members as one line of JSON."""
    return "{" + ",".join(f"{text_json(name)}:{_compact(value)}" for name, value in fields.items()) + "}"


def _compact(value: Any) -> str:
    if isinstance(value, Raw):
        return value
    if isinstance(value, Decimal):
        return decimal_json(value)
    if isinstance(value, str):
        return text_json(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, dict):
        return compact(value)
    if isinstance(value, list):
        return "[" + ",".join(map(_compact, value)) + "]"
    return f'"{time_text(value)}"'
