"""Are two modes' trades the same? Bars exactly, prices within 1e-9, profit exactly after rounding to the cent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.fast.reference import as_trades
from harness.fast.trades import ExitReason, Trades

PRICE_TOLERANCE: Final = 1e-9
_EXACT: Final = ("signal", "entry_index", "exit_index", "direction", "quantity", "reason", "profit_cents")
_PRICES: Final = ("entry_price", "exit_price")
_NO_TRADES: Final = as_trades([])


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


def compare_trades(batch: Mapping[str, Trades], event: Mapping[str, Trades]) -> FidelityReport:
    """Compare trade by trade and symbol by symbol; symbols missing on one side count as without trades."""
    mismatches = dict.fromkeys((*_EXACT, *_PRICES), 0)
    worst = 0.0
    first = ""
    batch_total = event_total = 0
    for symbol in sorted({*batch, *event}):
        left = batch.get(symbol, _NO_TRADES)
        right = event.get(symbol, _NO_TRADES)
        batch_total += len(left)
        event_total += len(right)
        common = min(len(left), len(right))
        rows = np.zeros(common, dtype=np.bool_)
        for name in _EXACT:
            differs = getattr(left, name)[:common] != getattr(right, name)[:common]
            mismatches[name] += int(np.count_nonzero(differs))
            rows |= differs
        for name in _PRICES:
            difference = np.abs(getattr(left, name)[:common] - getattr(right, name)[:common])
            worst = max(worst, float(difference.max(initial=0.0)))
            differs = ~(difference <= PRICE_TOLERANCE)
            mismatches[name] += int(np.count_nonzero(differs))
            rows |= differs
        if not first and rows.any():
            row = int(rows.argmax())
            first = f"{symbol} trade {row + 1}: batch {_describe(left, row)}; event {_describe(right, row)}"
        if not first and len(left) != len(right):
            only = "batch" if len(left) > len(right) else "event"
            first = f"{symbol} trade {common + 1}: only in {only} mode"
    return FidelityReport(batch_total, event_total, mismatches, worst, first)


def _describe(trades: Trades, row: int) -> str:
    return (
        f"bars {trades.entry_index[row]}-{trades.exit_index[row]} prices {float(trades.entry_price[row])!r}-"
        f"{float(trades.exit_price[row])!r} {ExitReason(trades.reason[row]).name} {trades.profit_cents[row]} cents"
    )
