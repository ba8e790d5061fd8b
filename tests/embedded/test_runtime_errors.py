"""The first line of a runtime error, by the rules of Lean's exception interpreters."""

from __future__ import annotations

import pytest

from harness.embedded.data import KeyNotFoundException
from harness.embedded.not_supported import NotSupportedError
from harness.embedded.runtime_errors import message_of


def test_the_key_is_named_as_its_own_text() -> None:
    """``KeyErrorPythonExceptionInterpreter`` reads the key from the exception's first argument."""
    for key in ("abc", 5, (1, 2)):
        assert message_of(KeyError(key)).startswith(f"The key '{key}' was not found in the collection, which raises")
    assert message_of(KeyError()).startswith("The requested key was not found")
    assert message_of(KeyNotFoundException("as .NET words it")) == "as .NET words it"


@pytest.mark.parametrize(
    ("error", "start"),
    [
        (
            AttributeError("'TradeBar' object has no attribute 'bid'"),
            "'TradeBar' object has no attribute 'bid' Trade",
        ),
        (AttributeError("'TradeBar' object has no attribute 'foo'"), "'TradeBar' object has no attribute 'foo'"),
        (
            AttributeError("'QuoteBar' object has no attribute 'Volume'"),
            "'QuoteBar' object has no attribute 'Volume' Q",
        ),
        (TypeError("can't compare datetime.datetime to datetime.date"), "Trying to compare 'datetime.datetime' and"),
        (ValueError("what an invalid token (x)"), "Trying to include an invalid token/character in any statement"),
        (ModuleNotFoundError("No module named 'nope'"), "No module named 'nope'. If it is a Python package"),
        (ValueError("plain"), "plain"),
        (ValueError(), ""),
    ],
)
def test_rewordings(error: Exception, start: str) -> None:
    """Each by the interpreter of its name in Lean's ``Common/Exceptions``; all else keeps its text."""
    assert message_of(error).startswith(start)


def test_operand_types_of_dates_get_a_hint() -> None:
    """``UnsupportedOperandPythonExceptionInterpreter``."""
    text = "unsupported operand type(s) for -: 'datetime.datetime' and 'datetime.date'"
    assert message_of(TypeError(text)).endswith("e.g.: (expiry.date() - today).days or self.time.date().")
    assert message_of(TypeError("unsupported operand type(s) for +: 'int' and 'str'")).endswith("share the same type.")


def test_a_refusal_keeps_its_text() -> None:
    error = NotSupportedError("Thing.member")
    assert message_of(error) == str(error)
