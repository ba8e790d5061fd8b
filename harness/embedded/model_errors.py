"""Errors of user code's models and of ``null``. Source: Lean's ``BasePythonWrapper`` and its messages."""

from __future__ import annotations


class ModelError(Exception):
    """What Lean's side of a model makes of user code's answer: no fault of the engine's."""


class NullReferenceError(ModelError, RuntimeError):
    """A member of .NET's ``null`` was asked for; ``None`` stands for every object of a class."""

    def __init__(self) -> None:
        super().__init__("Object reference not set to an instance of an object.")


class InvalidAnswerError(ModelError, ValueError):
    """A tuple that does not have the parts it needs."""


class InvalidReturnTypeError(ModelError, TypeError):
    """User code's method gave something that cannot be converted to what Lean's interface declares."""

    def __init__(self, method: str, expected: str, answer: object) -> None:
        super().__init__(
            f"Invalid return type from method '{method}'. Expected a type convertible to '{expected}' but was "
            f"'{type(answer).__name__}'"
        )


def is_of_user_code(error: BaseException) -> bool:
    """Whether code outside this package has to do with an error: an engine's fault must not pass for a user's."""
    if isinstance(error, ModelError) or _is_refused_call(error):
        return True
    trace = error.__traceback__
    while trace is not None:
        if not str(trace.tb_frame.f_globals.get("__name__", "")).startswith("harness."):
            return True
        trace = trace.tb_next
    return False


def _is_refused_call(error: BaseException) -> bool:
    """Whether Python could not give a function of user code the arguments of a call: its code has no frame then."""
    trace = error.__traceback__
    if not isinstance(error, TypeError) or trace is None:
        return False
    while trace.tb_next is not None:
        trace = trace.tb_next
    return any(
        str(error).startswith(f"{getattr(value, '__qualname__', '')}() ")
        and not str(getattr(value, "__module__", "harness.")).startswith("harness.")
        for value in trace.tb_frame.f_locals.values()
    )
