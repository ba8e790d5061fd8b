"""When the money of a fill can be spent. Source: Lean's ``ImmediateSettlementModel``, ``DelayedSettlementModel``."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from harness.embedded.clr import ZERO
from harness.embedded.models.parameters import ApplyFundsSettlementModelParameters, ScanSettlementModelParameters
from harness.embedded.models.wrapping import is_engine_class, require
from harness.embedded.naming import lean_api, user_method
from harness.embedded.orders.fees import CashAmount
from harness.embedded.orders.zones import to_local, to_utc
from harness.embedded.securities.arithmetic import net_add

_ONE_DAY = timedelta(days=1)


class _SettlementModel:
    needs_scan = False
    """Whether the hourly scan concerns this model."""

    def _apply_funds(self, parameters: ApplyFundsSettlementModelParameters) -> None:
        raise NotImplementedError

    def _scan(self, parameters: ScanSettlementModelParameters) -> None:
        """Move what has settled into the cash book."""

    def _get_unsettled_cash(self) -> CashAmount | None:
        return None

    def apply_funds(self, apply_funds_parameters: ApplyFundsSettlementModelParameters) -> None:
        self._apply_funds(apply_funds_parameters)

    def scan(self, settlement_parameters: ScanSettlementModelParameters) -> None:
        self._scan(settlement_parameters)

    def get_unsettled_cash(self) -> CashAmount | None:
        return self._get_unsettled_cash()

    ApplyFunds = apply_funds
    Scan = scan
    GetUnsettledCash = get_unsettled_cash


@lean_api
class ImmediateSettlementModel(_SettlementModel):
    """At once."""

    def _apply_funds(self, parameters: ApplyFundsSettlementModelParameters) -> None:
        amount = parameters.cash_amount
        parameters.portfolio.cash_book[amount.currency].add_amount(amount._amount)


@lean_api
class AccountCurrencyImmediateSettlementModel(ImmediateSettlementModel):
    """At once, in the account currency."""

    def _apply_funds(self, parameters: ApplyFundsSettlementModelParameters) -> None:
        book = parameters.portfolio.cash_book
        book[book.account_currency].add_amount(book._to_account_currency(parameters.cash_amount))


@dataclass(frozen=True)
class UnsettledCashAmount:
    """An amount that settles at a UTC time."""

    settlement_time_utc: datetime
    currency: str
    amount: Decimal


@lean_api
class DelayedSettlementModel(_SettlementModel):
    """Proceeds settle some trading days later at a time of day of the exchange; costs are paid at once."""

    needs_scan = True

    def __init__(self, number_of_days: int, time_of_day: timedelta) -> None:
        self._number_of_days = number_of_days
        self._time_of_day = time_of_day
        self._queue: deque[UnsettledCashAmount] = deque()

    def _apply_funds(self, parameters: ApplyFundsSettlementModelParameters) -> None:
        cash = parameters.cash_amount
        portfolio = parameters.portfolio
        if cash._amount <= 0:
            portfolio.cash_book[cash.currency].add_amount(cash._amount)
            return
        portfolio.unsettled_cash_book[cash.currency].add_amount(cash._amount)
        hours = parameters.security.exchange.hours
        local = to_local(parameters.utc_time, hours.time_zone)
        date = datetime(local.year, local.month, local.day)
        days = 0
        while days < self._number_of_days:
            date += _ONE_DAY
            if hours.is_date_open(date, False):
                days += 1
        settles = to_utc(date + self._time_of_day, hours.time_zone)
        self._queue.append(UnsettledCashAmount(settles, cash.currency, cash._amount))

    def _scan(self, parameters: ScanSettlementModelParameters) -> None:
        queue = self._queue
        while queue and parameters.utc_time >= queue[0].settlement_time_utc:
            item = queue.popleft()
            parameters.portfolio.unsettled_cash_book[item.currency].add_amount(item.amount.copy_negate())
            parameters.portfolio.cash_book[item.currency].add_amount(item.amount)

    def _get_unsettled_cash(self) -> CashAmount | None:
        if not self._queue:
            return None
        total = ZERO
        for item in self._queue:
            total = net_add(total, item.amount)
        return CashAmount(total, self._queue[0].currency)


class UserSettlementModel(_SettlementModel):
    """User code's settlement model. Source: Lean's ``SettlementModelPythonWrapper``."""

    needs_scan = True

    def __init__(self, model: Any) -> None:
        self._model = model

    def _apply_funds(self, parameters: ApplyFundsSettlementModelParameters) -> None:
        method = user_method(self._model, "apply_funds")
        if method is not None:
            method(parameters)
        else:
            self._model._apply_funds(parameters)

    def _scan(self, parameters: ScanSettlementModelParameters) -> None:
        method = user_method(self._model, "scan")
        if method is not None:
            method(parameters)
        else:
            self._model._scan(parameters)

    def _get_unsettled_cash(self) -> CashAmount | None:
        method = user_method(self._model, "get_unsettled_cash")
        answer: CashAmount | None = method() if method is not None else self._model._get_unsettled_cash()
        return answer


def engine_settlement_model(model: Any) -> _SettlementModel:
    """The model as the engine calls it."""
    if is_engine_class(model):
        engine: _SettlementModel = model
        return engine
    require(model, "ISettlementModel", ("apply_funds", "scan", "get_unsettled_cash"))
    return UserSettlementModel(model)
