"""The text of an error in user code, as Lean reports it.

Source of the rules: Lean's exception interpreters (``Common/Exceptions``) and ``PythonUtil``: the message, then the
frames of the user's own files as ``  at <function>`` with the source line, then file and line.
"""

from __future__ import annotations

import re
import traceback
from pathlib import Path
from types import TracebackType

from harness.embedded.not_supported import NotSupportedError


def _between(text: str, first: str, last: str) -> str:
    start = text.find(first)
    end = text.rfind(last)
    return text[start + 1 : end] if 0 <= start < end else ""


def message_of(error: BaseException) -> str:
    """First line of the error, reworded where Lean rewords it."""
    text = str(error)
    if isinstance(error, NotSupportedError):
        return text
    for reword in _REWORDINGS:
        message = reword(error, text)
        if message is not None:
            return message
    if " value cannot be converted to " in text:
        return text + _NAME_CLASH
    return text


def _other_bar(error: BaseException, text: str) -> str | None:
    found = re.search(r"'(\w+)' object has no attribute '(\w+)'", text) if isinstance(error, AttributeError) else None
    if found is None:
        return None
    kind, attribute = found.groups()
    plain = attribute.replace("_", "").lower()
    if kind == "QuoteBar" and plain == "volume":
        return (
            f"{text.strip()} QuoteBar holds quote data (bid/ask bars and sizes) and has no '{attribute}': trade data "
            "like volume comes with TradeBar. Use data.bars.get(symbol) for the TradeBar, and note that data[symbol] "
            "returns a QuoteBar when only quote data exists at that moment (common for forex, futures and crypto)."
        )
    if kind == "TradeBar" and plain in _QUOTE_FIELDS:
        return (
            f"{text.strip()} TradeBar holds trade data (open/high/low/close/volume) and has no '{attribute}': bid/ask "
            "quotes come with QuoteBar. Use data.quote_bars.get(symbol) for the QuoteBar."
        )
    return None


def _date_comparison(_error: BaseException, text: str) -> str | None:
    if "can't compare datetime.datetime to datetime.date" not in text:
        return None
    return (
        "Trying to compare 'datetime.datetime' and 'datetime.date' objects throws a TypeError exception. To prevent "
        "the exception, compare using the date part of the datetime value, e.g.: self.time.date() <= some_date."
    )


def _bad_token(_error: BaseException, text: str) -> str | None:
    if "invalid token" not in text.lower() and "are not permitted;" not in text.lower():
        return None
    where = _between(text, "(", ")")
    return (
        "Trying to include an invalid token/character in any statement throws a SyntaxError exception. To prevent "
        f"the exception, ensure no invalid token are mistakenly included (e.g: leading zero).\n  in {where}\n"
    )


def _missing_key(error: BaseException, text: str) -> str | None:
    # The engine's own exceptions stand for .NET's, which Lean does not reword.
    if not isinstance(error, KeyError) or type(error).__module__.startswith("harness."):
        return None
    key = str(error.args[0]) if error.args else ""
    if not key.strip():
        key = _between(text, "[", "]") if "[" in text else _between(text, "'", "'")
    asked = f"The key '{key}'" if key.strip() else "The requested key"
    return (
        f"{asked} was not found in the collection, which raises a KeyError exception. To prevent the exception, "
        "use collection.get(key), which returns None when the key is not found, or guard the access with "
        "'if key in collection:'."
    )


def _missing_module(error: BaseException, text: str) -> str | None:
    if type(error).__name__.lower() != "modulenotfounderror":
        return None
    name = _between(text, "'", "'")
    message = f"No module named '{name}'. If it is a Python package, ensure it is installed in the environment."
    if re.fullmatch(r"[A-Z][a-zA-Z0-9]*(\.[A-Z][a-zA-Z0-9]*)*", name) and any(letter.islower() for letter in name):
        message += " If it is a .NET assembly, importing it is not supported, use an equivalent Python package instead."
    return message


def _no_method(_error: BaseException, text: str) -> str | None:
    if "No method match" not in text:
        return None
    _, found, rest = text.partition("for ")
    method = rest.partition(":")[0].strip() if found else text.strip()
    message = (
        "Trying to dynamically access a method that does not exist throws a TypeError exception. To prevent the "
        f"exception, ensure each parameter type matches those required by the {method} method. Please checkout the "
        "API documentation."
    )
    for marker in ("The expected signature is:", "The following overloads are available:"):
        if marker in text:
            return f"{message} {text[text.index(marker) :].strip()}"
    return message


def _operand_types(_error: BaseException, text: str) -> str | None:
    if "unsupported operand type" not in text or ":" not in text:
        return None
    types = text.split(":")[1].strip()
    message = (
        "Trying to perform a summation, subtraction, multiplication or division between "
        f"{types} objects throws a TypeError exception. To prevent the exception, ensure that both values share "
        "the same type."
    )
    if "'datetime.datetime'" in types and "'datetime.date'" in types:
        message += (
            " To operate between them, use the date part of the datetime value, e.g.: (expiry.date() - today).days or "
            "self.time.date()."
        )
    return message


# In the order in which Lean asks its interpreters: by name.
_REWORDINGS = (_other_bar, _date_comparison, _bad_token, _missing_key, _missing_module, _no_method, _operand_types)
_QUOTE_FIELDS = ("bid", "ask", "bidprice", "askprice", "bidsize", "asksize", "lastbidsize", "lastasksize")
_NAME_CLASH = (
    ": This error is often encountered when assigning to a member defined in the base QCAlgorithm class. For example, "
    "self.universe conflicts with 'QCAlgorithm.Universe' but can be fixed by prefixing private variables with an "
    "underscore, self._universe."
)


def stack_of(error: BaseException, user_folder: Path) -> str:
    """The user's frames, innermost last, in Lean's layout."""
    lines = []
    for frame in _user_frames(error.__traceback__, user_folder):
        lines.append(f"  at {frame.name}\n    {frame.line}\n in {Path(frame.filename).name}: line {frame.lineno}\n")
    return "".join(lines)


def _user_frames(trace: TracebackType | None, user_folder: Path) -> list[traceback.FrameSummary]:
    root = str(user_folder)
    return [frame for frame in traceback.extract_tb(trace) if frame.filename.startswith(root)]


def describe(error: BaseException, user_folder: Path) -> str:
    """Message and frames, as ``state.RuntimeError`` shows them."""
    if isinstance(error, NotSupportedError):
        return message_of(error)
    return f"{message_of(error)}\n{stack_of(error, user_folder)}"
