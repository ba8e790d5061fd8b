"""The text of an error in user code, as Lean reports it.

Source of the rules: Lean's exception interpreters (``Common/Exceptions``) and ``PythonUtil``: the message, then the
frames of the user's own files as ``  at <function>`` with the source line, then file and line.
"""

from __future__ import annotations

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
    if isinstance(error, KeyError) and type(error) is KeyError:
        key = _between(text, "'", "'") if "'" in text else text
        asked = f"The key '{key}'" if key.strip() else "The requested key"
        return (
            f"{asked} was not found in the collection, which raises a KeyError exception. To prevent the exception, "
            "use collection.get(key), which returns None when the key is not found, or guard the access with "
            "'if key in collection:'."
        )
    if isinstance(error, TypeError) and "unsupported operand type" in text and ":" in text:
        types = text.split(":")[1].strip()
        return (
            "Trying to perform a summation, subtraction, multiplication or division between "
            f"{types} objects throws a TypeError exception. To prevent the exception, ensure that both values share "
            "the same type."
        )
    if isinstance(error, ModuleNotFoundError):
        name = _between(text, "'", "'")
        return f"No module named '{name}'. If it is a Python package, ensure it is installed in the environment."
    if isinstance(error, SyntaxError) and ("invalid token" in text or "are not permitted;" in text):
        where = _between(text, "(", ")")
        return (
            "Trying to include an invalid token/character in any statement throws a SyntaxError exception. To prevent "
            f"the exception, ensure no invalid token are mistakenly included (e.g: leading zero).\n  in {where}\n"
        )
    return text


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
