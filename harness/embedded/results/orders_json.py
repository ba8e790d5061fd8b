"""Orders as Lean writes them, in the result file and under the order list hash.

Source: the JSON attributes of ``Order.cs`` and its subclasses, ``SymbolJsonConverter.cs``,
``TimeInForceJsonConverter.cs`` and Newtonsoft's order of members (those of a derived class first).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from harness.embedded import clr
from harness.embedded.enums import OrderStatus, OrderType
from harness.embedded.naming import pascal_case
from harness.embedded.orders.order import is_marketable_at
from harness.embedded.results.json_writer import decimal_json, dumps, text_json, time_text
from harness.embedded.statistics.numerics import smart_rounding

Rounding = Callable[[Decimal], Decimal]


@cache
def camel_case(name: str) -> str:
    """``time_in_force`` -> ``timeInForce``."""
    pascal = pascal_case(name)
    return pascal[:1].lower() + pascal[1:]


def symbol_json(symbol: Any) -> dict[str, str]:
    """A symbol: ticker, identifier, and the ticker again."""
    return {"value": symbol.value, "id": str(symbol.id), "permtick": symbol.value}


class OrderWriter:
    """Writes orders either indented (``level`` levels deep) or, with ``level`` ``None``, on one line.

    With ``rounded`` prices are what Lean makes of them before it computes the order list hash; an order's price setter
    then drops trailing zeros, the other prices keep what the rounding leaves.
    """

    def __init__(self, level: int | None, *, rounded: bool) -> None:
        self._colon = ": " if level is not None else ":"
        ends = ["", "", ""] if level is None else ["\n" + "  " * (level + more) for more in range(3)]
        self._outer, self._inner, self._deep = ends
        self._level = level
        self._rounding: Rounding = smart_rounding if rounded else _unchanged
        self._rounded = rounded
        self._symbols: dict[Any, str] = {}
        self._no_properties = self._object([("timeInForce", "{}")], self._inner, self._deep)

    def _object(self, members: Iterable[tuple[str, str]], end: str, start: str) -> str:
        colon = self._colon
        body = ",".join([f'{start}"{name}"{colon}{value}' for name, value in members])
        return f"{{{body}{end}}}"

    def text(self, order: Any) -> str:
        """One order as JSON."""
        rounding = self._rounding
        price = clr.normalize(rounding(order._price)) if self._rounded else order._price
        quantity: Decimal = order._quantity
        time = f'"{time_text(order._time)}"'
        members = _own_members(order, rounding)
        members += (
            ("id", str(order.id)),
            ("contingentId", str(order.contingent_id)),
            ("brokerId", self._list(order.broker_id)),
            ("symbol", self._symbol(order.symbol)),
            ("price", decimal_json(price)),
            ("priceCurrency", text_json(order.price_currency)),
            ("time", time),
            ("createdTime", time),
        )
        if order._last_fill_time is not None:
            members.append(("lastFillTime", f'"{time_text(order._last_fill_time)}"'))
        if order._last_update_time is not None:
            members.append(("lastUpdateTime", f'"{time_text(order._last_update_time)}"'))
        if order._canceled_time is not None:
            members.append(("canceledTime", f'"{time_text(order._canceled_time)}"'))
        members += (("quantity", decimal_json(quantity)), ("status", str(int(order.status))))
        if order.tag is not None:
            members.append(("tag", text_json(order.tag)))
        members += (
            ("properties", self._properties(order.properties)),
            ("securityType", str(int(order.security_type))),
            ("direction", str(int(order.direction))),
            ("value", decimal_json(quantity * price)),
            ("orderSubmissionData", self._submission(order.order_submission_data)),
            ("isMarketable", _bool(_is_marketable(order, rounding))),
            ("priceAdjustmentMode", str(int(order.price_adjustment_mode))),
        )
        return self._object(members, self._outer, self._inner)

    def _list(self, texts: list[str]) -> str:
        if not texts:
            return "[]"
        body = ",".join([self._deep + text_json(text) for text in texts])
        return f"[{body}{self._inner}]"

    def _symbol(self, symbol: Any) -> str:
        key = symbol.id
        text = self._symbols.get(key)
        if text is None:
            members = [(name, text_json(value)) for name, value in symbol_json(symbol).items()]
            text = self._symbols[key] = self._object(members, self._inner, self._deep)
        return text

    def _submission(self, data: Any) -> str:
        if data is None:
            return "null"
        return self._object(
            (
                ("bidPrice", decimal_json(data._bid_price)),
                ("askPrice", decimal_json(data._ask_price)),
                ("lastPrice", decimal_json(data._last_price)),
            ),
            self._inner,
            self._deep,
        )

    def _properties(self, properties: Any) -> str:
        """Members of the brokerage's own properties first, then the time in force."""
        own = {name: value for name, value in vars(properties).items() if name not in ("time_in_force", "exchange")}
        in_force = _time_in_force(properties.time_in_force)
        if not own and not in_force:
            return self._no_properties
        members = [(camel_case(name), self._plain(value)) for name, value in own.items()]
        end = "" if self._level is None else self._deep
        start = "" if self._level is None else self._deep + "  "
        inner = [(name, text_json(value)) for name, value in in_force.items()]
        members.append(("timeInForce", self._object(inner, end, start) if inner else "{}"))
        return self._object(members, self._inner, self._deep)

    def _plain(self, value: Any) -> str:
        return dumps(value, indent=0)


