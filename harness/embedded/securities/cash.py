"""Cash of one currency and the book of all of them. Source: Lean's ``Cash``, ``CashBook``, ``ConvertibleCashAmount``.

Only the account currency converts: a rate between currencies needs foreign exchange data, which this engine does not
cover.
"""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, KeysView, ValuesView
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from harness.embedded.clr import ONE, ZERO, decimal_text, from_python, mul, round_half_even, to_float
from harness.embedded.data import KeyNotFoundException, KeyValuePair
from harness.embedded.naming import lean_api
from harness.embedded.not_supported import NotSupportedError
from harness.embedded.orders.fees import NULL_CURRENCY, CashAmount
from harness.embedded.securities.arithmetic import net_add, shown
from harness.embedded.uncovered import refuses_uncovered

_SYMBOLS = {"USD": "$"}
_CENT = Decimal("0.01")


@refuses_uncovered("Cash")
@lean_api
class Cash:
    """An amount of one currency. ``_amount`` is exact."""

    __slots__ = ("_amount", "_changing", "_conversion_rate", "_updated", "currency_symbol", "symbol")

    def __init__(self, symbol: str, amount: Any = ZERO, conversion_rate: Any = ONE) -> None:
        self.symbol = symbol.upper()
        self.currency_symbol = _SYMBOLS.get(self.symbol, self.symbol)
        self._amount = from_python(amount)
        self._conversion_rate = from_python(conversion_rate)
        self._changing: Callable[[], None] | None = None
        self._updated: Callable[[], None] | None = None

    @property
    def _value_in_account_currency(self) -> Decimal:
        return self._amount if self._conversion_rate == 1 else mul(self._amount, self._conversion_rate)

    amount = shown("_amount")
    conversion_rate = shown("_conversion_rate")
    value_in_account_currency = shown("_value_in_account_currency")

    def add_amount(self, amount: Any) -> float:
        """Add to the amount; returns the new amount."""
        exact = from_python(amount)
        if self._changing is not None:
            self._changing()
        self._amount = net_add(self._amount, exact)
        if self._updated is not None:
            self._updated()
        return to_float(self._amount)

    def set_amount(self, amount: Any) -> None:
        exact = from_python(amount)
        if exact != self._amount:
            if self._changing is not None:
                self._changing()
            self._amount = exact
            if self._updated is not None:
                self._updated()

    def to_string(self, account_currency: str = "USD") -> str:
        amount = f"{self._amount.quantize(_CENT, rounding=ROUND_HALF_UP):f}"
        rate = f"{self._conversion_rate.normalize():.6f}".rstrip("0")
        whole, _, fraction = rate.partition(".")
        rate = f"{whole}.{fraction:0<2}"
        value = decimal_text(round_half_even(self._value_in_account_currency, 2))
        in_account = _SYMBOLS.get(account_currency, account_currency)
        return f"{self.symbol}: {self.currency_symbol}{amount:>15} @ {rate:>10} = {in_account}{value}"

    __str__ = to_string


@lean_api
class ConvertibleCashAmount:
    """An amount in the currency of a :class:`Cash`."""

    __slots__ = ("_amount", "cash")

    def __init__(self, amount: Decimal, cash: Cash) -> None:
        self._amount = amount
        self.cash = cash

    @property
    def _in_account_currency(self) -> Decimal:
        return self._amount if self.cash._conversion_rate == 1 else mul(self._amount, self.cash._conversion_rate)

    amount = shown("_amount")
    in_account_currency = shown("_in_account_currency")

    def __float__(self) -> float:
        return to_float(self._amount)


