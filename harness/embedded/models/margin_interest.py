"""Interest on positions. Source: Lean's ``MarginInterestRateModel`` and ``ShortMarginInterestRateModel``."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from harness.embedded.clr import ZERO, div, mul
from harness.embedded.models.parameters import MarginInterestRateParameters
from harness.embedded.models.wrapping import is_engine_class, require
from harness.embedded.naming import lean_api, user_method
from harness.embedded.securities.arithmetic import net_add, number

_DAYS_A_YEAR = Decimal(360)


class _MarginInterestRateModel:
    needs_scan = True
    """Whether the hourly scan concerns this model."""

    def _apply_margin_interest_rate(self, parameters: MarginInterestRateParameters) -> None:
        """Book the interest that is due."""

    def apply_margin_interest_rate(self, parameters: MarginInterestRateParameters) -> None:
        self._apply_margin_interest_rate(parameters)

    ApplyMarginInterestRate = apply_margin_interest_rate


@lean_api
class NullMarginInterestRateModel(_MarginInterestRateModel):
    """No interest."""

    needs_scan = False


@lean_api
class MarginInterestRateModel:
    """``MarginInterestRateModel.NULL``: no interest, the default."""

    NULL: ClassVar[NullMarginInterestRateModel] = NullMarginInterestRateModel()
    Null: ClassVar[NullMarginInterestRateModel] = NULL


@lean_api
class ShortMarginInterestRateModel(_MarginInterestRateModel):
    """Daily fee of borrowed shares, or rebate on owned ones, from the security's shortable provider."""

    def __init__(self) -> None:
        self._amount = ZERO
        self._is_short = False
        self._previous_time: datetime | None = None

    amount = number("_amount")

    def _apply_margin_interest_rate(self, parameters: MarginInterestRateParameters) -> None:
        security, time = parameters.security, parameters.time
        holdings = security.holdings
        if not holdings.invested:
            self._previous_time = None
            return
        if self._previous_time is None or self._is_short != holdings.is_short:
            self._is_short = holdings.is_short
            self._previous_time = time
            return
        days = (time.date() - self._previous_time.date()).days
        if days == 0:
            return
        provider, local = security._shortable_provider, security.local_time
        rate = (provider._fee_rate if self._is_short else provider._rebate_rate)(security.symbol, local)
        if not rate:
            self._previous_time = None
            return
        fee = div(mul(rate, holdings._holdings_value), _DAYS_A_YEAR) * days
        self._amount = net_add(self._amount, fee)
        security.quote_currency.add_amount(fee)
        self._previous_time = time


class UserMarginInterestRateModel(_MarginInterestRateModel):
    """User code's model. Source: Lean's ``MarginInterestRateModelPythonWrapper``."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def _apply_margin_interest_rate(self, parameters: MarginInterestRateParameters) -> None:
        method = user_method(self._model, "apply_margin_interest_rate")
        if method is not None:
            method(parameters)
        else:
            self._model._apply_margin_interest_rate(parameters)


def engine_margin_interest_rate_model(model: Any) -> _MarginInterestRateModel:
    """The model as the engine calls it."""
    if is_engine_class(model):
        engine: _MarginInterestRateModel = model
        return engine
    require(model, "IMarginInterestRateModel", ("apply_margin_interest_rate",))
    return UserMarginInterestRateModel(model)
