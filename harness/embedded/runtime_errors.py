"""The text of an error in user code, as Lean reports it.

Source of the rules: Lean's exception interpreters (``Common/Exceptions``), ``PythonUtil`` (``Common/Util``) and
``PythonException``/``ClrBubbledException`` of QuantConnect's pythonnet fork. An error is a message and the Python
frames it went through, innermost first, each as ``  at <function and source lines>`` and ``in <file>: line <n>``. What
the engine itself raises stands for an exception of .NET: its message is shown as it is. What Python raises is reworded
where one of the interpreters knows it.
"""

from __future__ import annotations

import dis
import os
import re
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, TracebackType

from harness.embedded.not_supported import NotSupportedError
from harness.embedded.uncovered import MissingMemberError

_ENGINE = f"{Path(__file__).parent}{os.sep}"
_LIBRARY = f"{Path(os.__file__).parent}{os.sep}"
_Reword = Callable[[BaseException, str], str | None]
_FRAME = re.compile(r'"(.+)", line (\d+), in (.+)', re.DOTALL)


def _between(text: str, first: str, last: str) -> str:
    start = text.find(first)
    end = text.rfind(last)
    return text[start + 1 : end] if 0 <= start < end else ""


USER_ERRORS = (Exception, SystemExit)
"""What ends a run as an error in user code: all but the interruption of the whole process. ``sys.exit`` is one."""


class BindingError(TypeError):
    """What pythonnet raises itself: an error of Python, so Lean's interpreters of those see it."""


class MappedKeyError(KeyError):
    """A missing key of a data frame: Lean's own Python raises it, so it is interpreted like an error of user code."""


MappedKeyError.__name__ = MappedKeyError.__qualname__ = "KeyError"


class OutsidePythonError(ValueError):
    """An error that Lean's engine raises with no Python frame below it.

    ``place`` is its file and line in Lean, which ``SystemExceptionInterpreter`` shows.
    """

    def __init__(self, message: str, place: str) -> None:
        super().__init__(message)
        self.place = place


def message_of(error: BaseException) -> str:
    """The error's message without its frames, reworded where Lean rewords it."""
    return _message_and_reword(error)[0]


def _message_and_reword(error: BaseException) -> tuple[str, _Reword | None]:
    if isinstance(error, NotSupportedError) or is_engines_own(error):
        return str(error), None
    text = raw_message(error)
    for reword in _REWORDINGS:
        message = reword(error, text)
        if message is not None:
            return message, reword
    if " value cannot be converted to " in text and not re.search(r"line \d+", text):
        text += _NAME_CLASH
    return text, None


def is_engines_own(error: BaseException) -> bool:
    """Whether the engine raised it, where Lean's C# would have: not Python, and not a member that is missing."""
    if isinstance(error, MissingMemberError | BindingError | MappedKeyError):
        return False
    if type(error).__module__.startswith("harness."):
        return True
    innermost = None
    for frame, _ in traceback.walk_tb(error.__traceback__):
        innermost = frame.f_code.co_filename
    return innermost is not None and innermost.startswith(_ENGINE)


def raw_message(error: BaseException) -> str:
    """What pythonnet takes for the message: the text of the error's value, its type's name where there is none."""
    text = str(error)
    if isinstance(error, SyntaxError) and error.text is not None and error.text.strip():
        # PythonException.TryGetSyntaxErrorText: the offending line comes after the message.
        return f"{text}: {error.text.strip()}"
    if _has_no_value(error):
        return type(error).__name__
    if isinstance(error, KeyError) and _is_raised_in_c(error):
        # Python 3.11 makes no instance of an error of its own before something handles it: the value is a tuple.
        return str(error.args)
    return text


def _has_no_value(error: BaseException) -> bool:
    """``sys.exit()``, ``MemoryError`` and such, raised by the interpreter without a value."""
    return not error.args and isinstance(error, SystemExit | MemoryError | StopIteration) and _is_raised_in_c(error)


