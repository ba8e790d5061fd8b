"""Are two modes' trades the same? Bars exactly, prices within 1e-9, profit exactly after rounding to the cent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.fast.reference import PlainTrade
from harness.fast.trades import ExitReason, Trades

PRICE_TOLERANCE: Final = 1e-9
_EXACT: Final = ("signal", "entry_index", "exit_index", "direction", "quantity", "reason", "profit_cents")
_PRICES: Final = ("entry_price", "exit_price")


@dataclass(frozen=True, slots=True)
class FidelityReport:
    """Outcome of a comparison over all symbols.

    ``mismatches`` counts differing trades per field; ``worst_price_difference`` is in dollars;
    ``first_difference`` names the first differing trade in words, empty when there is none.
    """

    batch_trades: int
    event_trades: int
    mismatches: Mapping[str, int]
    worst_price_difference: float
    first_difference: str

    @property
    def identical(self) -> bool:
        """Whether both modes gave the same trades."""
        return not self.first_difference

    def __str__(self) -> str:
        if self.identical:
            return (
                f"fidelity: {self.batch_trades} trades identical in batch and event mode "
                f"(largest price difference {self.worst_price_difference:.3g})"
            )
        counts = ", ".join(f"{name} {count}" for name, count in self.mismatches.items() if count)
        return (
            f"fidelity: batch {self.batch_trades} and event {self.event_trades} trades differ "
            f"({counts or 'number of trades'}); first: {self.first_difference}"
        )


def compare_trades(batch: Mapping[str, Trades], event: Mapping[str, Sequence[PlainTrade]]) -> FidelityReport:
    """Compare trade by trade and symbol by symbol; symbols missing on one side count as without trades."""
    mismatches = dict.fromkeys((*_EXACT, *_PRICES), 0)
    worst = 0.0
    first = ""
    batch_total = event_total = 0
    for symbol in sorted({*batch, *event}):
        trades = batch.get(symbol)
        plain = event.get(symbol, ())
        count = len(trades) if trades is not None else 0
        batch_total += count
        event_total += len(plain)
        common = min(count, len(plain))
        rows = np.zeros(common, dtype=np.bool_)
        if trades is not None:
            for name in _EXACT:
                expected = np.array([getattr(trade, name) for trade in plain[:common]])
                differs = getattr(trades, name)[:common] != expected
                mismatches[name] += int(differs.sum())
                rows |= differs
            for name in _PRICES:
                expected = np.array([getattr(trade, name) for trade in plain[:common]], dtype=np.float64)
                difference = np.abs(getattr(trades, name)[:common] - expected)
                worst = max(worst, float(difference.max(initial=0.0)))
                differs = ~(difference <= PRICE_TOLERANCE)
                mismatches[name] += int(differs.sum())
                rows |= differs
        if not first and trades is not None and rows.any():
            first = _describe(symbol, trades, plain, int(rows.argmax()))
        if not first and count != len(plain):
            first = f"{symbol} trade {common + 1}: only in {'batch' if count > len(plain) else 'event'} mode"
    return FidelityReport(batch_total, event_total, mismatches, worst, first)


def _describe(symbol: str, trades: Trades, plain: Sequence[PlainTrade], row: int) -> str:
    other = plain[row]
    mine = (
        f"bars {trades.entry_index[row]}-{trades.exit_index[row]} prices {trades.entry_price[row]!r}-"
        f"{trades.exit_price[row]!r} {ExitReason(trades.reason[row]).name} {trades.profit_cents[row]} cents"
    )
    theirs = (
        f"bars {other.entry_index}-{other.exit_index} prices {other.entry_price!r}-{other.exit_price!r} "
        f"{other.reason.name} {other.profit_cents} cents"
    )
    return f"{symbol} trade {row + 1}: batch {mine}; event {theirs}"
