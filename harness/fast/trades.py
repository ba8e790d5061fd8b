"""What goes into and comes out of a trade simulation: entries, rules, trades."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from harness.fast.bars import FloatArray, IntArray
from harness.fast.choices import EntryAt
from harness.fast.errors import FastPathError


class Overlap(StrEnum):
    """``ALLOW``: each entry is a trade of its own. ``SKIP``: one position at a time within a group."""

    ALLOW = "allow"
    SKIP = "skip"


class ExitReason(IntEnum):
    """Why a trade ended."""

    STOP = 1
    TRAIL = 2
    TARGET = 3
    TIME = 4
    LAST_BAR = 5


class Rejection(IntEnum):
    """Why an entry is no trade (0: it is one)."""

    NONE = 0
    NO_BAR_LEFT = 1
    NO_PRICE = 2
    OVERLAP = 3
    CAP = 4


NO_LIMIT: Final = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class SimulationRules:
    """Rules shared by all trades of one run.

    ``price_decimals`` rounds stop, trailing and target levels half-even to that many decimals (``None``: not at all).
    ``max_trades_per_group`` caps the trades of entries with the same ``limit`` (with ``Overlap.SKIP`` only).
    Each side of a trade costs ``max(fee_minimum, fee_per_share * quantity)`` dollars.
    """

    entry_at: EntryAt = EntryAt.NEXT_OPEN
    overlap: Overlap = Overlap.ALLOW
    price_decimals: int | None = None
    max_trades_per_group: int | None = None
    fee_per_share: float = 0.0
    fee_minimum: float = 0.0

    def __post_init__(self) -> None:
        if self.price_decimals is not None and not 0 <= self.price_decimals <= 10:
            raise FastPathError(f"price_decimals is {self.price_decimals}: give 0 to 10, or None for no rounding")
        if self.max_trades_per_group is not None and self.max_trades_per_group < 1:
            raise FastPathError(f"max_trades_per_group is {self.max_trades_per_group}: give at least 1")
        if self.max_trades_per_group is not None and self.overlap is Overlap.ALLOW:
            raise FastPathError("max_trades_per_group needs overlap=skip: with overlapping trades there is no order")
        if not (self.fee_per_share >= 0.0 and self.fee_minimum >= 0.0):
            raise FastPathError("fees must not be negative")

    @property
    def ticks_per_dollar(self) -> float:
        """``10 ** price_decimals``, or 0 when levels are not rounded."""
        return 0.0 if self.price_decimals is None else float(10**self.price_decimals)


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """Entry signals as columns of equal length ``m``.

    ``signal`` is the bar whose close gave the signal; ``direction`` is +1 or -1; ``quantity`` is shares;
    ``stop_loss``, ``take_profit`` and ``trailing`` are fractions of the entry price (of the running extreme for
    ``trailing``), NaN for none; ``max_bars`` is how many bars a trade may live (``NO_LIMIT`` for none); ``limit`` is
    the last bar the trade may see, where it is closed at the latest (end of session or of data). Entries with the
    same ``limit`` form one group for :class:`Overlap`.
    """

    signal: IntArray
    direction: npt.NDArray[np.int8]
    quantity: FloatArray
    stop_loss: FloatArray
    take_profit: FloatArray
    trailing: FloatArray
    max_bars: IntArray
    limit: IntArray

    def __len__(self) -> int:
        return len(self.signal)

    @classmethod
    def of(
        cls,
        signal: npt.ArrayLike,
        direction: npt.ArrayLike = 1,
        *,
        quantity: npt.ArrayLike = 1.0,
        stop_loss: npt.ArrayLike = np.nan,
        take_profit: npt.ArrayLike = np.nan,
        trailing: npt.ArrayLike = np.nan,
        max_bars: npt.ArrayLike = NO_LIMIT,
        limit: npt.ArrayLike = NO_LIMIT,
    ) -> Entries:
        """Entries from arrays or single values (which then hold for all)."""
        rows = np.ascontiguousarray(signal, dtype=np.int64)

        def column(value: npt.ArrayLike, dtype: npt.DTypeLike, name: str) -> npt.NDArray[np.generic]:
            array = np.asarray(value, dtype=dtype)
            if array.ndim and array.shape != rows.shape:
                raise FastPathError(f"entries: {name} has shape {array.shape}, signal has {rows.shape}")
            return np.ascontiguousarray(np.broadcast_to(array, rows.shape))

        return cls(
            rows,
            column(direction, np.int8, "direction").astype(np.int8, copy=False),
            column(quantity, np.float64, "quantity").astype(np.float64, copy=False),
            column(stop_loss, np.float64, "stop_loss").astype(np.float64, copy=False),
            column(take_profit, np.float64, "take_profit").astype(np.float64, copy=False),
            column(trailing, np.float64, "trailing").astype(np.float64, copy=False),
            column(max_bars, np.int64, "max_bars").astype(np.int64, copy=False),
            column(limit, np.int64, "limit").astype(np.int64, copy=False),
        )

    def check(self, bars: int, rules: SimulationRules) -> None:
        """Raise :class:`FastPathError` for what no simulation can mean; ``bars`` is the number of bars."""
        if len(self) == 0:
            return
        if int(self.signal.min()) < 0 or int(self.signal.max()) >= bars:
            raise FastPathError(f"entries: a signal lies outside the {bars} bars")
        if not bool(np.all(np.abs(self.direction) == 1)):
            raise FastPathError("entries: direction must be +1 or -1")
        if not bool(np.all(self.quantity > 0.0)):
            raise FastPathError("entries: quantity must be above 0")
        if int(self.max_bars.min()) < 1:
            raise FastPathError("entries: max_bars must be at least 1")
        for name in ("stop_loss", "take_profit", "trailing"):
            column: FloatArray = getattr(self, name)
            if bool(np.any(column < 0.0)) or bool(np.any(np.isinf(column))):
                raise FastPathError(f"entries: {name} must be a fraction of 0 or more, or NaN for none")
        if rules.overlap is Overlap.SKIP and len(self) > 1:
            if bool(np.any(self.signal[1:] < self.signal[:-1])):
                raise FastPathError("entries: overlap=skip needs signals in ascending order")
            if bool(np.any(self.limit[1:] < self.limit[:-1])):
                raise FastPathError("entries: overlap=skip needs limits in ascending order (groups follow each other)")


@dataclass(frozen=True, slots=True, eq=False)
class Trades:
    """Simulated trades as columns of equal length, in the order of their entries.

    ``entry_row`` is the row in the :class:`Entries`; ``entry_index`` and ``exit_index`` are bars; ``reason`` is an
    :class:`ExitReason`; ``profit`` is dollars after fees, ``profit_cents`` the same rounded half-even to whole cents.
    """

    entry_row: IntArray
    signal: IntArray
    entry_index: IntArray
    exit_index: IntArray
    direction: npt.NDArray[np.int8]
    quantity: FloatArray
    entry_price: FloatArray
    exit_price: FloatArray
    reason: npt.NDArray[np.int8]
    profit: FloatArray
    profit_cents: IntArray

    def __len__(self) -> int:
        return len(self.entry_row)

    @property
    def total_cents(self) -> int:
        """Sum of the trades' profits in cents."""
        return int(self.profit_cents.sum())


@dataclass(frozen=True, slots=True, eq=False)
class SimulationResult:
    """Trades, and for every entry (length ``m``) the :class:`Rejection` that kept it from being one."""

    trades: Trades
    rejection: npt.NDArray[np.int8]

    def rejected(self) -> dict[str, int]:
        """Number of entries per rejection, without those that became trades."""
        counts = np.bincount(self.rejection, minlength=len(Rejection))
        return {kind.name.lower(): int(counts[kind]) for kind in Rejection if kind is not Rejection.NONE}


def profit_columns(
    direction: npt.NDArray[np.int8],
    quantity: FloatArray,
    entry_price: FloatArray,
    exit_price: FloatArray,
    rules: SimulationRules,
) -> tuple[FloatArray, IntArray]:
    """Profit in dollars after fees, and in whole cents (half-even). Arrays of shape ``(trades,)``."""
    fee = 2.0 * np.maximum(rules.fee_minimum, rules.fee_per_share * quantity)
    profit = (exit_price - entry_price) * (direction * quantity) - fee
    return profit, np.rint(profit * 100.0).astype(np.int64)
