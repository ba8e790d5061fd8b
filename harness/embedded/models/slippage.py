"""How far fills are from the price that was asked for. Source: Lean's ``Common/Orders/Slippage``."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from harness.embedded.clr import ZERO, div, from_python, mul, to_float
from harness.embedded.data import QuoteBar, TradeBar
from harness.embedded.enums import OrderDirection
from harness.embedded.models.wrapping import exact_value, is_engine_class, require
from harness.embedded.naming import lean_api, user_method
from harness.embedded.not_supported import NotSupportedError


class _SlippageModel:
    def _get_slippage_approximation(self, asset: Any, order: Any) -> Decimal:
        raise NotImplementedError

    def get_slippage_approximation(self, asset: Any, order: Any) -> float:
        return to_float(self._get_slippage_approximation(asset, order))

    GetSlippageApproximation = get_slippage_approximation


@lean_api
class NullSlippageModel(_SlippageModel):
    """No slippage."""

    INSTANCE: ClassVar[NullSlippageModel]
    Instance: ClassVar[NullSlippageModel]
    instance: ClassVar[NullSlippageModel]

    def _get_slippage_approximation(self, asset: Any, order: Any) -> Decimal:
        return ZERO


NullSlippageModel.INSTANCE = NullSlippageModel.Instance = NullSlippageModel.instance = NullSlippageModel()


@lean_api
class ConstantSlippageModel(_SlippageModel):
    """A share of the last price."""

    def __init__(self, slippage_percent: Any) -> None:
        self._slippage_percent = from_python(slippage_percent)

    def _get_slippage_approximation(self, asset: Any, order: Any) -> Decimal:
        last = asset.cache.last_data()
        return ZERO if last is None else mul(last._value, self._slippage_percent)


@lean_api
class AlphaStreamsSlippageModel(ConstantSlippageModel):
    """0.01 % of the last price of equities."""

    def __init__(self) -> None:
        super().__init__(Decimal("0.0001"))


@lean_api
class VolumeShareSlippageModel(_SlippageModel):
    """Square of the order's share of the last bar's volume, up to a limit, times a price impact."""

    def __init__(self, volume_limit: Any = Decimal("0.025"), price_impact: Any = Decimal("0.1")) -> None:
        self._volume_limit = from_python(volume_limit)
        self._price_impact = from_python(price_impact)

    def _get_slippage_approximation(self, asset: Any, order: Any) -> Decimal:
        last = asset.cache.last_data()
        if last is None:
            return ZERO
        if isinstance(last, TradeBar):
            volume = last._volume
        elif isinstance(last, QuoteBar):
            volume = last._last_bid_size if order.direction == OrderDirection.BUY else last._last_ask_size
        else:
            raise RuntimeError(
                "VolumeShareSlippageModel.GetSlippageApproximation: Cannot use this model with market data type "
                f"{type(last).__name__}"
            )
        share = self._volume_limit
        if volume > 0:
            share = min(div(order._quantity.copy_abs(), volume), self._volume_limit)
        return mul(mul(mul(share, share), self._price_impact), last._value)


@lean_api
class MarketImpactSlippageModel(_SlippageModel):
    """Not covered: it needs fundamental data and .NET's random numbers."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotSupportedError("MarketImpactSlippageModel")


class UserSlippageModel(_SlippageModel):
    """User code's slippage model. Source: Lean's ``SlippageModelPythonWrapper``."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def _get_slippage_approximation(self, asset: Any, order: Any) -> Decimal:
        method = user_method(self._model, "get_slippage_approximation")
        if method is None:
            inherited: _SlippageModel = self._model
            return inherited._get_slippage_approximation(asset, order)
        return exact_value(method(asset, order), "get_slippage_approximation")


def engine_slippage_model(model: Any) -> _SlippageModel:
    """The model as the engine calls it."""
    if is_engine_class(model):
        engine: _SlippageModel = model
        return engine
    require(model, "ISlippageModel", ("get_slippage_approximation",))
    return UserSlippageModel(model)
