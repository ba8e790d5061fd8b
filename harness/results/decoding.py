"""JSON values as they were written: decimals stay decimals, a failed decode names the file."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, TypeVar, cast

import msgspec

from harness.errors import DamagedError

T = TypeVar("T")

_exact = msgspec.json.Decoder(float_hook=Decimal)
_plain = msgspec.json.Decoder()
_typed: dict[Any, msgspec.json.Decoder[Any]] = {}


def decode_exact(raw: bytes | memoryview | msgspec.Raw, where: object) -> Any:
    """``raw`` as Python objects with every number that has a fraction or exponent as ``Decimal`` of its own text.

    ``where`` (a path, perhaps with a section) goes into the ``DamagedError`` of input that is not JSON.
    """
    try:
        return _exact.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise damaged(where, error) from error


def decode_plain(raw: bytes | memoryview | msgspec.Raw, where: object) -> Any:
    """``raw`` as ``json.loads`` would give it (floats as ``float``). Errors as :func:`decode_exact`."""
    try:
        return _plain.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise damaged(where, error) from error


def decode_typed(raw: bytes | memoryview | msgspec.Raw, kind: type[T], where: object) -> T:
    """``raw`` as ``kind`` (a ``msgspec.Struct``, a container of them); unknown fields are skipped undecoded."""
    decoder = _typed.get(kind)
    if decoder is None:
        decoder = _typed[kind] = msgspec.json.Decoder(kind)
    try:
        return cast(T, decoder.decode(raw))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise damaged(where, error) from error


def damaged(where: object, error: BaseException) -> DamagedError:
    """The error for content that does not decode: what, where, what to do."""
    return DamagedError(f"{where}: {error}; the file is damaged or half-written, run the backtest again")
