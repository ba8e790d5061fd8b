"""Tickers as keys of data frames: what Lean does to pandas when its first frame is made.

Source of the rules: Lean's ``Common/PandasMapper.py``. A ticker, printed identifier or list of them is looked for as
the symbol it stands for and, where that is not found, as it was written. A key found neither way raises a ``KeyError``
that names both.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pandas as pd

from harness.embedded.reference.symbols import Symbol, symbol_cache
from harness.embedded.runtime_errors import MappedKeyError

_Function = Callable[..., Any]
_installed = False


def mapped(key: Any) -> Any:
    """``key`` with the tickers in it, and in tuples, lists and values of dictionaries, replaced by their symbols."""
    kind = type(key)
    if kind is str:
        symbol = symbol_cache.try_get_symbol(key)
        return key if symbol is None else symbol
    if kind is tuple:
        return tuple(mapped(part) for part in key)
    if kind is list:
        return [mapped(part) for part in key]
    if kind is dict:
        return {name: mapped(value) for name, value in key.items()}
    return key


def _names(arguments: tuple[Any, ...]) -> list[str]:
    return [str(argument) for argument in arguments if isinstance(argument, str | Symbol)]


def _selecting(original: _Function) -> _Function:
    """A function that raises ``KeyError`` for a key it does not find."""

    @functools.wraps(original)
    def select(*arguments: Any, **named: Any) -> Any:
        other = mapped(arguments) if len(arguments) > 1 else arguments
        try:
            return original(*other, **mapped(named))
        except KeyError:
            pass
        try:
            return original(*arguments, **named)
        except KeyError:
            raise MappedKeyError(
                f"No key found for either mapped or original key. Mapped Key: {_names(other)}; "
                f"Original Key: {_names(arguments)}"
            ) from None

    return select


def _answering(original: _Function) -> _Function:
    """A function that says whether there is a key."""

    @functools.wraps(original)
    def answer(*arguments: Any, **named: Any) -> Any:
        return original(*arguments, **named) or original(*mapped(arguments), **mapped(named))

    return answer


def install() -> None:
    """Let tickers select, in all frames of this process."""
    global _installed
    if _installed:
        return
    _installed = True
    indexing: Any = pd.core.indexing  # type: ignore[attr-defined]
    owners: tuple[Any, ...] = (indexing._LocationIndexer, indexing._ScalarAccessIndexer, pd.DataFrame)
    for owner in owners:
        owner.__getitem__ = _selecting(owner.__getitem__)
    index: Any = pd.Index
    index.get_loc = _selecting(index.get_loc)
    index.__contains__ = _answering(index.__contains__)
