"""Which overload of a C# method a Python call reaches, with which values, and what is said when it reaches none.

Source of the rules: ``MethodBinder``, ``Converter`` and ``MethodSignatureFormatter`` of QuantConnect's pythonnet fork,
version 2.0.65. A method is declared with the signatures that Lean's C# method of that name has, in the order of Lean's
source; the wrapped function is called with the chosen overload's parameters by their snake_case names, numbers exact.
Under the PascalCase spelling the parameters have their camelCase names.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

from harness.embedded import clr
from harness.embedded.naming import snake_case
from harness.embedded.runtime_errors import BindingError

F = TypeVar("F", bound=Callable[..., Any])

# Python's own types that pythonnet knows by identity; subclasses and everything else have no alias.
_ALIASES = {str: "string", int: "int", float: "double", bool: "bool", Decimal: "decimal"}
_PYTHON_TYPES = {"string": str, "int": int, "double": float, "float": float, "bool": bool, "decimal": Decimal}
_PRECEDENCE = {"decimal": 2, "double": 3, "float": 4, "int": 22, "PyObject": 39, "string": 50, "bool": 60}
_OBJECT_PRECEDENCE, _ENUM_PRECEDENCE = 40, 38
_SHOWN = {
    "decimal": "float",
    "double": "float",
    "float": "float",
    "int": "int",
    "string": "str",
    "bool": "bool",
    "Func": "Callable",
}
_ENUMS = ("OrderType",)
_NUMBER = re.compile(r"\s*[+-]?(\d[\d,]*(\.\d*)?|\.\d+)([eE][+-]?\d+)?[+-]?\s*")
_INT_RANGE = range(-(2**31), 2**31)
_LARGEST_DECIMAL = Decimal(2**96 - 1)
_MAX_SHOWN = 10
_DEFAULTS_SHOWN = {"null": "None", "false": "False", "true": "True"}


@dataclass(frozen=True)
class Parameter:
    """``kind`` is the C# type's name; without a ``default`` text the parameter is required."""

    kind: str
    camel_name: str
    default: str | None

    @functools.cached_property
    def name(self) -> str:
        return snake_case(self.camel_name)

    @property
    def precedence(self) -> int:
        if self.kind in _ENUMS:
            return _ENUM_PRECEDENCE
        return _PRECEDENCE.get(self.kind.rstrip("?"), _OBJECT_PRECEDENCE)

    @property
    def shown(self) -> str:
        """The parameter in a hint: ``limit_price: float``."""
        text = f"{self.name}: {shown_type(self.kind)}"
        if self.default is None:
            return text
        return f"{text} = {_DEFAULTS_SHOWN.get(self.default, self.default)}"

    @property
    def value(self) -> Any:
        """The default's value."""
        assert self.default is not None
        if self.default.startswith('"'):
            return self.default.strip('"')
        return {"null": None, "false": False, "true": True}[self.default] if self.default.isalpha() else Decimal(0)


def shown_type(kind: str) -> str:
    """A C# type as pythonnet's hints name it."""
    if kind.endswith("?"):
        return f"Optional[{shown_type(kind[:-1])}]"
    inner = re.fullmatch(r"(?:List|IEnumerable)<(\w+)>", kind)
    if inner:
        return f"List[{shown_type(inner[1])}]"
    return "Any" if kind == "PyObject" else _SHOWN.get(kind, kind)


@dataclass(frozen=True)
class Overload:
    """One signature of a method, by its snake_case name."""

    method: str
    parameters: tuple[Parameter, ...]

    @property
    def precedence(self) -> int:
        return sum(parameter.precedence for parameter in self.parameters)

    @property
    def shown(self) -> str:
        return f"{self.method}({', '.join(parameter.shown for parameter in self.parameters)})"

    @property
    def takes_anything(self) -> bool:
        return any(parameter.kind == "PyObject" for parameter in self.parameters)


def parse(signature: str) -> Overload:
    """An overload from its C# declaration, ``MarketOrder(Symbol symbol, int quantity, bool asynchronous = false)``."""
    method, _, rest = signature.partition("(")
    parameters = []
    for text in filter(None, (part.strip() for part in rest.rstrip(")").split(","))):
        declared, _, default = text.partition(" = ")
        kind, name = declared.split()
        parameters.append(Parameter(kind, name, default or None))
    return Overload(snake_case(method), tuple(parameters))