@refuses_uncovered("CashBook")
@lean_api
class CashBook:
    """Cash by currency; ``changing`` is called before, ``updated`` after an amount changes."""

    def __init__(self, updated: Callable[[], None] | None = None, changing: Callable[[], None] | None = None) -> None:
        self.account_currency = "USD"
        self._updated = updated
        self._changing = changing
        self._currencies: dict[str, Cash] = {}
        self.add("USD", ZERO, ONE)

    def _before(self) -> None:
        if self._changing is not None:
            self._changing()

    def _changed(self) -> None:
        if self._updated is not None:
            self._updated()

    @property
    def _total_value_in_account_currency(self) -> Decimal:
        if len(self._currencies) == 1:
            return self._currencies[self.account_currency]._value_in_account_currency
        total = ZERO
        for cash in self._currencies.values():
            total = net_add(total, cash._value_in_account_currency)
        return total

    total_value_in_account_currency = shown("_total_value_in_account_currency")

    def add(self, symbol: str, quantity: Any, conversion_rate: Any = None) -> Cash:
        """Add a currency, or set amount and rate of one that is there. Raises for a foreign currency with a rate."""
        if isinstance(quantity, Cash):
            quantity, conversion_rate = quantity._amount, quantity._conversion_rate
        symbol = symbol.upper()
        if symbol != self.account_currency:
            raise NotSupportedError("CashBook.add", f"currency {symbol}: only {self.account_currency} is covered")
        cash = self._currencies.get(symbol)
        if cash is None:
            cash = self._currencies[symbol] = Cash(
                symbol, quantity, ONE if conversion_rate is None else conversion_rate
            )
            cash._updated = self._changed
            cash._changing = self._before
            self._changed()
        else:
            cash.set_amount(quantity)
        return cash

    def _convert(self, quantity: Decimal, source: str, destination: str) -> Decimal:
        if quantity == 0:
            return ZERO
        rate = self[source]._conversion_rate / self[destination]._conversion_rate
        return mul(quantity, rate)

    def convert(self, source_quantity: Any, source_currency: str, destination_currency: str) -> float:
        return to_float(self._convert(from_python(source_quantity), source_currency, destination_currency))

    def _to_account_currency(self, amount: CashAmount) -> Decimal:
        if amount.currency == self.account_currency:
            return amount._amount
        return self._convert(amount._amount, amount.currency, self.account_currency)

    def convert_to_account_currency(self, source_quantity: Any, source_currency: str | None = None) -> Any:
        """Of a :class:`CashAmount` (returns one), or of a number in a currency (returns a float)."""
        if isinstance(source_quantity, CashAmount):
            return CashAmount(self._to_account_currency(source_quantity), self.account_currency)
        currency = self.account_currency if source_currency is None else source_currency
        return to_float(self._to_account_currency(CashAmount(source_quantity, currency)))

    # -- dictionary ----------------------------------------------------------------------------------------------

    def __getitem__(self, symbol: str) -> Cash:
        if symbol == NULL_CURRENCY:
            raise RuntimeError("Unexpected request for NullCurrency Cash instance")
        cash = self._currencies.get(symbol)
        if cash is None:
            raise KeyNotFoundException(f"This cash symbol ({symbol}) was not found in your cash book.")
        return cash

    def __contains__(self, symbol: object) -> bool:
        return symbol in self._currencies

    def contains_key(self, symbol: str) -> bool:
        return symbol in self._currencies

    def __len__(self) -> int:
        return len(self._currencies)

    @property
    def count(self) -> int:
        return len(self._currencies)

    def __iter__(self) -> Iterator[Any]:
        return iter([KeyValuePair(key, cash) for key, cash in self._currencies.items()])

    def keys(self) -> KeysView[str]:
        return self._currencies.keys()

    def values(self) -> ValuesView[Cash]:
        return self._currencies.values()

    def items(self) -> ItemsView[str, Cash]:
        return self._currencies.items()

    def get(self, symbol: str, default: Any = None) -> Any:
        return self._currencies.get(symbol, default)

    def __str__(self) -> str:
        symbol = _SYMBOLS.get(self.account_currency, self.account_currency)
        total = decimal_text(round_half_even(self._total_value_in_account_currency, 2))
        lines = [f"Symbol {'Quantity':>13}    {'Conversion':>10} = Value in {self.account_currency}"]
        lines += [cash.to_string(self.account_currency) for cash in self._currencies.values()]
        lines += [
            "-------------------------------------------------",
            f"CashBook Total Value:                {symbol}{total}",
        ]
        return "\n".join(lines) + "\n"
