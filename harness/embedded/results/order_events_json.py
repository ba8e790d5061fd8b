"""Order events as Lean writes them: one line, one array.

Source: ``SerializedOrderEvent.cs`` and ``OrderEventJsonConverter.cs`` of Lean.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from harness.embedded import clr
from harness.embedded.clock import to_us
from harness.embedded.results.json_writer import decimal_json, double_json, text_json

# The currency of a fee that was never computed.
NULL_CURRENCY = "QCC"


def order_events_text(events: Iterable[Any], algorithm_id: str) -> str:
    """The array of all events in the order given."""
    return "[" + ",".join(order_event_json(event, algorithm_id) for event in events) + "]"


def order_event_json(event: Any, algorithm_id: str) -> str:
    """One event. Fee, message, stop and limit price appear only where the event has them."""
    symbol = event.symbol
    parts = [
        f'{{"id":{text_json(f"{algorithm_id}-{event.order_id}-{event.id}")},"algorithmId":{text_json(algorithm_id)}'
        f',"orderId":{event.order_id},"orderEventId":{event.id},"symbol":{text_json(str(symbol.id))}'
        f',"symbolValue":{text_json(symbol.value)},"symbolPermtick":{text_json(symbol.id.symbol)}'
        f',"time":{double_json(to_us(event.utc_time) / 1_000_000)},"status":"{_camel(event.status)}"'
    ]
    fee = event.order_fee.value
    if fee.currency != NULL_CURRENCY:
        parts.append(f',"orderFeeAmount":{decimal_json(fee._amount)},"orderFeeCurrency":{text_json(fee.currency)}')
    parts.append(
        f',"fillPrice":{decimal_json(event._fill_price)},"fillPriceCurrency":{text_json(event.fill_price_currency)}'
        f',"fillQuantity":{decimal_json(event._fill_quantity)},"direction":"{_camel(event.direction)}"'
    )
    if event.message:
        parts.append(f',"message":{text_json(event.message)}')
    parts.append(
        f',"isAssignment":{"true" if event.is_assignment else "false"},"quantity":{decimal_json(event._quantity)}'
    )
    if event._stop_price is not None:
        parts.append(f',"stopPrice":{decimal_json(clr.normalize(event._stop_price))}')
    if event._limit_price is not None:
        parts.append(f',"limitPrice":{decimal_json(clr.normalize(event._limit_price))}')
    if event.is_in_the_money:
        parts.append(',"isInTheMoney":true')
    parts.append("}")
    return "".join(parts)


def _camel(member: Any) -> str:
    name: str = member.lean_name
    return name[:1].lower() + name[1:]