# -- one value for one parameter ----------------------------------------------------------------------------------


def _is_clr(value: Any) -> bool:
    """Whether the value stands for a .NET object, which takes no part in conversions of Python values."""
    return any(cls.__module__.startswith("harness.embedded") for cls in type(value).__mro__)


class NoMatchError(Exception):
    """The value does not fit. A ``message`` takes the place of the text that no method matches."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message)
        self.message = message


def decimal_of(value: Any) -> Decimal:
    """A value for a ``decimal`` parameter: the text of it, parsed, so that ``"1.5"`` and numpy numbers will do.

    Raises ``NoMatchError``.
    """
    kind = type(value)
    if kind is Decimal or kind is int:
        exact = Decimal(value)
    elif _is_clr(value):
        point = getattr(value, "_exact", None)
        if not isinstance(point, Decimal):
            raise NoMatchError
        return point
    else:
        text = str(value)
        if not _NUMBER.fullmatch(text):
            raise NoMatchError
        text = text.strip().replace(",", "")
        exact = Decimal(f"{text[-1]}{text[:-1]}" if text[-1] in "+-" else text)
    if not exact.is_finite() or abs(exact) > _LARGEST_DECIMAL:
        raise NoMatchError
    # 96 bits and 28 places
    return exact if -28 <= exact.adjusted() - len(exact.as_tuple().digits) < 28 else clr.add(exact, clr.ZERO)


def double_of(value: Any) -> float:
    """A value for a ``double`` parameter. Raises ``NoMatchError``."""
    if isinstance(value, str | bytes) or value is None or _is_clr(value):
        raise NoMatchError
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise NoMatchError from None


def int_of(value: Any) -> int:
    """A value for an ``int`` parameter: whole floats will do, others are not cut. Raises ``NoMatchError``."""
    if _is_clr(value) and not hasattr(value, "get_most_recent_order_response"):
        raise NoMatchError
    is_float = isinstance(value, float) or (hasattr(value, "__float__") and not hasattr(value, "__index__"))
    try:
        if is_float and not isinstance(value, int) and not float(value).is_integer():
            raise NoMatchError
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        raise NoMatchError from None
    if number not in _INT_RANGE:
        raise NoMatchError
    return number


def safe_decimal(value: float) -> Decimal:
    """``double.SafeDecimalCast``: at most 15 digits. Raises ``ValueError`` for NaN and infinity."""
    if not math.isfinite(value):
        raise ValueError(
            f"It is not possible to cast a non-finite floating-point value ({clr.double_text(value)}) as decimal. "
            "Please review math operations and verify the result is valid. (Parameter 'input')"
        )
    if abs(value) >= float(_LARGEST_DECIMAL):
        return _LARGEST_DECIMAL.copy_sign(Decimal(value))
    return clr.decimal_from_double(value)


def _symbol(value: Any) -> Any:
    from harness.embedded.reference.symbols import SecurityIdentifier, Symbol, symbol_cache

    if value is None or isinstance(value, Symbol):
        return value
    if isinstance(value, str):
        found = symbol_cache.try_get_symbol(value)
        if found is not None:
            return found
        if "|" in value or " " in value:
            raise NoMatchError("Failed to implicitly convert System.String to QuantConnect.Symbol")
        return Symbol(SecurityIdentifier(value, 0), value)
    symbol = getattr(value, "symbol", None)
    if isinstance(symbol, Symbol) and hasattr(value, "holdings"):
        return symbol
    raise NoMatchError


def _list_of(kind: str, value: Any) -> list[Any]:
    if type(value) is not list and not (_is_clr(value) and hasattr(value, "__iter__")):
        raise NoMatchError
    return [_convert(kind, item) for item in value]


def _flag(value: Any) -> bool:
    if value is True or value is False:
        return value
    raise NoMatchError


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise NoMatchError


def _enumeration(kind: str, value: Any) -> Any:
    from harness.embedded import enums

    members: Any = getattr(enums, kind)
    if isinstance(value, members):
        return value
    try:
        return members(int_of(value))
    except ValueError:
        raise NoMatchError from None


def _function(value: Any) -> Any:
    if value is not None and not callable(value):
        raise NoMatchError
    return value


_CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "decimal": decimal_of,
    "double": double_of,
    "float": double_of,
    "int": int_of,
    "bool": _flag,
    "string": _text,
    "Symbol": _symbol,
    "Func": _function,
    "PyObject": lambda value: value,
}


def _convert(kind: str, value: Any) -> Any:
    """The value as this kind of parameter takes it. Raises ``NoMatchError``."""
    conversion = _CONVERSIONS.get(kind)
    if conversion is not None:
        return conversion(value)
    if kind.endswith("?"):
        return None if value is None else _convert(kind[:-1], value)
    inner = re.fullmatch(r"(?:List|IEnumerable)<(\w+)>", kind)
    if inner:
        return None if value is None else _list_of(inner[1], value)
    if kind in _ENUMS:
        return _enumeration(kind, value)
    if value is None or any(cls.__name__ == kind.removeprefix("I") for cls in type(value).__mro__):
        return value
    raise NoMatchError


def _is_implicit(kind: str, value: Any) -> bool:
    """Whether a value with an alias needs an implicit conversion for this kind. Raises ``NoMatchError`` for none."""
    alias = _ALIASES.get(type(value))
    if alias is None or alias == kind:
        return False
    plain = kind.rstrip("?")
    if type(value) is _PYTHON_TYPES.get(kind) or plain == alias or (plain in _ENUMS and alias == "int"):
        return False
    if (
        plain in ("decimal", "double")
        or (alias == "double" and plain == "int")
        or (alias == "string" and kind == "Symbol")
    ):
        return True
    raise NoMatchError


# -- the whole call -------------------------------------------------------------------------------------------------


class _Match(NamedTuple):
    overload: Overload
    implicit: int
    named: int
    precedence: int


# Python types whose values all reach the same overload, if they can be converted for it.
_CHOSEN_BY_TYPE = ("Symbol", "str", "int", "float", "bool", "NoneType")


class _Plan:
    """How to make the values for one overload from arguments of known types."""

    def __init__(self, overload: Overload, positional: int, named: dict[str, Any]) -> None:
        parameters = overload.parameters
        self._positional = [(p.name, _engine_conversion(p)) for p in parameters[:positional]]
        self._named = [(p.name, _engine_conversion(p)) for p in parameters[positional:] if p.name in named]
        self._defaults = {p.name: p.value for p in parameters[positional:] if p.name not in named}

    def values_of(self, args: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
        """Raises ``NoMatchError`` for a value that its type's conversion does not take."""
        values = dict(self._defaults)
        for (name, conversion), value in zip(self._positional, args, strict=True):
            values[name] = conversion(value)
        for name, conversion in self._named:
            values[name] = conversion(named[name])
        return values


