"""Fill models that user code may set. Source: Lean's ``ImmediateFillModel``, ``LatestPriceFillModel``."""

from __future__ import annotations

from typing import Any

from harness.embedded.enums import OrderDirection
from harness.embedded.fills.fill_model import FillModel, cached_prices
from harness.embedded.fills.prices import Prices
from harness.embedded.naming import lean_api


@lean_api
class ImmediateFillModel(FillModel):
    """The base model under its own name."""


@lean_api
class LatestPriceFillModel(ImmediateFillModel):
    """Takes the newer of quote and trade bar."""

    def get_prices(self, asset: Any, direction: OrderDirection) -> Prices:
        """Prices of the quote bar's side unless the trade bar ended later."""
        if direction is not OrderDirection.HOLD:
            quote = asset.cache.last_quote_bar()
            if quote is not None:
                trade = asset.cache.last_trade_bar()
                if trade is not None and trade.end_time > quote.end_time:
                    return Prices(trade)
                side = quote.bid if direction is OrderDirection.SELL else quote.ask
                if side is not None:
                    return Prices(quote.time, quote.end_time, side)
        return cached_prices(asset)
