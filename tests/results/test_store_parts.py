"""The store's parts by themselves: messages in full, what is called in which order, salvage, edges of rows."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from harness.errors import DamagedError, InputError
from harness.results.file_system import FileSystem, close_quietly, file_system, use_file_system
from harness.results.lock import lock_descriptor, unlock_descriptor
from harness.results.store import (
    HEAD_SCHEMA,
    WriteError,
    append_row,
    append_rows,
    bytes_digest,
    read_json,
    read_rows,
    row_check,
    rows_torn_bytes,
    salvage_rows,
    trim_rows,
    write_bytes,
    write_json,
)


class Noting(FileSystem):
    """Notes each operation with the name it was given."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []

    def called(self, operation: str, path: str) -> None:
        self.calls.append((operation, re.sub(r"\.tmp-(.*)\.\d+-\d+-\d+$", r"TEMPORARY \1", Path(path).name)))


def said(text: str) -> str:
    return f"^{re.escape(text)}$"


def test_what_is_called_when_a_document_is_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "d.json"
    with use_file_system(Noting()) as noting:
        assert file_system() is noting
        write_json(path, {"a": 1}, schema="s")
        read_json(path)
    names = [name for name, _ in noting.calls]
    assert names == [
        "make_folder", "create", "write", "size", "fsync", "close", "rename", "fsync_folder", "read",
    ]  # fmt: skip
    told = dict(noting.calls)
    assert (told["make_folder"], told["create"], told["rename"], told["fsync_folder"], told["read"]) == (
        "deep", "TEMPORARY d.json", "d.json", "deep", "d.json",
    )  # fmt: skip
    assert all(told[name].isdigit() for name in ("write", "size", "fsync", "close"))
    with use_file_system(Noting()) as noting:
        write_json(path, {"a": 1}, schema="s", durable=False)
    assert [name for name, _ in noting.calls] == ["make_folder", "create", "write", "size", "close", "rename"]
    assert file_system() is not noting


