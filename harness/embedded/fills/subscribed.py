"""What a security is subscribed to, as far as fills depend on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from harness.embedded.data import QuoteBar, TradeBar
from harness.embedded.enums import Resolution


@dataclass(frozen=True)
class Subscribed:
    """``types`` in the order of the subscriptions; ``bar_span`` is the length of the finest bar (zero for ticks)."""

    types: tuple[str, ...]
    has_trades: bool
    has_quotes: bool
    bar_span: timedelta
    coarse_only: bool
    """All of the algorithm's own subscriptions are hourly or daily, and there is one."""


_SPANS = {
    Resolution.TICK: timedelta(0),
    Resolution.SECOND: timedelta(seconds=1),
    Resolution.MINUTE: timedelta(minutes=1),
    Resolution.HOUR: timedelta(hours=1),
    Resolution.DAILY: timedelta(days=1),
}


def subscribed(asset: Any, *, internal: bool) -> Subscribed:
    """The types the algorithm is sent (``internal``: and those the engine keeps for itself).

    Raises ``RuntimeError`` when there are none.
    """
    configs = asset._streams
    kinds = [config.type for config in configs if internal or not config.is_internal_feed]
    if not kinds:
        raise RuntimeError(f"Cannot perform fill for {asset.symbol} because no data subscription were found.")
    own = [config.resolution for config in configs if not config.is_internal_feed]
    return Subscribed(
        tuple(dict.fromkeys(kind.__name__ for kind in kinds)),
        TradeBar in kinds,
        QuoteBar in kinds,
        _SPANS[min(config.resolution for config in configs)],
        bool(own) and all(resolution in (Resolution.HOUR, Resolution.DAILY) for resolution in own),
    )


def is_extended_market_hours(asset: Any, *, internal: bool) -> bool:
    """Whether any of the algorithm's subscriptions has extended hours; the engine's count when there are no others.

    Without ``internal`` only the algorithm's own are looked at.
    """
    own = [config.extended_market_hours for config in asset._streams if not config.is_internal_feed]
    if own or not internal:
        return any(own)
    return any(config.extended_market_hours for config in asset._streams)
