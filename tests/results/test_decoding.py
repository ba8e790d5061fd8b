"""Decoding JSON values: numbers as written, one message for whatever is not JSON, and the garbage collector."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from harness.errors import DamagedError
from harness.results import decoding
from harness.results.decoding import LARGE_BYTES, damaged, decode_exact, decode_plain, decode_typed

DECODERS: list[Callable[[Any, object], Any]] = [
    decode_exact,
    decode_plain,
    lambda raw, where: decode_typed(raw, dict[str, Any], where),
]


class Point(msgspec.Struct):
    x: Decimal
    y: int = 7


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    enabled = gc.isenabled()
    yield
    assert gc.isenabled() is enabled


def test_each_decoder_gives_its_own_numbers() -> None:
    text = b'{"x": 1.50, "y": 3, "z": 1e2}'
    exact, plain = decode_exact(text, "f"), decode_plain(text, "f")
    assert {key: str(value) for key, value in exact.items()} == {"x": "1.50", "y": "3", "z": "1E+2"}
    assert [type(value) for value in exact.values()] == [Decimal, int, Decimal]
    assert plain == {"x": 1.5, "y": 3, "z": 100.0}
    assert [type(value) for value in plain.values()] == [float, int, float]
    point = decode_typed(text, Point, "f")
    assert (str(point.x), point.y) == ("1.50", 3)
    assert decode_typed(memoryview(b'{"x": 2.0}'), Point, "f") == Point(Decimal("2.0"))
    assert decode_typed(msgspec.Raw(b"[1]"), list[int], "f") == [1]


def test_each_kind_has_one_decoder_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "_typed", {})
    made: list[Any] = []
    real = msgspec.json.Decoder
    monkeypatch.setattr(msgspec.json, "Decoder", lambda kind: made.append(kind) or real(kind))
    for _ in range(2):
        assert decode_typed(b"[1]", list[int], "f") == [1]
        assert decode_typed(b"[1]", list[float], "f") == [1.0]
        with pytest.raises(DamagedError, match=r"^f: Expected `str`, got `int`"):
            decode_typed(b"[1]", list[str], "f")
    assert made == [list[int], list[float], list[str]]


@pytest.mark.parametrize("decode", DECODERS)
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{"a": ', "Input data was truncated"),
        (b'{"a": oops}', r"JSON is malformed: invalid character (byte 6)"),
        (b'{"a": "\xff"}', "'utf-8' codec can't decode byte 0xff"),
        (b'{"a": ' + b"[" * 100_000, "maximum recursion depth exceeded"),
    ],
)
def test_what_is_no_json_is_said_once_for_all_decoders(
    decode: Callable[[Any, object], Any], text: bytes, reason: str
) -> None:
    with pytest.raises(DamagedError) as raised:
        decode(text, "file.json, section 'a'")
    said = str(raised.value)
    assert said.startswith(f"file.json, section 'a': {reason}")
    assert said.endswith("; the file is damaged or half-written, run the backtest again")
    assert raised.value.__cause__ is not None


def test_an_exponent_beyond_decimal_is_damage() -> None:
    with pytest.raises(DamagedError) as raised:
        decode_exact(b'{"a": 1e99999999999999999999}', "file.json")
    assert str(raised.value) == (
        "file.json: a number has an exponent beyond all bounds; the file is damaged or half-written, run the backtest "
        "again"
    )


def test_damage_in_words() -> None:
    assert str(damaged("there", ValueError("bad"))) == (
        "there: bad; the file is damaged or half-written, run the backtest again"
    )


# ------------------------------------------------------------------------------------------- the garbage collector


class Watching:
    """A hook for decoders that notes whether the collector ran while the text was decoded."""

    def __init__(self) -> None:
        self.enabled: list[bool] = []

    def decode(self, raw: Any) -> None:
        self.enabled.append(gc.isenabled())


@pytest.fixture
def watching(monkeypatch: pytest.MonkeyPatch) -> Watching:
    watcher = Watching()
    monkeypatch.setattr(decoding, "_plain", watcher)
    return watcher


def test_the_collector_rests_while_a_large_text_is_decoded(watching: Watching) -> None:
    gc.enable()
    for size in (1, LARGE_BYTES - 1, LARGE_BYTES, LARGE_BYTES + 1):
        decode_plain(b" " * size, "f")
        assert gc.isenabled()
    assert watching.enabled == [True, True, False, False]


def test_a_collector_that_was_off_stays_off(watching: Watching) -> None:
    gc.disable()
    try:
        decode_plain(b" " * LARGE_BYTES, "f")
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_the_collector_works_again_after_damage() -> None:
    with pytest.raises(DamagedError):
        decode_plain(b" " * LARGE_BYTES, "f")
    assert gc.isenabled()


def test_of_two_at_once_the_last_one_wakes_the_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []

    class Nesting:
        """Decodes another large text in the middle of the first, as another thread might."""

        def decode(self, raw: Any) -> None:
            if not seen:
                seen.append(gc.isenabled())
                decode_plain(raw, "inner")
                seen.append(gc.isenabled())

    monkeypatch.setattr(decoding, "_plain", Nesting())
    decode_plain(b" " * LARGE_BYTES, "outer")
    assert seen == [False, False]
    assert gc.isenabled()
    seen.clear()
    decode_plain(b" " * LARGE_BYTES, "again")
    assert seen == [False, False]
    assert gc.isenabled()


@pytest.mark.parametrize(("frozen", "calls"), [(0, ["freeze", "unfreeze", "enable"]), (5, ["enable"])])
def test_new_objects_go_to_the_oldest_generation_unless_somebody_froze_some(
    watching: Watching, monkeypatch: pytest.MonkeyPatch, frozen: int, calls: list[str]
) -> None:
    called: list[str] = []
    real = gc.enable
    monkeypatch.setattr(gc, "get_freeze_count", lambda: frozen)
    monkeypatch.setattr(gc, "freeze", lambda: called.append("freeze"))
    monkeypatch.setattr(gc, "unfreeze", lambda: called.append("unfreeze"))
    monkeypatch.setattr(gc, "enable", lambda: called.append("enable"))
    decode_plain(b" " * LARGE_BYTES, "f")
    real()
    assert called == calls
