"""How many shares can be borrowed. Source: Lean's ``NullShortableProvider`` and ``ShortableProviderPythonWrapper``."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from harness.embedded.clr import ZERO, from_python, to_float
from harness.embedded.models.wrapping import is_engine_class, require
from harness.embedded.naming import lean_api, user_method
from harness.embedded.not_supported import NotSupportedError


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


@lean_api
class LocalDiskShortableProvider(_ShortableProvider):
    """Not covered."""

    def __init__(self, brokerage: str) -> None:
        raise NotSupportedError("LocalDiskShortableProvider")


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
        return from_python(self._ask("fee_rate", symbol, local_time))

    def _rebate_rate(self, symbol: Any, local_time: datetime) -> Decimal:
        return from_python(self._ask("rebate_rate", symbol, local_time))


def engine_shortable_provider(model: Any) -> _ShortableProvider:
    """The provider as the engine calls it."""
    if is_engine_class(model):
        engine: _ShortableProvider = model
        return engine
    require(model, "IShortableProvider", ("fee_rate", "rebate_rate", "shortable_quantity"))
    return UserShortableProvider(model)
