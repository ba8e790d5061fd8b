"""How user code's own models are reached. Source: Lean's ``BasePythonWrapper`` and ``PythonUtil``.

A model from this package answers the engine itself. Anything else (a Python class, derived from one of this package's
or not) is wrapped: a method that user code defines is called and its answer converted; one that it inherits runs as
the base class has it, which, as in Lean, does not come back to user code's overrides.
"""

from __future__ import annotations

import dis
from decimal import Decimal
from typing import Any, TypeVar

from harness.embedded import binding
from harness.embedded.model_errors import InvalidAnswerError, InvalidReturnTypeError, NullReferenceError
from harness.embedded.naming import pascal_case, snake_case


def is_engine_class(model: object) -> bool:
    """Whether the object's class is this package's own, so that it needs no wrapper."""
    return type(model).__module__.startswith("harness.embedded.")


def has_engine_base(model: object) -> bool:
    return any(cls.__module__.startswith("harness.embedded.") for cls in type(model).__mro__)


def require(model: object, interface: str, names: tuple[str, ...]) -> None:
    """Raise as Lean does when a plain Python class leaves out a method of the interface it stands for."""
    if has_engine_base(model):
        return
    names = tuple(pascal_case(name) for name in names)
    missing = [name for name in names if not hasattr(model, name) and not hasattr(model, snake_case(name))]
    if missing:
        raise NotImplementedError(
            f"{interface} must be fully implemented. Please implement these missing methods on "
            f"{type(model).__name__}: {', '.join(missing)}"
        )


T = TypeVar("T")


def exact_value(answer: Any, method: str, expected: str = "Decimal") -> Decimal:
    """The number in an answer that is a number, or an object of the ``expected`` class with an exact ``_value``.

    Raises ``InvalidReturnTypeError``.
    """
    value = getattr(answer, "_value", None)
    if isinstance(value, Decimal) and expected != "Decimal":
        return value
    try:
        return binding.decimal_of(answer)
    except binding.NoMatchError:
        if answer is None and expected != "Decimal":
            raise NullReferenceError from None
        raise InvalidReturnTypeError(method, expected, answer) from None


def truth(answer: Any, method: str) -> bool:
    """An answer that Lean declares as ``bool``. Raises ``InvalidReturnTypeError``."""
    if answer is True or answer is False:
        return answer
    raise InvalidReturnTypeError(method, "Boolean", answer)


def instance(answer: Any, kind: type[T], method: str) -> T:
    """An answer of a class. Raises ``InvalidReturnTypeError``; ``NullReferenceError`` for ``None``, when it is used."""
    if isinstance(answer, kind):
        return answer
    if answer is None:
        raise NullReferenceError
    raise InvalidReturnTypeError(method, kind.__name__, answer)


def with_out_parameter(answer: Any, method: str) -> tuple[Any, Any]:
    """The answer of a method that has one ``out`` parameter in C#. Raises ``InvalidAnswerError`` for others."""
    if not isinstance(answer, tuple):
        raise InvalidAnswerError(
            f"Invalid return type from method '{method}'. Expected a tuple type but was '{type(answer).__name__}'. The "
            "tuple must contain the return value as the first item, with the remaining ones being the out parameters."
        )
    if len(answer) < 2:
        raise InvalidAnswerError(
            f"Invalid return type from method '{method}'. Expected a tuple with at least '2' items but only "
            f"'{len(answer)}' were returned. The tuple must contain the return value as the first item, with the "
            "remaining ones being the out parameters."
        )
    return answer[0], answer[1]


def message_of_raised(error: BaseException) -> str:
    """``Exception.Message`` of an error that came out of a model.

    A ``KeyError`` of the interpreter's own has the key alone for its value until someone makes it an exception.
    """
    if type(error) is KeyError and len(error.args) == 1 and not _was_raised_by_statement(error):
        return str(error.args[0])
    return str(error)


def _was_raised_by_statement(error: BaseException) -> bool:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return True
    return trace.tb_frame.f_code.co_code[trace.tb_lasti] in (dis.opmap["RAISE_VARARGS"], dis.opmap["RERAISE"])