def _is_raised_in_c(error: BaseException) -> bool:
    """Whether C code raised it and nothing on its way out, such as a ``with`` or a ``finally``, has handled it."""
    if error.__context__ is not None:
        return False
    last: TracebackType | None = None
    trace = error.__traceback__
    while trace is not None:
        if not trace.tb_frame.f_code.co_filename.startswith(_ENGINE):
            if _is_guarded(trace.tb_frame.f_code, trace.tb_lasti):
                return False
            last = trace
        trace = trace.tb_next
    if last is None:
        return False
    code = last.tb_frame.f_code.co_code
    return dis.opname[code[last.tb_lasti]] not in ("RAISE_VARARGS", "RERAISE")


def _is_guarded(code: CodeType, instruction: int) -> bool:
    entries = getattr(dis, "_parse_exception_table", None)
    if entries is None:
        return False
    return any(entry.start <= instruction < entry.end for entry in entries(code))


def header_of(error: BaseException) -> str:
    """Message with frames, then the message of every exception inside it (``GetExceptionMessageHeader``)."""
    if isinstance(error, NotSupportedError):
        return str(error)
    return " ".join([interpreted(error), *_inner_messages(error)])


def _inner_messages(error: BaseException) -> Iterator[str]:
    if is_engines_own(error):
        yield str(error)
        return
    inner: BaseException | None = error
    while inner is not None:
        if is_engines_own(inner):
            # The exception that pythonnet wraps around .NET's, and .NET's.
            yield str(inner)
            yield str(inner)
            return
        yield raw_message(inner)
        inner = inner.__cause__


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
    if "keyerror" not in type(error).__name__.lower():
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


def _several_bases(_error: BaseException, text: str) -> str | None:
    if "cannot use multiple inheritance with managed classes" not in text:
        return None
    return (
        "A Python class cannot inherit from multiple classes when one of them is a C# class, like QCAlgorithm. Keep "
        "the C# class as the only base and move the other bases' members into helper classes used via composition "
        "(e.g. self._helper = MyHelper())."
    )


# In the order in which Lean asks its interpreters: by name.
_REWORDINGS = (
    _other_bar,
    _date_comparison,
    _bad_token,
    _missing_key,
    _missing_module,
    _several_bases,
    _no_method,
    _operand_types,
)
_QUOTE_FIELDS = ("bid", "ask", "bidprice", "askprice", "bidsize", "asksize", "lastbidsize", "lastasksize")
_NAME_CLASH = (
    ": This error is often encountered when assigning to a member defined in the base QCAlgorithm class. For example, "
    "self.universe conflicts with 'QCAlgorithm.Universe' but can be fixed by prefixing private variables with an "
    "underscore, self._universe."
)


def stack_of(error: BaseException) -> str:
    """The Python frames, innermost first, in Lean's layout; "" for none."""
    summary = traceback.StackSummary.from_list(list(_frames(error.__traceback__)))
    text = "".join(reversed(summary.format()))
    blocks = []
    for block in text.split("  File "):
        match = _FRAME.search(block.strip())
        if match is None:
            continue
        path, line, place = match.groups()
        cut = max(path.rfind("/"), path.rfind("\\"))
        if cut < 0:
            continue
        name = path[cut + 1 :]
        blocks.append(f"  at {place.strip()}\n in {name}: line {line}")
    return "\n" + "\n".join(blocks) + "\n" if blocks else ""


def _frames(trace: TracebackType | None) -> Iterator[traceback.FrameSummary]:
    """The frames of user code and of the libraries that it calls; the engine, and what it calls, is .NET in Lean."""
    inside_engine = True
    for frame in traceback.extract_tb(trace):
        if frame.filename.startswith(_ENGINE):
            inside_engine = True
        elif inside_engine and _is_library(frame.filename):
            continue
        else:
            inside_engine = False
            yield frame


def _is_library(path: str) -> bool:
    return path.startswith(("<", _LIBRARY)) or "site-packages" in path or "dist-packages" in path


def interpreted(error: BaseException) -> str:
    """Message and frames, as ``state.RuntimeError`` shows them."""
    if isinstance(error, OutsidePythonError):
        return f"{error} in {error.place}"
    message, reword = _message_and_reword(error)
    # The interpreter of bad tokens is the one that leaves the frames out.
    return message if isinstance(error, NotSupportedError) or reword is _bad_token else message + stack_of(error)
