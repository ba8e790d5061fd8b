"""Security identifiers and symbols of US equities, as Lean makes, prints and compares them.

API::

    SecurityIdentifier.generate_equity(ticker, market="usa", map_file=None)   .symbol .market .date .security_type
    SecurityIdentifier.parse("SPY R735QTJ8XC9X")                              str(sid) == "SPY R735QTJ8XC9X"
    Symbol(sid, value)   Symbol.create(ticker, SecurityType.EQUITY, "usa")    .value .id .security_type
    symbol_cache.set(ticker, symbol) / .try_get_symbol(text) / .clear()       process-wide, as Lean's SymbolCache
    set_map_file_resolver(resolver)      where Symbol.create looks tickers up; the engine calls it at start

A symbol is equal to another symbol with the same identifier, to that identifier, and to any text under which
:data:`symbol_cache` finds it (``symbol == "SPY"``, ``symbol == "SPY R735QTJ8XC9X"``). Its hash is that of the
identifier, so text does not find it as a dictionary key, as in Lean. Symbols order by value, ignoring case.
Source of the rules: Lean's ``SecurityIdentifier``, ``Symbol`` and ``SymbolCache``; the comparison operators that
QuantConnect's pythonnet fork uses (``ClassBase.tp_richcompare``).
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from harness.embedded.enums import SecurityType
from harness.embedded.naming import lean_api
from harness.embedded.uncovered import refuses_uncovered
from harness.errors import InputError

if TYPE_CHECKING:
    from harness.embedded.reference.corporate import MapFile, MapFileResolver
    from harness.embedded.reference.security_definitions import SecurityDefinitions

DEFAULT_DATE = dt.datetime(1899, 12, 30)
"""Lean's date of an identifier that has none (day zero of OLE automation dates)."""

_BASE36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_BASE36_TEXT = re.compile(r"[0-9A-Z]{1,13}")
# Layout of an identifier's number, lowest first: security type (2 digits), market (3), strike scale (2), strike (6),
# option style (1), date in days since DEFAULT_DATE (5), option right (1).
_MARKET_OFFSET = 10**2
_DAYS_OFFSET = 10**14
_USA = 1
_MARKETS = {0: "empty", _USA: "usa"}


class SymbolError(InputError, ValueError):
    """A ticker or identifier text that Lean would not accept, or a kind of security that is not covered here."""


def encode_base36(number: int) -> str:
    """``number`` >= 0 in base 36, upper case; the empty text for zero (as Lean's ``EncodeBase36``)."""
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _BASE36[digit] + digits
    return digits


class _Frozen:
    """Attributes are set once, by the constructor."""

    __slots__ = ()

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be deleted")


