"""What brokers charge for an order of US equities. Source: Lean's ``Common/Orders/Fees``.

Models answer in the currency of the broker; the engine calls ``_get_order_fee``, user code ``get_order_fee``.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from harness.embedded.clr import ONE, ZERO, from_python, mul
from harness.embedded.models.wrapping import exact_value, instance, is_engine_class
from harness.embedded.naming import lean_api, user_method
from harness.embedded.not_supported import NotSupportedError
from harness.embedded.orders.fees import CashAmount, OrderFee, OrderFeeParameters
from harness.embedded.orders.zones import to_local

_FIVE_THOUSANDTHS = Decimal("0.005")
_USD = "USD"


def _usd(amount: Decimal) -> OrderFee:
    return OrderFee(CashAmount(amount, _USD))


def _quantity(parameters: OrderFeeParameters) -> Decimal:
    quantity: Decimal = parameters.order._quantity
    return quantity.copy_abs()


@lean_api
class FeeModel:
    """Base of fee models: free of charge."""

    def _get_order_fee(self, parameters: OrderFeeParameters) -> OrderFee:
        return _usd(ZERO)

    def get_order_fee(self, parameters: OrderFeeParameters) -> OrderFee:
        return self._get_order_fee(parameters)


def interactive_brokers_fee(quantity: Decimal, value_of: Callable[[], Decimal]) -> Decimal:
    """USD for an order of ``quantity`` shares (not negative) whose absolute value in USD ``value_of`` tells.

    Source: ``InteractiveBrokersFeeModel.cs`` in Lean. The minimum is looked at first: a small order of a cheap stock
    pays it even where it exceeds the maximum.
    """
    fee = mul(_FIVE_THOUSANDTHS, quantity)
    if fee < ONE:
        return ONE
    return min(fee, mul(_FIVE_THOUSANDTHS, value_of()))


def _per_share_with_limits(parameters: OrderFeeParameters) -> OrderFee:
    def value() -> Decimal:
        of_order: Decimal = parameters.order._get_value(parameters.security)
        return of_order.copy_abs()

    return _usd(interactive_brokers_fee(_quantity(parameters), value))


@lean_api
class InteractiveBrokersFeeModel(FeeModel):
    """0.005 USD a share, at least 1 USD, at most 0.5 % of the order's value."""

    def __init__(
        self, monthly_forex_trade_amount_in_us_dollars: Any = 0, monthly_options_trade_amount_in_contracts: Any = 0
    ) -> None:
        """Both arguments set the rates of currencies and options, which do not concern equities."""

    def _get_order_fee(self, parameters: OrderFeeParameters) -> OrderFee:
        return _per_share_with_limits(parameters)


@lean_api
class AlphaStreamsFeeModel(FeeModel):
    """The same for equities as :class:`InteractiveBrokersFeeModel`."""

    def _get_order_fee(self, parameters: OrderFeeParameters) -> OrderFee:
        return _per_share_with_limits(parameters)


@lean_api
class ConstantFeeModel(FeeModel):
    """The same amount for every order."""

    def __init__(self, fee: Any, currency: str = _USD) -> None:
        self._fee = from_python(fee).copy_abs()
        self._currency = currency

    def _get_order_fee(self, parameters: OrderFeeParameters) -> OrderFee:
        return OrderFee(CashAmount(self._fee, self._currency))


@lean_api
class _PerShareFeeModel(FeeModel):
    """An amount a share."""

    default_fee = ZERO

    def __init__(self, fees_per_share: Any = None) -> None:
        self._fees_per_share = self.default_fee if fees_per_share is None else from_python(fees_per_share)

    def _per_share(self, parameters: OrderFeeParameters) -> OrderFee:
        return _usd(mul(self._fees_per_share, _quantity(parameters)))


@lean_api
class AxosFeeModel(_PerShareFeeModel):
    """0.0035 USD a share."""

    default_fee = Decimal("0.0035")

    def _get_order_fee(self, parameters: OrderFeeParameters) -> OrderFee:
        return self._per_share(parameters)


