"""Order events as Lean writes them: one line, one array.

Source: ``SerializedOrderEvent.cs`` and ``OrderEventJsonConverter.cs`` of Lean.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from harness.embedded import clr
from harness.embedded.clock import to_us
from harness.embedded.enums import LeanEnum
from harness.embedded.results.json_writer import decimal_json, double_json, text_json

# The currency of a fee that was never computed.
NULL_CURRENCY = "QCC"


def order_events_text(events: Iterable[Any], algorithm_id: str) -> str:
    """The array of all events in the order given."""
    identifier = text_json(algorithm_id)
    symbols: dict[Any, str] = {}
    return "[" + ",".join([_event_json(event, identifier, symbols) for event in events]) + "]"


def _event_json(event: Any, identifier: str, symbols: dict[Any, str]) -> str:
    """One event. Fee, message, stop and limit price appear only where the event has them."""
    symbol = event.symbol
    named = symbols.get(symbol.id)
    if named is None:
        named = symbols[symbol.id] = (
            f'"symbol":{text_json(str(symbol.id))},"symbolValue":{text_json(symbol.value)}'
            f',"symbolPermtick":{text_json(symbol.id.symbol)}'
        )
    fee = event.order_fee.value
    optional = ""
    if fee.currency != NULL_CURRENCY:
        optional = f'"orderFeeAmount":{decimal_json(fee._amount)},"orderFeeCurrency":{text_json(fee.currency)},'
    parts = [
        f'{{"id":{identifier[:-1]}-{event.order_id}-{event.id}","algorithmId":{identifier},"orderId":{event.order_id}'
        f',"orderEventId":{event.id},{named},"time":{double_json(to_us(event._utc_time) / 1_000_000)}'
        f',"status":"{_camel(event.status)}",{optional}"fillPrice":{decimal_json(event._fill_price)}'
        f',"fillPriceCurrency":{text_json(event.fill_price_currency)}'
        f',"fillQuantity":{decimal_json(event._fill_quantity)},"direction":"{_camel(event.direction)}"'
    ]
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


# Members of different enumerations are equal when their numbers are: the type belongs in the key.
@lru_cache(maxsize=None, typed=True)
def _camel(member: LeanEnum) -> str:
    name = member.lean_name
    return name[:1].lower() + name[1:]
