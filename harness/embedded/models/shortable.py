"""How many shares can be borrowed. Source: Lean's ``NullShortableProvider`` and ``ShortableProviderPythonWrapper``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, ClassVar

from harness.embedded.clr import ZERO, div, to_float
from harness.embedded.models.wrapping import exact_value, is_engine_class, require
from harness.embedded.naming import lean_api, user_method

_HUNDRED = Decimal(100)


class _ShortableProvider:
    def _shortable_quantity(self, symbol: Any, local_time: datetime) -> int | None:
        """Shares that can be sold short; ``None`` for no limit."""
        return None

    def _fee_rate(self, symbol: Any, local_time: datetime) -> Decimal:
        return ZERO

    def _rebate_rate(self, symbol: Any, local_time: datetime) -> Decimal:
        return ZERO

    def shortable_quantity(self, symbol: Any, local_time: datetime) -> int | None:
        return self._shortable_quantity(symbol, local_time)

    def fee_rate(self, symbol: Any, local_time: datetime) -> float:
        return to_float(self._fee_rate(symbol, local_time))

    def rebate_rate(self, symbol: Any, local_time: datetime) -> float:
        return to_float(self._rebate_rate(symbol, local_time))

    ShortableQuantity = shortable_quantity
    FeeRate = fee_rate
    RebateRate = rebate_rate


@lean_api
class NullShortableProvider(_ShortableProvider):
    """No limit and no fee."""

    INSTANCE: ClassVar[NullShortableProvider]
    Instance: ClassVar[NullShortableProvider]
    instance: ClassVar[NullShortableProvider]


NullShortableProvider.INSTANCE = NullShortableProvider.Instance = NullShortableProvider.instance = (
    NullShortableProvider()
)


@dataclass(frozen=True)
class _ShortableDay:
    quantity: int | None
    rebate_rate: Decimal
    fee_rate: Decimal


_NO_LIMIT = _ShortableDay(None, ZERO, ZERO)
_data_folder: Path | None = None


def set_data_folder(folder: Path | str | None) -> None:
    """Where :class:`LocalDiskShortableProvider` reads; the engine calls it at start."""
    global _data_folder
    _data_folder = None if folder is None else Path(folder)


@lean_api
class LocalDiskShortableProvider(_ShortableProvider):
    """Shares, fee and rebate a day from ``equity/usa/shortable/<brokerage>/symbols/<ticker>.csv``.

    Lines are ``yyyyMMdd,shares[,rebate %[,fee %]]``; shares that are left empty are none. A day or file that is missing
    means no limit and no fee. Raises
    ``ValueError`` for a line that cannot be read.
    """

    def __init__(self, brokerage: str) -> None:
        self.brokerage = brokerage.lower()
        self._days: dict[str, dict[str, _ShortableDay]] = {}

    def _day(self, symbol: Any, local_time: datetime) -> _ShortableDay:
        ticker = symbol.value.lower()
        days = self._days.get(ticker)
        if days is None:
            days = self._days[ticker] = self._read(ticker)
        return days.get(f"{local_time:%Y%m%d}", _NO_LIMIT)

    def _read(self, ticker: str) -> dict[str, _ShortableDay]:
        if _data_folder is None:
            return {}
        path = _data_folder / "equity" / "usa" / "shortable" / self.brokerage / "symbols" / f"{ticker}.csv"
        try:
            lines = path.read_text("utf-8").splitlines()
        except FileNotFoundError:
            return {}
        days = {}
        for number, line in enumerate(lines, start=1):
            if not line or line.startswith("#"):
                continue
            fields = [*line.split(","), "", ""]
            try:
                quantity = int(Decimal(fields[1])) if fields[1] else 0
                rebate, fee = (div(Decimal(field), _HUNDRED) if field else ZERO for field in fields[2:4])
            except InvalidOperation:
                raise ValueError(f"{path}: line {number}: {line!r} is not date, shares, rebate and fee") from None
            days[fields[0]] = _ShortableDay(quantity, rebate, fee)
        return days

    def _shortable_quantity(self, symbol: Any, local_time: datetime) -> int | None:
        return self._day(symbol, local_time).quantity

    def _fee_rate(self, symbol: Any, local_time: datetime) -> Decimal:
        return self._day(symbol, local_time).fee_rate

    def _rebate_rate(self, symbol: Any, local_time: datetime) -> Decimal:
        return self._day(symbol, local_time).rebate_rate


@lean_api
class InteractiveBrokersShortableProvider(LocalDiskShortableProvider):
    """The files of Interactive Brokers."""

    def __init__(self) -> None:
        super().__init__("interactivebrokers")


class UserShortableProvider(_ShortableProvider):
    """User code's provider."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def _ask(self, name: str, symbol: Any, local_time: datetime) -> Any:
        method = user_method(self._model, name)
        return (method or getattr(self._model, name))(symbol, local_time)

    def _shortable_quantity(self, symbol: Any, local_time: datetime) -> int | None:
        answer = self._ask("shortable_quantity", symbol, local_time)
        return None if answer is None else int(answer)

    def _fee_rate(self, symbol: Any, local_time: datetime) -> Decimal:
        return exact_value(self._ask("fee_rate", symbol, local_time), "fee_rate")

    def _rebate_rate(self, symbol: Any, local_time: datetime) -> Decimal:
        return exact_value(self._ask("rebate_rate", symbol, local_time), "rebate_rate")


def engine_shortable_provider(model: Any) -> _ShortableProvider:
    """The provider as the engine calls it."""
    if is_engine_class(model):
        engine: _ShortableProvider = model
        return engine
    require(model, "IShortableProvider", ("fee_rate", "rebate_rate", "shortable_quantity"))
    return UserShortableProvider(model)