class _HiddenFeeModel(_PerShareFeeModel):
    """Charges nothing when the engine asks: Lean's class hides the base's method instead of overriding it.

    ``RBIFeeModel`` and ``WolverineFeeModel`` declare ``GetOrderFee`` without ``override``, so that a call through
    ``IFeeModel``, which is how the engine calls, reaches ``FeeModel.GetOrderFee``.
    """

    default_fee = _FIVE_THOUSANDTHS

    def get_order_fee(self, parameters: OrderFeeParameters) -> OrderFee:
        return self._per_share(parameters)

    GetOrderFee = get_order_fee


@lean_api
class RBIFeeModel(_HiddenFeeModel):
    """0.005 USD a share if asked by user code, nothing if asked by the engine (as in Lean)."""


@lean_api
class WolverineFeeModel(_HiddenFeeModel):
    """0.005 USD a share if asked by user code, nothing if asked by the engine (as in Lean)."""


@lean_api
class TDAmeritradeFeeModel(FeeModel):
    """Equities are free of charge."""


@lean_api
class AlpacaFeeModel(FeeModel):
    """Equities are free of charge."""


@lean_api
class EzeFeeModel(FeeModel):
    """Free of charge."""


@lean_api
class TastytradeFeeModel(FeeModel):
    """Equities are free of charge."""


@lean_api
class CharlesSchwabFeeModel(FeeModel):
    """Equities have no fee at all (``OrderFee.ZERO``)."""

    def _get_order_fee(self, parameters: OrderFeeParameters) -> OrderFee:
        return OrderFee.ZERO


@lean_api
class WebullFeeModel(CharlesSchwabFeeModel):
    """Equities have no fee at all (``OrderFee.ZERO``)."""


@lean_api
class ExanteFeeModel(FeeModel):
    """0.02 USD a share."""

    def __init__(self, forex_commission_rate: Any = None) -> None:
        """The argument is the rate of currencies, which does not concern equities."""

    def _get_order_fee(self, parameters: OrderFeeParameters) -> OrderFee:
        return _usd(mul(_quantity(parameters), Decimal("0.02")))


@lean_api
class PublicFeeModel(FeeModel):
    """2.99 USD for an order given outside the regular session, otherwise free of charge."""

    def _get_order_fee(self, parameters: OrderFeeParameters) -> OrderFee:

        hours = parameters.security.exchange.hours
        regular = hours.is_open(to_local(parameters.order._time, hours.time_zone), False)
        return _usd(ZERO if regular else Decimal("2.99"))


@lean_api
class TradeStationFeeModel(FeeModel):
    """Free of charge for residents of the United States, otherwise 5 USD an order."""

    def __init__(self, us_resident: bool = True) -> None:
        self.us_resident = us_resident

    def _get_order_fee(self, parameters: OrderFeeParameters) -> OrderFee:
        return _usd(ZERO if self.us_resident else Decimal(5))


class UserFeeModel(FeeModel):
    """User code's fee model. Source: Lean's ``FeeModelPythonWrapper``.

    An older signature, ``get_order_fee(security, order)`` giving a number of USD, is tried after the first failure of
    the new one, and from then on for good.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._extended = True

    def _get_order_fee(self, parameters: OrderFeeParameters) -> OrderFee:
        method = user_method(self._model, "get_order_fee")
        if method is None:
            if not isinstance(self._model, FeeModel):
                raise AttributeError(f"{type(self._model).__name__!r} object has no attribute 'GetOrderFee'")
            return self._model._get_order_fee(parameters)
        if self._extended:
            try:
                answer = method(parameters)
            except NotSupportedError:
                raise
            except Exception:
                # Whatever user code raises makes Lean try the older signature.
                self._extended = False
            else:
                return instance(answer, OrderFee, "get_order_fee")
        return _usd(exact_value(method(parameters.security, parameters.order), "get_order_fee"))


def engine_fee_model(model: Any) -> FeeModel:
    """The model as the engine calls it."""
    if is_engine_class(model):
        engine: FeeModel = model
        return engine
    return UserFeeModel(model)