def test_what_is_called_when_a_row_is_appended(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    append_row(path, {"n": 0})
    with use_file_system(Noting()) as noting:
        append_row(path, {"n": 1})
    calls = [name for name, _ in noting.calls]
    assert calls[:9] == [
        "make_folder",
        "open_update",
        "read",
        "read_from",
        "truncate",
        "seek",
        "write",
        "fsync",
        "size",
    ]
    assert calls[9:] == ["make_folder", "create", "write", "size", "fsync", "close", "rename", "fsync_folder"]
    told = dict(noting.calls[:9])
    assert (told["open_update"], told["read"], told["read_from"]) == ("r.jsonl", "r.jsonl.head", "r.jsonl")
    assert all(told[name].isdigit() for name in ("truncate", "seek", "write", "fsync", "size"))


def test_modes_of_new_files(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_bytes(tmp_path / "b", b"x")
        append_row(tmp_path / "r.jsonl", {"n": 0})
    finally:
        os.umask(before)
    assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {
        "b": 0o644, "r.jsonl": 0o644, "r.jsonl.head": 0o644,
    }  # fmt: skip


def test_removing_and_closing(tmp_path: Path) -> None:
    with use_file_system(Noting()) as noting:
        (tmp_path / "x").touch()
        noting.remove(tmp_path / "x")
    assert noting.calls == [("remove", "x")]
    assert not (tmp_path / "x").exists()
    fd = os.open(tmp_path, os.O_RDONLY)
    close_quietly(fd)
    close_quietly(fd)  # closed already: an error that is not the important one
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


# ------------------------------------------------------------------------------------------- messages


def test_refusals_in_full(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    for words, work in {
        f"{path}: a stored document needs a schema name; pass schema= or a 'schema' field": lambda: write_json(
            path, {}
        ),
        f"{path}: a stored document needs a schema name; pass schema= or a 'schema' field ": lambda: write_json(
            path, {"schema": 5}
        ),
        f"{path}: the document's version must be a whole number, not '1'": lambda: write_json(
            path, {"version": "1"}, "s"
        ),
        f"{path}: the field 'length' is the store's own; name yours otherwise": lambda: write_json(
            path, {"length": 1}, "s"
        ),
        f"{path}: the field 'check' is the store's own; name yours otherwise": lambda: append_row(path, {"check": 1}),
        f"{path}: no such file": lambda: read_json(path),
        f"{tmp_path}: cannot be read (Is a directory)": lambda: read_json(tmp_path),
        f"{tmp_path / 'none'}: no such file": lambda: salvage_rows(tmp_path / "none"),
    }.items():
        with pytest.raises(InputError, match=said(words.strip())):
            work()
    for bad in ({"a": {1, 2}}, {"a": float("inf")}):
        with pytest.raises(InputError, match=rf"^{path}: the content is not plain JSON \(.+\)$"):
            append_row(path, bad)
        with pytest.raises(InputError, match=rf"^{path}: the content is not plain JSON \(.+\)$"):
            write_json(path, bad, "s")
    assert list(tmp_path.iterdir()) == []


def test_damage_in_full(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    write_json(path, {"a": 1}, schema="s", version=2)
    whole = json.loads(path.read_text())
    canonical = len(b'{"a":1,"schema":"s","version":2}')
    assert whole == {"schema": "s", "version": 2, "length": canonical, "digest": whole["digest"], "a": 1}
    assert whole["digest"] == bytes_digest(b'{"a":1,"schema":"s","version":2}')
    assert bytes_digest(b"") == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    def told(fields: Any, words: str, **wanted: Any) -> None:
        path.write_text(json.dumps(fields))
        with pytest.raises(DamagedError, match=said(f"{path}: {words}")):
            read_json(path, **wanted)

    told([1], "holds a list, not a stored document; write it again")
    told({**whole, "a": 22}, f"content is {canonical + 1} bytes, {canonical} were stored; restore or rewrite it")
    told({**whole, "length": True}, f"content is {canonical} bytes, True were stored; restore or rewrite it")
    told({**whole, "a": 2}, "content does not match its digest; it was changed after it was stored")
    told(whole, "schema is 's', expected 't'", schema="t")
    told(whole, "version 2 of s; this harness reads up to 1, update it", version=1)
    for name in ("schema", "version", "length", "digest"):
        fields = {key: value for key, value in whole.items() if key != name}
        told(fields, f"the field {name!r} is missing; not a stored document, or damaged")
    path.write_text("{")
    with pytest.raises(DamagedError, match=r"not valid JSON \(.+\); restore it or write it again$"):
        read_json(path)
    path.write_text('{"a": NaN}')
    with pytest.raises(DamagedError, match=r"not valid JSON \(NaN is not a JSON number\)"):
        read_json(path)
    path.write_text(json.dumps(whole))
    assert read_json(path, "s", 2) == read_json(path, version=3) == {"a": 1, "schema": "s", "version": 2}


def test_damaged_rows_in_full(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    append_rows(path, [{"n": 0}, {"n": 1, "text": "é"}, {"n": 2}])
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    assert '"text": "é"'.encode() in whole
    lost = (
        f"{path}: {{}} bytes, but 3 rows in {len(whole)} bytes were acknowledged; rows are lost, restore the file or "
    )
    lost += "run 'harness fsck --repair'"

    def told(raw: bytes, words: str) -> None:
        path.write_bytes(raw)
        for work in (lambda: read_rows(path), lambda: rows_torn_bytes(path)):
            with pytest.raises(DamagedError, match=said(words)):
                work()

    told(whole[:-5], lost.format(len(whole) - 5))
    told(lines[0], lost.format(len(lines[0])))
    told(b"", lost.format(0))
    told(whole.replace(b'"n": 1', b'"n": 7'), f"{path}: line 2 does not match its check; run 'harness fsck'")
    told(lines[1] + lines[0] + lines[2], f"{path}: line 1 does not match its check; run 'harness fsck'")
    told(whole[:-1] + b"x", f"{path}: line 3 was changed after it was written")
    told(whole + lines[2], f"{path}: line 4 does not match its check; run 'harness fsck'")
    with pytest.raises(DamagedError, match=said(f"{path}: line 4 does not match its check; run 'harness fsck'")):
        append_row(path, {"n": 3})
    path.write_bytes(whole[:-1])
    with pytest.raises(DamagedError, match=said(lost.format(len(whole) - 1))):
        append_row(path, {"n": 3})
    other = row_check("", {"n": 5})
    told(
        f'{{"n": 5, "check": "{other}"}}\n'.encode() * 1 + b" " * len(whole),
        f"{path}: line 2 was changed after it was written",
    )
    path.write_bytes(whole)
    head = json.loads((tmp_path / "r.jsonl.head").read_text())
    assert (head["rows"], head["bytes"], head["schema"]) == (3, len(whole), HEAD_SCHEMA)
    write_json(tmp_path / "r.jsonl.head", {"rows": "3", "bytes": 1, "check": ""}, schema=HEAD_SCHEMA)
    with pytest.raises(DamagedError, match=r"r\.jsonl\.head: rows, bytes and check are not as written; run 'harness"):
        read_rows(path)
    write_json(tmp_path / "r.jsonl.head", {"rows": 3, "bytes": len(whole), "check": "0"}, schema=HEAD_SCHEMA)
    with pytest.raises(DamagedError, match=r"not the 3 rows that were acknowledged; run 'harness fsck'$"):
        read_rows(path)


def test_a_whole_last_row_without_its_line_end_is_a_row(tmp_path: Path) -> None:
    """The writer was killed between the row's last byte and its line end: nobody was told, but nothing is missing."""
    path = tmp_path / "r.jsonl"
    append_row(path, {"n": 0})
    first = path.read_bytes()
    check = row_check(json.loads(first)["check"], {"n": 1})
    row = json.dumps({"n": 1, "check": check}).encode()
    path.write_bytes(first + row)
    assert read_rows(path) == [{"n": 0}, {"n": 1}]
    assert rows_torn_bytes(path) == 0
    append_row(path, {"n": 2})
    assert read_rows(path) == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert json.loads((tmp_path / "r.jsonl.head").read_text())["rows"] == 3
    path.write_bytes(path.read_bytes() + b'{"n": 3}x')  # no row of ours: torn
    assert rows_torn_bytes(path) == 9
    path.write_bytes(path.read_bytes()[:-9] + b"[1] torn \xff")
    assert rows_torn_bytes(path) == 10
    last = json.loads(path.read_bytes().splitlines()[-2])["check"]
    own = json.dumps({"n": 3, "check": row_check(last, {"n": 3})}).encode()
    path.write_bytes(path.read_bytes()[:-10] + own + b"\x8a")  # the line end, flipped
    with pytest.raises(DamagedError, match="line 4 was changed after it was written"):
        read_rows(path)


# ------------------------------------------------------------------------------------------- torn tails and salvage


def test_a_torn_tail_is_measured_and_cut(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    append_rows(path, [{"n": 0}, {"n": 1}])
    whole = path.read_bytes()
    assert rows_torn_bytes(path) == 0
    path.write_bytes(whole + b'{"n": 2, "che')
    assert rows_torn_bytes(path) == 13
    trim_rows(path)
    assert path.read_bytes() == whole
    with pytest.raises(InputError, match=said(f"{tmp_path / 'none'}: no such file")):
        rows_torn_bytes(tmp_path / "none")


def test_salvage_keeps_the_leading_good_rows_and_every_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    append_rows(path, [{"n": number} for number in range(5)])
    for number, kept in ((1, 3), (2, 2), (3, 0)):
        rows = read_rows(path)
        damaged = path.read_bytes().replace(f'"n": {kept}'.encode(), b'"n": 77')
        path.write_bytes(damaged)
        assert salvage_rows(path) == kept
        assert read_rows(path) == rows[:kept]
        name = "r.jsonl.damaged" + (f"-{number}" if number > 1 else "")
        assert (tmp_path / name).read_bytes() == damaged
        head = read_json(tmp_path / "r.jsonl.head", schema=HEAD_SCHEMA)
        last = json.loads(path.read_bytes().splitlines()[-1])["check"] if kept else ""
        assert (head["rows"], head["bytes"], head["check"]) == (kept, path.stat().st_size, last)
        append_row(path, {"n": kept})
    path.write_bytes(path.read_bytes() + b"[1]\n{}\n")
    assert salvage_rows(path) == 1


def test_errors_of_the_disk_in_full(tmp_path: Path) -> None:
    folder = tmp_path / "file"
    folder.write_text("")
    path = folder / "d.json"
    words = "cannot be written (Not a directory); what was stored before is unchanged, fix that and run again"
    for work in (lambda: write_bytes(path, b""), lambda: append_row(path, {})):
        with pytest.raises(
            WriteError, match=rf"^{path}: cannot be written \((Not a directory|File exists)\); what was"
        ):
            work()
    assert words.endswith("fix that and run again")
    with pytest.raises(WriteError, match=said(f"{tmp_path}: {words.replace('Not a', 'Is a')}")):
        append_row(tmp_path, {"n": 1})

    class Lying(FileSystem):
        def size(self, fd: int) -> int:
            return min(3, super().size(fd))

    with use_file_system(Lying()), pytest.raises(WriteError, match=r"\(only 3 of 5 bytes arrived\); what was"):
        write_bytes(tmp_path / "b", b"12345")

    class Lazy(FileSystem):
        def write(self, fd: int, data: bytes | memoryview) -> int:
            return 0

    with use_file_system(Lazy()), pytest.raises(WriteError, match=r"\(the system wrote nothing\); what was"):
        write_bytes(tmp_path / "b", b"12345")
    assert not (tmp_path / "b").exists()


# ------------------------------------------------------------------------------------------- what stays as it is stored


def test_the_text_of_a_document(tmp_path: Path) -> None:
    digest = write_json(tmp_path / "d.json", {"b": [1.5], "a": "é"}, schema="s", version=0)
    canonical = '{"a":"é","b":[1.5],"schema":"s","version":0}'.encode()
    assert digest == bytes_digest(canonical)
    assert (tmp_path / "d.json").read_bytes().decode() == (
        f'{{\n  "schema": "s",\n  "version": 0,\n  "length": {len(canonical)},\n  "digest": "{digest}",\n'
        '  "b": [\n    1.5\n  ],\n  "a": "é"\n}\n'
    )
    assert read_json(tmp_path / "d.json", "s", 0) == {"schema": "s", "version": 0, "b": [1.5], "a": "é"}


def test_what_is_given_wins_over_the_fields_of_a_document(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    for fields, given, stored in (
        ({"schema": "s"}, {}, ("s", 1)),
        ({"schema": "s", "version": 3}, {}, ("s", 3)),
        ({"schema": "s", "version": 3}, {"schema": "t", "version": 4}, ("t", 4)),
    ):
        write_json(path, fields, **given)
        assert tuple(read_json(path).values()) == stored


def test_the_check_of_a_row_covers_its_canonical_form_and_the_row_before() -> None:
    """As docs/results.md says it: files that were stored with it must stay readable."""

    def digest(text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    first = row_check("", {"b": 1, "a": "é"})
    assert first == digest('\n{"a":"é","b":1}')
    assert row_check(first, {"n": 2, "check": "its own"}) == digest(f'{first}\n{{"n":2}}')
    with pytest.raises(InputError, match=r"^row: the content is not plain JSON \(Out of range float"):
        row_check("", {"a": float("nan")})


def test_a_head_of_another_kind_is_not_trusted(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    append_row(path, {"n": 0})
    head = read_json(tmp_path / "r.jsonl.head")
    write_json(tmp_path / "r.jsonl.head", head, schema="other")
    for work in (lambda: read_rows(path), lambda: append_row(path, {"n": 1})):
        with pytest.raises(DamagedError, match=said(f"{path}.head: schema is 'other', expected '{HEAD_SCHEMA}'")):
            work()


def test_an_empty_line_before_the_rows_is_damage_in_line_1(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    append_row(path, {"n": 0})
    path.write_bytes(b"\n" + path.read_bytes())
    with pytest.raises(DamagedError, match=said(f"{path}: line 1 does not match its check; run 'harness fsck'")):
        read_rows(path)


DAMAGED_JSON = r"^{}: (the content is not plain JSON|not valid JSON) \(.+\); restore it or write it again$"


@pytest.mark.parametrize(("before", "after"), [("1e+300", "1e+700"), ('"x"', '"\\ud800"'), ("1e+300", "NaN   ")])
def test_damage_that_json_can_read_and_the_store_cannot_write(tmp_path: Path, before: str, after: str) -> None:
    """One flipped bit turns 1e+300 into 1e+700, which is read as infinity; half a surrogate pair is no text."""
    document, rows = tmp_path / "d.json", tmp_path / "r.jsonl"
    write_json(document, {"a": 1e300, "b": "x"}, schema="s")
    append_rows(rows, [{"n": 0}, {"a": 1e300, "b": "x"}])
    for path in (document, rows):
        path.write_text(path.read_text().replace(before, after, 1))
    with pytest.raises(DamagedError, match=DAMAGED_JSON.format(document)):
        read_json(document)
    with pytest.raises(DamagedError, match=r"\.jsonl: line 2 does not match its check; run 'harness fsck'$"):
        read_rows(rows)
    assert salvage_rows(rows) == 1
    assert read_rows(rows) == [{"n": 0}]


# ------------------------------------------------------------------------------------------- appending, when it is hard


def test_an_append_waits_for_the_writer_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That one has stored its row when the lock is given: it is read, not overwritten."""
    path = tmp_path / "r.jsonl"
    append_row(path, {"n": 0})
    other = os.open(path, os.O_RDWR)
    assert lock_descriptor(other)
    held: list[int] = []

    def waited(fd: int, wait: bool = False) -> bool:
        assert wait
        assert not lock_descriptor(fd)
        unlock_descriptor(other)
        monkeypatch.undo()
        append_row(path, {"n": 1})
        held.append(fd)
        return lock_descriptor(fd, wait)

    monkeypatch.setattr("harness.results.store.lock_descriptor", waited)
    append_row(path, {"n": 2})
    os.close(other)
    assert len(held) == 1
    assert read_rows(path) == [{"n": 0}, {"n": 1}, {"n": 2}]


class Ending(FileSystem):
    """A disk that is gone from one operation on: ``first`` fails with one error, all that follow with another."""

    def __init__(self, first: str) -> None:
        self.first = first
        self.gone = False

    def called(self, operation: str, path: str) -> None:
        if self.gone:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        if operation == self.first:
            self.gone = True
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


NO_SPACE = "cannot be written (No space left on device); what was stored before is unchanged, fix that and run again"


@pytest.mark.parametrize("operation", ["truncate", "seek", "write", "fsync", "size", "rename"])
def test_a_disk_that_is_gone_is_told_by_its_first_error(tmp_path: Path, operation: str) -> None:
    path = tmp_path / "r.jsonl"
    append_row(path, {"n": 0})
    told = f"{path}.head" if operation == "rename" else path
    with use_file_system(Ending(operation)), pytest.raises(WriteError, match=said(f"{told}: {NO_SPACE}")):
        append_row(path, {"n": 1})
    assert read_rows(path)[0] == {"n": 0}


def test_an_append_that_cannot_be_taken_back_is_told_by_its_first_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "r.jsonl"
    append_row(path, {"n": 0})

    def refused(fd: int, length: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    class Failing(FileSystem):
        def fsync(self, fd: int) -> None:
            monkeypatch.setattr(os, "ftruncate", refused)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with use_file_system(Failing()), pytest.raises(WriteError, match=said(f"{path}: {NO_SPACE}")):
        append_row(path, {"n": 1})


def test_a_file_of_another_length_than_was_written(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    append_row(path, {"n": 0})
    end = 2 * path.stat().st_size

    class Lying(FileSystem):
        def size(self, fd: int) -> int:
            return min(3, super().size(fd))

    words = f"{path}: cannot be written (the file is 3 bytes long, not {end}); what was stored before is unchanged, "
    with use_file_system(Lying()), pytest.raises(WriteError, match=said(words + "fix that and run again")):
        append_row(path, {"n": 1})
    assert read_rows(path) == [{"n": 0}]


# ------------------------------------------------------------------------------------------- whole files


def test_bytes_are_synced_unless_they_may_be_lost(tmp_path: Path) -> None:
    for given, synced in (({}, True), ({"durable": True}, True), ({"durable": False}, False)):
        with use_file_system(Noting()) as noting:
            assert write_bytes(tmp_path / "b", b"x", **given) == bytes_digest(b"x")
        names = [name for name, _ in noting.calls]
        assert ("fsync" in names, "fsync_folder" in names) == (synced, synced)


@pytest.mark.parametrize(
    ("error", "reason"),
    [(OSError(errno.EIO, os.strerror(errno.EIO)), "Input/output error"), (OSError("no words"), "no words")],
)
def test_a_write_that_fails_leaves_no_temporary_and_no_descriptor(tmp_path: Path, error: OSError, reason: str) -> None:
    path = tmp_path / "b"
    opened: list[int] = []

    class Failing(FileSystem):
        at = ""

        def create(self, path: Path) -> int:
            opened.append(super().create(path))
            return opened[-1]

        def called(self, operation: str, path: str) -> None:
            if operation == self.at:
                raise error

    failing = Failing()
    for failing.at in ("write", "size", "fsync", "rename", "fsync_folder"):
        words = f"{path}: cannot be written ({reason}); what was stored before is unchanged, fix that and run again"
        if failing.at == "fsync_folder":
            words = f"{path}: written, but may not survive a power cut ({reason}); run again"
        with use_file_system(failing), pytest.raises(WriteError, match=said(words)):
            write_bytes(path, b"x")
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(opened[-1])
        assert [file.name for file in tmp_path.iterdir()] == (["b"] if failing.at == "fsync_folder" else [])


def test_a_temporary_that_cannot_be_removed_does_not_hide_the_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "unlink", refused)
    with use_file_system(Ending("rename")), pytest.raises(WriteError, match=said(f"{tmp_path / 'b'}: {NO_SPACE}")):
        write_bytes(tmp_path / "b", b"x")


def test_a_file_that_cannot_be_read_in_words(tmp_path: Path) -> None:
    class Failing(FileSystem):
        def called(self, operation: str, path: str) -> None:
            if operation.startswith("read"):
                raise OSError("no words")

    append_row(tmp_path / "r.jsonl", {"n": 0})
    with use_file_system(Failing()):
        for work in (read_json, salvage_rows):
            with pytest.raises(InputError, match=said(f"{tmp_path / 'x'}: cannot be read (no words)")):
                work(tmp_path / "x")
        with pytest.raises(InputError, match=said(f"{tmp_path / 'r.jsonl.head'}: cannot be read (no words)")):
            read_rows(tmp_path / "r.jsonl")


def test_a_write_that_takes_several_goes(tmp_path: Path) -> None:
    class Slow(FileSystem):
        def write(self, fd: int, data: bytes | memoryview) -> int:
            return super().write(fd, data[:1])

    with use_file_system(Slow()):
        write_bytes(tmp_path / "b", b"12345")
        append_row(tmp_path / "r.jsonl", {"n": 0})
    assert (tmp_path / "b").read_bytes() == b"12345"
    assert read_rows(tmp_path / "r.jsonl") == [{"n": 0}]


def test_folders_are_made_and_a_file_that_is_there_is_not_taken_for_new(tmp_path: Path) -> None:
    fs = FileSystem()
    for _ in range(2):
        fs.make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    os.close(fs.create(tmp_path / "new"))
    with pytest.raises(FileExistsError):
        fs.create(tmp_path / "new")


def test_a_folder_is_synced_and_its_descriptor_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []

    def noted(fd: int) -> None:
        assert os.path.samestat(os.fstat(fd), tmp_path.stat())
        synced.append(fd)

    monkeypatch.setattr(os, "fsync", noted)
    FileSystem().fsync_folder(tmp_path)
    (fd,) = synced
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)
    monkeypatch.setattr(os, "name", "nt")
    FileSystem().fsync_folder(tmp_path)  # Windows cannot open a folder
    monkeypatch.undo()
    assert len(synced) == 1
