import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harness.errors import DamagedError, InputError
from harness.results import spans
from harness.results.spans import SectionFile, SectionText

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3)
    ),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), VALUES, max_size=5)
LAYOUTS = st.sampled_from(
    [{"indent": 2}, {"indent": 2, "ensure_ascii": False}, {"indent": 4}, {"indent": 0}, {}, {"separators": (",", ":")}]
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spans")


@given(DOCUMENTS, LAYOUTS, st.integers(20, 200))
@example({"a": {}, "b": [], "c": 'x\n  "d": 1', "": None}, {"indent": 2}, 20)
@settings(max_examples=150, deadline=None)
def test_sections_are_those_of_json_loads(
    folder: Path, document: dict[str, Any], layout: dict[str, Any], piece: int
) -> None:
    path = folder / "document.json"
    path.write_text(json.dumps(document, **layout), encoding="utf-8")
    before, spans.PIECE_BYTES = spans.PIECE_BYTES, piece  # so that keys straddle pieces
    try:
        file = SectionFile(path)
        assert file.names == list(document)
        assert {name: file.value(name) for name in file.names} == document
    finally:
        spans.PIECE_BYTES = before
    for name, value in document.items():
        assert json.loads(file.raw(name)) == value
        assert file.length(name) == len(file.raw(name))


@pytest.mark.parametrize(
    "text",
    [
        '{\n  "a": {\n  "statistics": {"x": 1}\n  },\n  "b": 2\n}',
        '{\n  "a": {\n    "k": {}\n,\n  "statistics": {"x": 1}\n  },\n  "b": 2\n}',
        '{\n  "a": [1,\n  "statistics", 3\n  ],\n  "b": 2\n}',
        '\ufeff{\n  "a": 1,\n  "b": 2\n}\n\n',
        '{\r\n  "a": {\r\n    "b": 1\r\n  },\r\n  "c": "}"\r\n}\r\n',
        ' {"a" : 1 , "b":[ {"a":2} ] }',
        "{}",
        "{\n}",
    ],
)
def test_an_unusual_layout_is_read_right(tmp_path: Path, text: str) -> None:
    path = tmp_path / "document.json"
    path.write_bytes(text.encode())
    expected = json.loads(text.removeprefix("\ufeff"))
    file = SectionFile(path)
    assert {name: file.value(name) for name in file.names} == expected


def test_decimals_keep_their_text(tmp_path: Path) -> None:
    path = tmp_path / "document.json"
    path.write_text('{"a": [1.00, 1e5, 12345678901234567890.1234567890123456789, 3]}')
    assert [str(number) for number in SectionFile(path).value("a", exact=True)] == [
        "1.00",
        "1E+5",
        "12345678901234567890.1234567890123456789",
        "3",
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("[1]", "does not start with an object"),
        ('{"a": 1', "ends before its closing bracket"),
        ('{"a": 1, "b": }', "malformed"),
        ('{"a": 1, "a": 2}', "twice"),
        ('{\n  "a": 1,\n  "a": 2\n}', "twice"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "document.json"
    path.write_text(text)
    with pytest.raises(DamagedError, match=reason) as raised:
        SectionFile(path).names  # noqa: B018
    assert str(path) in str(raised.value)


def test_a_damaged_section_leaves_the_others(tmp_path: Path) -> None:
    path = tmp_path / "document.json"
    path.write_text('{\n  "a": {\n    "x": oops\n  },\n  "b": 1\n}')
    file = SectionFile(path)
    assert file.value("b") == 1
    with pytest.raises(DamagedError, match="section 'a'"):
        file.value("a")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        SectionFile(tmp_path / "none.json").names  # noqa: B018


def test_the_index_on_disk_is_used_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, index = tmp_path / "document.json", tmp_path / "cache" / "document.index"
    path.write_text(json.dumps({"a": 1, "b": [1] * 5000}, indent=2))
    assert SectionFile(path, index).names == ["a", "b"]
    assert index.stat().st_size < 2000
    scans: list[int] = []
    real = spans.scan_sections
    monkeypatch.setattr(spans, "scan_sections", lambda fd, name: scans.append(1) or real(fd, name))
    assert SectionFile(path, index).value("b") == [1] * 5000
    assert scans == []
    index.write_text(index.read_text().replace('"a"', '"z"'))
    assert SectionFile(path, index).names == ["a", "b"]
    assert scans == [1]


def test_a_change_is_noticed_even_with_the_same_size_and_time(tmp_path: Path) -> None:
    path, index = tmp_path / "document.json", tmp_path / "document.index"
    path.write_text('{"a": 111, "b": 2}')
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    file = SectionFile(path, index)
    assert file.value("b") == 2
    path.write_text('{"a": 11, "b": 23}')
    os.utime(path, ns=times)
    assert file.value("b") == 23
    assert SectionFile(path, index).value("a") == 11


def test_a_folder_for_reading_only_needs_no_index(tmp_path: Path) -> None:
    path, blocker = tmp_path / "document.json", tmp_path / "file"
    path.write_text('{"a": 1}')
    blocker.write_text("")
    assert SectionFile(path, blocker / "document.index").names == ["a"]


def test_a_large_section_is_decoded_from_the_mapped_file(tmp_path: Path) -> None:
    path = tmp_path / "document.json"
    document = {"a": list(range(300_000)), "b": {"c": 1.5}}
    path.write_text(json.dumps(document, indent=2))
    file = SectionFile(path)
    assert file.length("a") > spans.LARGE_BYTES
    assert file.value("a") == document["a"]
    assert file.typed("a", list[int])[-1] == 299_999


def test_sections_of_a_text() -> None:
    text = SectionText(b'{"a": {"x": 1.50}, "b": [1], "n": 1e400}', Path("file.json"))
    assert text.names == ["a", "b", "n"]
    assert text.value("a") == {"x": 1.5}
    assert isinstance(text.value("a")["x"], float)
    assert text.value("a", exact=True) == {"x": Decimal("1.50")}
    assert str(text.value("a", exact=True)["x"]) == "1.50"
    assert (text.raw("a"), text.length("a")) == (b'{"x": 1.50}', 11)
    assert text.typed("b", list[int]) == [1]
    with pytest.raises(DamagedError, match=r"^file\.json, section 'b'"):
        text.typed("b", dict[str, int])
    with pytest.raises(DamagedError, match=r"^file\.json"):
        SectionText(b"[1]", Path("file.json"))