@refuses_uncovered("SecurityIdentifier")
@lean_api
class SecurityIdentifier(_Frozen):
    """What stays the same about a security while its ticker changes: first ticker, first date, market, kind."""

    __slots__ = ("_hash", "_text", "date", "market", "properties", "security_type", "symbol")

    symbol: str
    """First ticker of the security."""
    properties: int
    """Date, market and security type in one decimal number."""
    security_type: SecurityType
    market: str
    date: dt.datetime
    """First day in the map file, or :data:`DEFAULT_DATE`."""

    EMPTY: ClassVar[SecurityIdentifier]
    NONE: ClassVar[SecurityIdentifier]
    DEFAULT_DATE: ClassVar[dt.datetime] = DEFAULT_DATE

    def __init__(self, symbol: str, properties: int) -> None:
        """Raises :class:`SymbolError` for a ticker with a blank or bar, and for a number that is no equity's."""
        if " " in symbol or "|" in symbol:
            raise SymbolError("Symbol must not contain the characters '|' or ' '. (Parameter 'symbol')")
        kind = properties % 100
        if kind not in (SecurityType.BASE, SecurityType.EQUITY):
            raise SymbolError(f"identifier of {symbol!r}: security type {kind} is not covered, only US equities are")
        place = object.__setattr__
        place(self, "symbol", symbol)
        place(self, "properties", properties)
        place(self, "security_type", SecurityType(kind))
        market_code = properties // _MARKET_OFFSET % 1000
        place(self, "market", _MARKETS.get(market_code, str(market_code)))
        place(self, "date", DEFAULT_DATE + dt.timedelta(days=properties // _DAYS_OFFSET % 100_000))
        place(self, "_text", f"{symbol} {encode_base36(properties) or '0'}")
        # The same in every process, so that sets and dictionaries of symbols iterate alike in every run.
        place(self, "_hash", hash(int.from_bytes(symbol.encode(), "big") * 397 ^ properties))

    @staticmethod
    def generate_equity(
        ticker: str | dt.date, market: str = "usa", map_file: MapFile | None = None, **unsupported: Any
    ) -> SecurityIdentifier:
        """Identifier of an equity known today as ``ticker``.

        ``map_file`` is its map file (None or an empty one: the ticker itself and :data:`DEFAULT_DATE`, as Lean does).
        Lean's other form, ``generate_equity(date, ticker, market)``, is accepted too.
        """
        if unsupported:
            raise SymbolError(f"generate_equity does not take {', '.join(unsupported)} here")
        if isinstance(ticker, dt.date):
            first = ticker if isinstance(ticker, dt.datetime) else dt.datetime(ticker.year, ticker.month, ticker.day)
            name, market = market, map_file if isinstance(map_file, str) else "usa"
        else:
            first, name = DEFAULT_DATE, ticker
            if map_file is not None and not map_file.is_empty:
                first, name = map_file.first_date, map_file.first_ticker
        if market.lower() != "usa":
            raise SymbolError(f"market {market!r} is not covered, only 'usa' is")
        days = (first - DEFAULT_DATE).days
        return SecurityIdentifier(name.upper(), days * _DAYS_OFFSET + _USA * _MARKET_OFFSET + int(SecurityType.EQUITY))

    @staticmethod
    def parse(text: str | None) -> SecurityIdentifier:
        """The identifier that prints as ``text``. Raises :class:`SymbolError` when there is none."""
        if text is None or not text.strip() or text == " 0":
            return SecurityIdentifier.EMPTY
        parts = [part for part in text.split(" ") if part]
        if len(parts) != 2 or not _BASE36_TEXT.fullmatch(parts[1]):
            raise SymbolError(f"{text!r} is not a security identifier such as 'SPY R735QTJ8XC9X'")
        sid = SecurityIdentifier(parts[0], int(parts[1], 36))
        if sid.market not in _MARKETS.values():
            raise SymbolError(f"{text!r}: market number {sid.market} is not covered, only 'usa' is")
        return sid

    @staticmethod
    def try_parse(text: str | None) -> SecurityIdentifier | None:
        """As :meth:`parse`, with None for text that is no identifier."""
        try:
            return SecurityIdentifier.parse(text)
        except SymbolError:
            return None

    @property
    def has_underlying(self) -> bool:
        """False: equities are derived from nothing."""
        return False

    def to_string(self) -> str:
        return self._text  # type: ignore[attr-defined,no-any-return]

    def __str__(self) -> str:
        return self._text  # type: ignore[attr-defined,no-any-return]

    def __hash__(self) -> int:
        return self._hash  # type: ignore[attr-defined,no-any-return]

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, SecurityIdentifier):
            return False
        return self.properties == other.properties and self.symbol == other.symbol

    def _compare(self, other: object) -> int:
        if not isinstance(other, SecurityIdentifier):
            raise TypeError("a SecurityIdentifier compares with a SecurityIdentifier only")
        left, right = str(self), str(other)
        return (left > right) - (left < right)

    def __lt__(self, other: object) -> bool:
        return self._compare(other) < 0

    def __le__(self, other: object) -> bool:
        return self._compare(other) <= 0

    def __gt__(self, other: object) -> bool:
        return self._compare(other) > 0

    def __ge__(self, other: object) -> bool:
        return self._compare(other) >= 0

    def __reduce__(self) -> tuple[Any, ...]:
        return SecurityIdentifier, (self.symbol, self.properties)


SecurityIdentifier.EMPTY = SecurityIdentifier("", 0)
SecurityIdentifier.NONE = SecurityIdentifier("NONE", 0)


@refuses_uncovered("Symbol")
@lean_api
class Symbol(_Frozen):
    """A security identifier with the ticker it trades under now."""

    __slots__ = ("_hash", "id", "security_type", "value")

    value: str
    """Ticker, upper case."""
    id: SecurityIdentifier
    security_type: SecurityType

    EMPTY: ClassVar[Symbol]
    NONE: ClassVar[Symbol]

    def __init__(self, sid: SecurityIdentifier, value: str) -> None:
        place = object.__setattr__
        place(self, "id", sid)
        place(self, "value", value.upper())
        place(self, "security_type", sid.security_type)
        place(self, "_hash", hash(sid))

    @staticmethod
    def create(ticker: str, security_type: SecurityType, market: str, alias: str | None = None) -> Symbol:
        """Symbol of a US equity, its ticker resolved in today's map files. Raises :class:`SymbolError` for others."""
        if security_type != SecurityType.EQUITY:
            raise SymbolError(f"Symbol.create: {SecurityType(security_type).name} is not covered, only EQUITY is")
        map_file = _resolver.resolve_map_file(ticker, dt.datetime.now()) if _resolver is not None else None
        return Symbol(SecurityIdentifier.generate_equity(ticker, market, map_file), alias or ticker)

    @property
    def underlying(self) -> None:
        """None: an equity has no underlying."""
        return None

    @property
    def has_underlying(self) -> bool:
        return False

    @property
    def canonical(self) -> NoReturn:
        raise SymbolError(f"{self.value} has no canonical symbol: only options and futures have one")

    def has_canonical(self) -> bool:
        return False

    @property
    def cusip(self) -> str | None:
        """Industry identifiers, where the data folder has them."""
        return self._identifier("cusip")  # type: ignore[no-any-return]

    @property
    def composite_figi(self) -> str | None:
        return self._identifier("composite_figi")  # type: ignore[no-any-return]

    @property
    def sedol(self) -> str | None:
        return self._identifier("sedol")  # type: ignore[no-any-return]

    @property
    def isin(self) -> str | None:
        return self._identifier("isin")  # type: ignore[no-any-return]

    @property
    def cik(self) -> int | None:
        return self._identifier("cik")  # type: ignore[no-any-return]

    def _identifier(self, kind: str) -> Any:
        return None if _definitions is None else _definitions.of_symbol(self, kind)

    def is_canonical(self) -> bool:
        return False

    def update_mapped_symbol(self, mapped_symbol: str) -> Symbol:
        """The same security under another ticker."""
        return Symbol(self.id, mapped_symbol)

    def to_string(self) -> str:
        return str(self)

    def __str__(self) -> str:
        return symbol_cache.get_ticker(self)

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __hash__(self) -> int:
        return self._hash  # type: ignore[attr-defined,no-any-return]

    def equals(self, other: object) -> bool:
        """Equality as Lean's ``Equals(object)``: with a symbol, identifier or text; None equals the empty symbol."""
        if self is other:
            return True
        if isinstance(other, Symbol):
            return self.id == other.id
        if isinstance(other, str):
            found = symbol_cache.try_get_symbol(other)
            if found is None:  # Lean then takes the text for a symbol without date, market and type
                return self.id.properties == 0 and self.id.symbol == other
            return self.id == found.id
        if isinstance(other, SecurityIdentifier):
            return self.id == other
        return other is None and self.id == SecurityIdentifier.EMPTY

    def __eq__(self, other: object) -> bool:
        return True if self is other else self.equals(other)

    def compare_to(self, other: object) -> int:
        """Order by value, ignoring case. Raises ``TypeError`` for anything but a symbol or text."""
        if isinstance(other, Symbol):
            text = other.value
        elif isinstance(other, str):
            text = other
        else:
            raise TypeError("Expected argument of type Symbol or string.")
        left, right = self.value.upper(), text.upper()
        return (left > right) - (left < right)

    def __lt__(self, other: object) -> bool:
        return self.compare_to(other) < 0

    def __le__(self, other: object) -> bool:
        return self.compare_to(other) <= 0

    def __gt__(self, other: object) -> bool:
        return self.compare_to(other) > 0

    def __ge__(self, other: object) -> bool:
        return self.compare_to(other) >= 0

    def contains(self, value: str) -> bool:
        """``value`` is part of the ticker."""
        return value in self.value

    def starts_with(self, value: str) -> bool:
        return self.value.startswith(value)

    def ends_with(self, value: str) -> bool:
        return self.value.endswith(value)

    def to_lower(self) -> str:
        return self.value.lower()

    def to_upper(self) -> str:
        return self.value.upper()

    def __reduce__(self) -> tuple[Any, ...]:
        return Symbol, (self.id, self.value)


class SymbolCache:
    """Ticker to symbol and back, process-wide. Source: Lean's ``SymbolCache``."""

    def __init__(self) -> None:
        self._symbols: dict[str, Symbol | None] = {}
        self._tickers: dict[Symbol, str] = {}

    def set(self, ticker: str, symbol: Symbol) -> None:
        """Make ``ticker`` (any case) find ``symbol``, and ``str(symbol)`` print ``ticker``."""
        self._symbols[ticker.upper()] = symbol
        self._tickers[symbol] = ticker
        related = ticker.upper().partition(".")[0]
        if related in self._symbols and self._symbols[related] is None:
            del self._symbols[related]

    def try_get_symbol(self, ticker: str) -> Symbol | None:
        """The symbol known by this ticker or printed identifier, or None."""
        key = ticker.upper()
        if key in self._symbols:
            return self._symbols[key]
        sid = SecurityIdentifier.try_parse(ticker)
        if sid is not None:
            return Symbol(sid, sid.symbol)
        # Lean lets "BTC" find "BTC.Bitcoin" when only one such name is known.
        matches = [symbol for name, symbol in self._symbols.items() if symbol and name.startswith(key + ".")]
        if len(matches) > 1:
            raise SymbolError(f"{ticker!r} could be any of {', '.join(str(symbol) for symbol in matches)}; name one")
        self._symbols[key] = matches[0] if matches else None
        return self._symbols[key]

    def get_symbol(self, ticker: str) -> Symbol:
        """As :meth:`try_get_symbol`. Raises :class:`SymbolError` for an unknown ticker."""
        symbol = self.try_get_symbol(ticker)
        if symbol is None:
            raise SymbolError(f"no symbol is known by {ticker!r}; add the security first")
        return symbol

    def get_ticker(self, symbol: Symbol) -> str:
        """The ticker set for ``symbol``, or its printed identifier."""
        return self._tickers.get(symbol) or str(symbol.id)

    def clear(self) -> None:
        self._symbols.clear()
        self._tickers.clear()


symbol_cache = SymbolCache()
_resolver: MapFileResolver | None = None


def find_symbol(key: Any) -> Symbol | None:
    """The symbol meant by a symbol, a security or a ticker that was added; ``None`` if there is none."""
    if isinstance(key, Symbol):
        return key
    if isinstance(key, str):
        return symbol_cache.try_get_symbol(key)
    symbol = getattr(key, "symbol", None)
    return symbol if isinstance(symbol, Symbol) else None


def added_symbol(ticker: str) -> Symbol:
    """The symbol of a ticker that was added. Raises ``RuntimeError`` in Lean's words where there is none."""
    found = symbol_cache.try_get_symbol(ticker)
    if found is None:
        raise RuntimeError(f"We were unable to locate the ticker '{ticker}'.")
    return found


def ticker_not_found(ticker: str) -> str:
    """Lean's text for a ticker that no security was added for."""
    return (
        f"The ticker {ticker} was not found in the SymbolCache. Use the Symbol object as key instead. "
        "Accessing the securities collection/slice object by string ticker is only available for securities added "
        "with the add_security-family methods. For more details, please check out the documentation."
    )


def set_map_file_resolver(resolver: MapFileResolver | None) -> None:
    """Where :meth:`Symbol.create` resolves tickers; None forgets it (tickers are then taken as they are)."""
    global _resolver
    _resolver = resolver


def map_file_resolver() -> MapFileResolver:
    """Where tickers are resolved. Raises :class:`SymbolError` where nothing was set."""
    if _resolver is None:
        raise SymbolError("no map files: they come with a backtest")
    return _resolver


_definitions: SecurityDefinitions | None = None


def set_security_definitions(definitions: SecurityDefinitions | None) -> None:
    """Where :attr:`Symbol.cusip` and such are looked up; None forgets it."""
    global _definitions
    _definitions = definitions


Symbol.EMPTY = Symbol(SecurityIdentifier.EMPTY, "")
Symbol.NONE = Symbol(SecurityIdentifier.NONE, "NONE")
SecurityIdentifier.Empty = SecurityIdentifier.EMPTY  # type: ignore[attr-defined]
Symbol.Empty = Symbol.EMPTY  # type: ignore[attr-defined]
