import json
import os
import re
from decimal import Decimal
from io import FileIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harness.errors import DamagedError, InputError
from harness.results import spans
from harness.results.spans import INDEX_SCHEMA, Section, SectionFile, SectionText, file_identity, scan_sections
from harness.results.store import read_json, write_json

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
        ("", "is empty; not a result document, or half-written"),
        (" ", "does not start with an object; not a result document, or half-written"),
        ("\f{}", "does not start with an object; not a result document, or half-written"),
        ("{}\f", "ends before its closing bracket; half-written, run the backtest again"),
        ("[1]", "does not start with an object; not a result document, or half-written"),
        ('{"a": 1', "ends before its closing bracket; half-written, run the backtest again"),
        (
            '{"a": 1, "b": }',
            "JSON is malformed: invalid character (byte 14); the file is damaged or half-written, "
            "run the backtest again",
        ),
        (
            '{\n  "a": oops,\n  "b": 1\n}',
            "JSON is malformed: invalid character (byte 9); the file is damaged or "
            "half-written, run the backtest again",
        ),
        ('{"a": 1, "a": 2}', "the field 'a' is there twice; not a result document"),
        ('{\n  "a": 1,\n  "a": 2\n}', "the field 'a' is there twice; not a result document"),
        ('{"a": {}, "b": 1, "a": 1}', "the field 'a' is there twice; not a result document"),
        ('{"a": {}, "a": 1}', "the field 'a' is there twice; not a result document"),
        ('{"a": [1, "b", 2], "b": 1, "a": [1]}', "the field 'a' is there twice; not a result document"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "document.json"
    path.write_text(text)
    with pytest.raises(DamagedError) as raised:
        SectionFile(path).names  # noqa: B018
    assert str(raised.value) == f"{path}: {reason}"


def test_a_damaged_section_leaves_the_others(tmp_path: Path) -> None:
    path = tmp_path / "document.json"
    path.write_text('{\n  "a": {\n    "x": oops\n  },\n  "b": 1\n}')
    file = SectionFile(path)
    assert file.value("b") == 1
    what = "JSON is malformed: invalid character (byte 11)"
    words = f"{path}, section 'a': {what}; the file is damaged or half-written, run the backtest again"
    for use in (
        lambda: file.value("a"),
        lambda: file.value("a", exact=True),
        lambda: file.typed("a", dict[str, int]),
    ):
        with pytest.raises(DamagedError, match=f"^{re.escape(words)}$"):
            use()
    text = SectionText(b'{"a": 1e400, "b": 1e99999999999999999999}', path)
    with pytest.raises(DamagedError, match=f"^{re.escape(str(path))}, section 'a': Number out of range"):
        text.value("a")
    with pytest.raises(DamagedError, match=f"^{re.escape(str(path))}, section 'b': a number has an exponent beyond"):
        text.value("b", exact=True)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none.json"
    for use in (lambda: SectionFile(path).names, SectionFile(path).refresh, lambda: file_identity(path)):
        with pytest.raises(InputError, match=f"^{re.escape(str(path))}: no such file$"):
            use()


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(str(tmp_path))}: cannot be read \\(Is a directory\\)$"):
        SectionFile(tmp_path).names  # noqa: B018

    def without_a_number(path: Path) -> None:
        raise OSError("not of the operating system")

    monkeypatch.setattr(spans, "FileIO", without_a_number)
    with pytest.raises(InputError, match=r": cannot be read \(not of the operating system\)$"):
        SectionFile(tmp_path / "x.json").names  # noqa: B018


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
    file = SectionFile(path, blocker / "document.index")
    assert file.names == ["a"]
    assert file.index_path is None  # not tried again