def _is_marketable(order: Any, rounding: Rounding) -> bool:
    """Lean computes it as it writes: under the hash from the rounded limit and the unrounded bid or ask."""
    if order.type is OrderType.LIMIT:
        return is_marketable_at(order, rounding(order._limit_price))
    return bool(order.is_marketable)


def _own_members(order: Any, rounding: Rounding) -> list[tuple[str, str]]:
    """The members of the order's own class, which come first, with the type among them."""

    def price(value: Decimal) -> str:
        return decimal_json(rounding(value))

    kind = ("type", str(int(order.type)))
    match order.type:
        case OrderType.LIMIT:
            return [("limitPrice", price(order._limit_price)), kind]
        case OrderType.STOP_MARKET:
            return [("stopPrice", price(order._stop_price)), kind]
        case OrderType.STOP_LIMIT:
            return [
                ("stopPrice", price(order._stop_price)),
                ("stopTriggered", _bool(order.stop_triggered)),
                ("limitPrice", price(order._limit_price)),
                kind,
            ]
        case OrderType.TRAILING_STOP:
            return [
                ("trailingAmount", price(order._trailing_amount)),
                ("trailingAsPercentage", _bool(order.trailing_as_percentage)),
                kind,
                ("stopPrice", price(order._stop_price)),
            ]
        case OrderType.LIMIT_IF_TOUCHED:
            return [
                kind,
                ("triggerPrice", price(order._trigger_price)),
                ("limitPrice", price(order._limit_price)),
                ("triggerTouched", _bool(order.trigger_touched)),
            ]
        case _:
            return [kind]


def _time_in_force(time_in_force: Any) -> dict[str, str]:
    name = type(time_in_force).__name__
    if name == "GoodTilCanceledTimeInForce":
        return {}
    fields = {"$type": f"QuantConnect.Orders.TimeInForces.{name}"}
    expiry = getattr(time_in_force, "expiry", None)
    if expiry is not None:
        fields["Expiry"] = time_text(expiry, zone="")
    return fields


def _unchanged(value: Decimal) -> Decimal:
    return value


def _bool(value: bool) -> str:
    return "true" if value else "false"


def write_transaction_log(path: Path, orders: Iterable[Any]) -> None:
    """Orders with a fill, one a line: UTC time, ticker, direction, quantity, price (``Engine.SaveListOfTrades``)."""
    lines = [
        f"{order._time:%Y-%m-%d %H:%M:%S},{order.symbol.value},{order.direction.lean_name},"
        f"{clr.decimal_text(order._quantity)},{clr.decimal_text(order._price)}\n"
        for order in orders
        if order.status in (OrderStatus.FILLED, OrderStatus.PARTIALLY_FILLED)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(lines), "utf-8")