def _engine_conversion(parameter: Parameter) -> Callable[[Any], Any]:
    """The conversion, numbers of quantities and shares to exact ones: Lean casts them all to ``decimal``."""
    kind = parameter.kind
    if kind in ("double", "float"):
        return lambda value: safe_decimal(double_of(value))
    if kind == "int" and parameter.name in _SIZES:
        return lambda value: Decimal(int_of(value))
    return _CONVERSIONS.get(kind) or functools.partial(_convert, kind)


_SIZES = ("quantity", "percentage")


class Binder:
    """The overloads of one method."""

    def __init__(self, signatures: tuple[str, ...]) -> None:
        self.overloads = sorted(map(parse, signatures), key=lambda overload: overload.precedence)
        self.method = self.overloads[0].method
        self._known: dict[Any, _Plan] = {}
        self._camel_names = {p.camel_name: p.name for overload in self.overloads for p in overload.parameters}

    def bind(self, args: tuple[Any, ...], named: dict[str, Any], camel_case: bool = False) -> dict[str, Any]:
        """Every parameter of the chosen overload by its snake_case name, numbers exact.

        Raises ``BindingError`` with pythonnet's text when no overload takes the arguments, ``ValueError`` for a float
        that is no number.
        """
        if camel_case and named:
            known_names = self._camel_names
            given, named = named, {known_names.get(name, f"{name} "): value for name, value in named.items()}
            if any(name not in known_names for name in given):
                raise self._error(args, given, None, known_names)
        key = (tuple(map(type, args)), tuple(named), tuple(map(type, named.values())))
        known = self._known.get(key)
        if known is not None:
            try:
                return known.values_of(args, named)
            except NoMatchError:
                pass
        matches: list[_Match] = []
        implicit: list[_Match] = []
        pending: str | None = None
        for overload in self.overloads:
            try:
                match = self._match(overload, args, named, not matches)
            except NoMatchError as no:
                pending = no.message
                continue
            if match is not None:
                (implicit if match.implicit else matches).append(match)
        best = min(matches or implicit, key=lambda m: (-m.named, m.implicit, m.precedence), default=None)
        if best is None:
            raise self._error(args, named, pending)
        plan = _Plan(best.overload, len(args), named)
        if all(kind.__name__ in _CHOSEN_BY_TYPE for kind in (*key[0], *key[2])):
            self._known[key] = plan
        return plan.values_of(args, named)

    def _match(
        self, overload: Overload, args: tuple[Any, ...], named: dict[str, Any], takes_implicit: bool
    ) -> _Match | None:
        parameters = overload.parameters
        if len(args) > len(parameters) or (len(args) == len(parameters) and named):
            return None
        names = [parameter.name for parameter in parameters]
        if any(name not in names for name in named):
            return None
        if any(p.default is None and p.name not in named for p in parameters[len(args) :]):
            return None
        implicit = matched = precedence = 0
        for index, parameter in enumerate(parameters):
            if index < len(args):
                value = args[index]
            elif parameter.name in named:
                value = named[parameter.name]
                matched += 1
            else:
                continue
            if len(self.overloads) > 1 and _is_implicit(parameter.kind, value):
                if not takes_implicit:
                    raise NoMatchError
                implicit += 1
            _convert(parameter.kind, value)
            precedence += parameter.precedence
        return _Match(overload, implicit, matched, precedence)

    # -- what is said when nothing fits -----------------------------------------------------------------------------

    def _error(
        self,
        args: tuple[Any, ...],
        named: dict[str, Any],
        pending: str | None,
        known_names: Iterable[str] | None = None,
    ) -> TypeError:
        if pending is not None:
            return BindingError(pending)
        if known_names is None:
            known_names = (parameter.name for overload in self.overloads for parameter in overload.parameters)
        text = f"No method matches given arguments for {self.method}: ({', '.join(map(_type_text, args))})"
        text += _unexpected_name(named, set(known_names))
        hint = self._overload_hint()
        if not text.endswith("?"):
            text += "."
        mismatch = self._mismatch(args, named)
        hint = f"{hint}\n{mismatch}" if mismatch else hint
        return BindingError(f"{text} {hint}")

    def _overload_hint(self) -> str:
        shown = [overload for overload in self.overloads if not overload.takes_anything] or self.overloads
        lines = list(dict.fromkeys(overload.shown for overload in shown))
        text = "The expected signature is:" if len(lines) == 1 else "The following overloads are available:"
        text += "".join(f"\n  {line}" for line in lines[:_MAX_SHOWN])
        return f"{text}\n  ... and {len(lines) - _MAX_SHOWN} more" if len(lines) > _MAX_SHOWN else text

    def _mismatch(self, args: tuple[Any, ...], named: dict[str, Any]) -> str:
        """The first argument that does not fit the overload that comes nearest."""
        best, text = -1, ""
        for overload in self.overloads:
            score = 0
            found = ""
            for index, (value, parameter) in enumerate(zip(args, overload.parameters, strict=False)):
                if not _fits(parameter.kind, value):
                    found = f"argument {index + 1} ('{parameter.name}') {_expected(parameter, value)}"
                    break
                score += 1
            if not found:
                by_name = {parameter.name: parameter for parameter in overload.parameters}
                for name, value in named.items():
                    if name not in by_name:
                        continue
                    if not _fits(by_name[name].kind, value):
                        found = f"keyword argument '{name}' {_expected(by_name[name], value)}"
                        break
                    score += 1
            if found and score > best:
                best, text = score, f"Argument mismatch: {found}"
        return text


