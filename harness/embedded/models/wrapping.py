"""How user code's own models are reached. Source: Lean's ``BasePythonWrapper`` and ``PythonUtil``.

A model from this package answers the engine itself. Anything else (a Python class, derived from one of this package's
or not) is wrapped: a method that user code defines is called and its answer converted; one that it inherits runs as
the base class has it, which, as in Lean, does not come back to user code's overrides.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from harness.embedded.clr import from_python
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


def exact_value(answer: Any) -> Decimal:
    """The number in an answer that is either a number or an object with an exact ``_value``."""
    value = getattr(answer, "_value", None)
    return value if isinstance(value, Decimal) else from_python(answer)