@pytest.mark.parametrize(("schema", "version"), [("another", 1), (INDEX_SCHEMA, 2)])
def test_an_index_of_another_kind_is_not_believed(tmp_path: Path, schema: str, version: int) -> None:
    path, index = tmp_path / "document.json", tmp_path / "document.index"
    path.write_text('{"a": 1}')
    assert SectionFile(path, index).names == ["a"]
    forged = {**read_json(index), "sections": [["z", 6, 7, 0]]}
    write_json(index, {**forged, "schema": schema, "version": version})
    assert SectionFile(path, index).names == ["a"]
    write_json(index, {**forged, "schema": INDEX_SCHEMA, "version": 1})
    assert SectionFile(path, index).names == ["z"]


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


# ------------------------------------------------------------------------------------------- the two scanners

LEANS = """{
  "number": 1.50,
  "beyond": 1e400,
  "text": "},\\n  \\"a\\": {",
  "nothing": null,
  "empty": {},
  "none": [],
  "line": [1, {"a": [2]}],
  "object": {
    "a": {
      "b": 1
    }
  },
  "list": [
    [
      1
    ],
    2
  ],
  "a \\"quoted\\" \\u00e9": true,
  "": 1
}"""


@pytest.fixture
def scanners(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which scanners found the sections, in the order of the scans."""
    used: list[str] = []
    indented, anything = spans._scan_indented, spans._scan_any

    def first(file: FileIO, start: int, end: int) -> list[tuple[str, int, int]] | None:
        found = indented(file, start, end)
        if found is not None:
            used.append("indented")
        return found

    def second(file: FileIO, path: Path, start: int) -> list[tuple[str, int, int]]:
        used.append("any")
        return anything(file, path, start)

    monkeypatch.setattr(spans, "_scan_indented", first)
    monkeypatch.setattr(spans, "_scan_any", second)
    return used


def scanned(path: Path) -> dict[str, Section]:
    with FileIO(path) as file:
        return scan_sections(file, path)


@pytest.mark.parametrize("before", ["", "\ufeff", "\n ", "\ufeff \t\r\n"])
@pytest.mark.parametrize("after", ["", "\n", " \t\r\n"])
def test_leans_layout_is_found_by_its_lines(
    tmp_path: Path, scanners: list[str], monkeypatch: pytest.MonkeyPatch, before: str, after: str
) -> None:
    path = tmp_path / "document.json"
    path.write_bytes(f"{before}{LEANS}{after}".encode())
    by_lines = scanned(path)
    monkeypatch.setattr(spans, "_scan_indented", lambda file, start, end: None)
    assert scanned(path) == by_lines
    assert scanners == ["indented", "any"]
    assert list(by_lines) == list(json.loads(LEANS))
    texts = {name: path.read_bytes()[section.start : section.end] for name, section in by_lines.items()}
    assert {name: json.loads(text) for name, text in texts.items()} == json.loads(LEANS)
    assert (texts["number"], texts["line"]) == (b"1.50", b'[1, {"a": [2]}]')


@pytest.mark.parametrize(
    "text",
    [
        '{\n  "a": 1\n }',
        '{\n  "a": 123}',
        '{ \n  "a": 1\n}',
        '{\n  "a":1\n}',
        '{\n  "a" : 1\n}',
        '{\n  "a": 1\n,\n  "b": 2\n}',
        '{\n  "a": {\n  "b": 1\n  }\n}',
        '{\n  "a": [\n  "b",\n  "c"\n  ]\n}',
        '{\n   "z": 0,\n  "a": 1\n}',
        "{\n  \n}",
        '{\n  "a": 1, "b": 2,\n  "c": 3\n}',
        '{\n  "a": {\n    "b": 1},\n  "c": 1 ,\n  "d": [\n    {"e": 1}\n  ] ,\n  "f": 2\n}',
    ],
)
def test_what_is_not_certainly_leans_layout_is_parsed(tmp_path: Path, scanners: list[str], text: str) -> None:
    path = tmp_path / "document.json"
    path.write_text(text)
    found = scanned(path)
    assert scanners == ["any"]
    assert {name: json.loads(text[section.start : section.end]) for name, section in found.items()} == json.loads(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{\n  "a": "\xff\n}', "JSON is malformed"),
        (b'{\n  "\\q": 1\n}', "JSON is malformed"),
        (b'{\n  "\xff": 1\n}', "'utf-8' codec can't decode byte 0xff"),
        (b'{\n  "a": 1 1,\n  "b": 2\n}', "JSON is malformed"),
        (b'{\n  "a": ,\n  "b": 2\n}', "JSON is malformed"),
        (b'{\n  "a": ' + b"[" * 100_000 + b"]" * 100_000 + b"\n}", "maximum recursion depth exceeded"),
    ],
)
def test_damage_in_leans_layout_is_found_by_the_parser(
    tmp_path: Path, scanners: list[str], text: bytes, reason: str
) -> None:
    path = tmp_path / "document.json"
    path.write_bytes(text)
    with pytest.raises(DamagedError) as raised:
        scanned(path)
    assert scanners == ["any"]
    assert str(raised.value).startswith(f"{path}: {reason}")


def test_where_the_scanner_by_lines_ends(tmp_path: Path, scanners: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "document.json"
    monkeypatch.setattr(spans, "PIECE_BYTES", 50)
    monkeypatch.setattr(spans, "EDGE_BYTES", 40)
    monkeypatch.setattr(spans, "MAXIMUM_SECTIONS", 4)
    for value, fields, name in ((50, 1, 10), (51, 1, 10), (5, 4, 10), (5, 5, 10), (5, 1, 33), (5, 1, 34)):
        document = {f"{number}".rjust(name, "k"): "x" * (value - 2) for number in range(fields)}
        path.write_text(json.dumps(document, indent=2))
        assert list(scanned(path)) == list(document)
    assert scanners == ["indented", "any"] * 3


@given(
    st.lists(st.sampled_from(['\n  "', "\n", " ", '"', "x"]), max_size=20).map("".join),
    st.integers(4, 12),
    st.integers(0, 10),
    st.integers(0, 70),
)
@example('\n  "', 4, 0, 4)
@example('x\n  "', 4, 0, 5)
@example('\n  "\n  "', 8, 4, 8)
@example('\n  "xxx\n', 7, 0, 8)
@example('\n  "\n  "', 4, 0, 7)
@settings(max_examples=300, deadline=None)
def test_every_line_with_a_key_is_found_whatever_the_pieces(
    folder: Path, text: str, piece: int, start: int, end: int
) -> None:
    path = folder / "lines.txt"
    path.write_text(text)
    wanted = [start + match.start() for match in re.finditer('\n  "', text[start:end])]
    before, spans.PIECE_BYTES = spans.PIECE_BYTES, piece
    try:
        with FileIO(path) as file:
            assert list(spans._lines_with_keys(file, start, end)) == wanted
    finally:
        spans.PIECE_BYTES = before


# ------------------------------------------------------------------------------------------- checks and the index


def test_a_check_is_of_the_edges_whether_in_the_file_or_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spans, "EDGE_BYTES", 4)
    path = tmp_path / "bytes"
    data = bytes(range(1, 21))
    path.write_bytes(data)
    with FileIO(path) as file:
        for start in range(20):
            for end in range(start, 21):
                assert spans._file_span_check(file, start, end) == spans._span_check(data[start:end])
        for start, end in ((0, 20), (18, 25), (3, 3), (25, 30), (9, 4)):
            assert spans._read_span(file, start, end) == data[start:end]
    checks = [spans._span_check(data[:index] + b"\0" + data[index + 1 :]) for index in range(20)]
    unseen = [index for index, check in enumerate(checks) if check == spans._span_check(data)]
    assert unseen == list(range(4, 16))


def test_a_read_that_gives_less_is_repeated(tmp_path: Path) -> None:
    class Slow(FileIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 0, 3))

    path = tmp_path / "bytes"
    path.write_bytes(b"0123456789")
    with Slow(path) as file:
        assert spans._read_span(file, 1, 9) == b"12345678"
        assert spans._read_span(file, 5, 20) == b"56789"


def test_the_identity_is_size_time_and_edges(tmp_path: Path) -> None:
    path = tmp_path / "document.json"
    data = bytes(number % 251 for number in range(20_000))
    path.write_bytes(data)
    os.utime(path, ns=(1, 2_000_000_001))
    identity = file_identity(path)
    assert (identity.size, identity.mtime_ns) == (20_000, 2_000_000_001)
    assert identity.edges == spans._span_check(data)


def test_the_index_as_it_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, index = tmp_path / "document.json", tmp_path / "document.index"
    path.write_text('{"a": 1, "b": [2]}')
    wanted: list[dict[str, object]] = []
    real = spans.write_json
    monkeypatch.setattr(spans, "write_json", lambda *args, **given: wanted.append(given) or real(*args, **given))
    assert SectionFile(path, index).names == ["a", "b"]
    identity = file_identity(path)
    stored = read_json(index, schema=INDEX_SCHEMA, version=1)
    assert {key: stored[key] for key in ("file", "size", "mtime_ns", "edges", "sections")} == {
        "file": "document.json",
        "size": 18,
        "mtime_ns": identity.mtime_ns,
        "edges": identity.edges,
        "sections": [["a", 6, 7, spans._span_check(b"1")], ["b", 14, 17, spans._span_check(b"[2]")]],
    }
    assert wanted == [{"schema": INDEX_SCHEMA, "durable": False}]  # a lost index costs a scan, an fsync every time


def test_generations_count_the_indexes(tmp_path: Path) -> None:
    path, index = tmp_path / "document.json", tmp_path / "document.index"
    path.write_text('{"a": 1}')
    file = SectionFile(path, index)
    assert (file.generation, file.refresh(), file.refresh(), file.generation) == (0, 1, 1, 1)
    path.write_text('{"a": 1, "b": 2}')
    assert (file.refresh(), file.refresh(), file.names) == (2, 2, ["a", "b"])
    again = SectionFile(path, index)  # whose index is on disk
    assert (again.refresh(), again.refresh(), again.length("b")) == (1, 1, 1)
    for use in (again.length, again.raw, again.value):
        with pytest.raises(KeyError, match="c"):
            use("c")
    text, times = path.read_text(), (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    path.write_text("{")
    for _ in range(2):
        with pytest.raises(DamagedError, match="ends before its closing bracket"):
            again.refresh()
    assert again.generation == 1
    path.write_text(text)
    os.utime(path, ns=times)
    assert (again.refresh(), again.names) == (2, ["a", "b"])  # by the index on disk


@pytest.mark.parametrize("indexed", ["stored", "gone", "none"])
@pytest.mark.parametrize("large", [False, True])
def test_a_change_in_the_middle_is_noticed_with_the_same_size_and_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, indexed: str, large: bool
) -> None:
    if large:  # read from the mapped file
        monkeypatch.setattr(spans, "LARGE_BYTES", 1)
    path = tmp_path / "document.json"
    index = None if indexed == "none" else tmp_path / "document.index"
    padding = "x" * 9000
    path.write_text(json.dumps({"a": padding, "b": 111, "c": 2, "d": padding}))
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    file = SectionFile(path, index)
    assert file.value("b") == 111
    path.write_text(json.dumps({"a": padding, "b": 11, "c": 23, "d": padding}))
    os.utime(path, ns=times)
    if indexed == "gone":
        (tmp_path / "document.index").unlink()
    assert file.value("b") == 11
    assert file.generation == 2
    assert SectionFile(path, index).value("c") == 23  # the stored index was made anew, too


def test_a_section_that_changes_at_every_look_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "document.json"
    path.write_text('{"a": 1}')
    looks: list[bytes] = []
    monkeypatch.setattr(spans, "_span_check", lambda data: looks.append(data) or -1)
    words = f"{path}: section 'a' changes while it is read; wait for its writer to end"
    with pytest.raises(DamagedError, match=f"^{re.escape(words)}$"):
        SectionFile(path).raw("a")
    assert looks == [b"1", b"1"]