def _unexpected_name(named: dict[str, Any], known: set[str]) -> str:
    name = next((name for name in named if name not in known), None)
    if name is None:
        return ""
    near = closest_name(name, known)
    return f". Got an unexpected keyword argument '{name}'" + (f". Did you mean '{near}'?" if near else "")


def _expected(parameter: Parameter, value: Any) -> str:
    return f"expected {shown_type(parameter.kind)}, got {_c_name(type(value))}."


def _c_name(kind: type) -> str:
    """The name in the C structure of a type, which has the module only where the type is not made at run time."""
    made_at_run_time = kind.__flags__ & (1 << 9)
    if made_at_run_time or kind.__module__ == "builtins":
        return kind.__name__
    return f"{kind.__module__}.{kind.__name__}"


def _fits(kind: str, value: Any) -> bool:
    if kind == "object":
        return True
    try:
        _is_implicit(kind, value)
        _convert(kind, value)
    except NoMatchError:
        return False
    return True


def _distance(left: str, right: str) -> int:
    """Levenshtein's."""
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(right, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]


def closest_name(name: str, names: set[str]) -> str | None:
    """The parameter that was probably meant: few edits away, or one name within the other."""
    near = []
    for candidate in names:
        distance = _distance(name, candidate)
        low, other = name.lower(), candidate.lower()
        within = min(len(low), len(other)) >= 3 and (low in other or other in low)
        if distance <= max(2, len(name) // 3) or within:
            near.append((distance, candidate))
    return min(near)[1] if near else None


_CLR_NAMES = {
    "Symbol": "QuantConnect.Symbol",
    "Equity": "QuantConnect.Securities.Equity.Equity",
    "EquityHolding": "QuantConnect.Securities.Equity.EquityHolding",
    "OrderTicket": "QuantConnect.Orders.OrderTicket",
    "PortfolioTarget": "QuantConnect.Algorithm.Framework.Portfolio.PortfolioTarget",
    "TradeBar": "QuantConnect.Data.Market.TradeBar",
    "QuoteBar": "QuantConnect.Data.Market.QuoteBar",
    "Slice": "QuantConnect.Data.Slice",
    "IndicatorDataPoint": "QuantConnect.Indicators.IndicatorDataPoint",
    "Resolution": "QuantConnect.Resolution",
}


def _type_text(value: Any) -> str:
    kind = type(value)
    module = kind.__module__
    if not module.startswith("harness.embedded"):
        return str(kind)
    space = "Indicators" if ".indicators" in module else "Orders" if ".orders" in module else ""
    name = _CLR_NAMES.get(kind.__name__) or ".".join(filter(None, ("QuantConnect", space, kind.__name__)))
    return f"<class '{name}'>"


def symbols_of(selection: Any) -> Iterator[Any]:
    """The symbols meant by one of any type, or a list. Source: Lean's ``ConvertToSymbolEnumerable``.

    As there, one after the other: what comes before an unknown ticker is used before it is found, and once more when
    the whole list is converted after that. Raises ``ValueError`` for what is no symbol.
    """
    from harness.embedded.reference.symbols import SymbolError, symbol_cache

    error: Exception
    try:
        for item in selection if type(selection) is list else [selection]:
            if isinstance(item, str):
                yield symbol_cache.get_symbol(item)
                continue
            try:
                symbol = _symbol(item)
            except NoMatchError:
                raise ValueError(
                    f"Argument type should be Symbol or a list of Symbol. Object: {item}. Type: {_type_text(item)}"
                ) from None
            if symbol is not None or type(selection) is list:
                yield symbol
        return
    except (SymbolError, ValueError) as wrong:
        error = wrong
    try:
        symbols = _list_of("Symbol", selection)
    except NoMatchError:
        raise error from None
    yield from symbols


def clr_call(*signatures: str) -> Callable[[F], Any]:
    """Decorates a method's body: calls are bound to ``signatures`` first, then given to the body by name."""
    binder = Binder(signatures)

    def decorate(body: F) -> Any:
        @functools.wraps(body)
        def call(self: Any, *args: Any, **named: Any) -> Any:
            return body(self, **binder.bind(args, named))

        @functools.wraps(body)
        def pascal(self: Any, *args: Any, **named: Any) -> Any:
            return body(self, **binder.bind(args, named, camel_case=True))

        call.under_pascal_case = pascal  # type: ignore[attr-defined]
        return call

    return decorate


def sized(signature: str, kinds: tuple[str, ...] = ("int", "double", "decimal")) -> tuple[str, ...]:
    """The overloads of a method that differ in one number's type, written ``{}``."""
    return tuple(signature.format(kind) for kind in kinds)


__all__ = ["Binder", "BindingError", "clr_call", "sized", "symbols_of"]
