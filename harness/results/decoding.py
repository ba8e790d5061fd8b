"""JSON values as they were written: decimals stay decimals, a failed decode names the file."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import msgspec

from harness.errors import DamagedError

T = TypeVar("T")

LARGE_BYTES = 1 << 20

_exact = msgspec.json.Decoder(float_hook=Decimal)
_plain = msgspec.json.Decoder()
_typed: dict[Any, msgspec.json.Decoder[Any]] = {}


def decode_exact(raw: bytes | memoryview | msgspec.Raw, where: object) -> Any:
    """``raw`` as Python objects with every number that has a fraction or exponent as ``Decimal`` of its own text.

    ``where`` (a path, perhaps with a section) goes into the ``DamagedError`` of input that is not JSON.
    """
    try:
        with _collector_paused(raw):
            return _exact.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise damaged(where, error) from error
    except InvalidOperation as error:
        raise damaged(where, ValueError("a number has an exponent beyond all bounds")) from error


def decode_plain(raw: bytes | memoryview | msgspec.Raw, where: object) -> Any:
    """``raw`` as ``json.loads`` would give it (floats as ``float``). Errors as :func:`decode_exact`."""
    try:
        with _collector_paused(raw):
            return _plain.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise damaged(where, error) from error


def decode_typed(raw: bytes | memoryview | msgspec.Raw, kind: type[T], where: object) -> T:
    """``raw`` as ``kind`` (a ``msgspec.Struct``, a container of them); unknown fields are skipped undecoded."""
    decoder = _typed.get(kind)
    if decoder is None:
        decoder = _typed[kind] = msgspec.json.Decoder(kind)
    try:
        with _collector_paused(raw):
            value: T = decoder.decode(raw)
            return value
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise damaged(where, error) from error


_pause_lock = threading.Lock()
_pauses = 0
_was_enabled = False


@contextmanager
def _collector_paused(raw: bytes | memoryview | msgspec.Raw) -> Iterator[None]:
    """Without the cyclic garbage collector while a large text is decoded.

    A decoded document has no cycles, but each few hundred new containers would start a search for some: half of the
    time of a 50 MB document.
    """
    global _pauses, _was_enabled
    if len(memoryview(raw)) < LARGE_BYTES:
        yield
        return
    with _pause_lock:
        if _pauses == 0:
            _was_enabled = gc.isenabled()
            gc.disable()
        _pauses += 1
    try:
        yield
    finally:
        with _pause_lock:
            _pauses -= 1
            if _pauses == 0 and _was_enabled:
                if gc.get_freeze_count() == 0:
                    # Hands the new objects to the oldest generation, so that the next small allocation does not
                    # search them all at once.
                    gc.freeze()
                    gc.unfreeze()
                gc.enable()


def damaged(where: object, error: BaseException) -> DamagedError:
    """The error for content that does not decode: what, where, what to do."""
    return DamagedError(f"{where}: {error}; the file is damaged or half-written, run the backtest again")
