import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import DamagedError, InputError
from harness.results.file_system import FileSystem, use_file_system
from harness.results.store import (
    TEMPORARY_PREFIX,
    WriteError,
    append_row,
    append_rows,
    read_json,
    read_rows,
    write_bytes,
    write_json,
)

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
OWN_FIELDS = {"schema", "version", "length", "digest"}


@given(st.dictionaries(st.text().filter(lambda key: key not in OWN_FIELDS and key < "\ud800"), PLAIN, max_size=4))
@settings(max_examples=50, deadline=None)
def test_a_document_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, content: dict) -> None:
    path = tmp_path_factory.mktemp("store") / "document.json"
    try:
        write_json(path, content, schema="test")
    except InputError:
        assert "\\ud" in ascii(content)  # a lone surrogate is no text
        return
    assert read_json(path, schema="test", version=1) == {**content, "schema": "test", "version": 1}


def test_a_document_is_readable_and_says_its_schema(tmp_path: Path) -> None:
    path = tmp_path / "document.json"
    digest = write_json(path, {"schema": "test.thing", "version": 2, "name": "é", "figures": [1, 2.5]})
    text = path.read_text(encoding="utf-8")
    assert json.loads(text)["digest"] == digest
    assert '"name": "é"' in text
    assert list(json.loads(text))[:4] == ["schema", "version", "length", "digest"]


@pytest.mark.parametrize(
    ("content", "schema", "reason"),
    [
        ({"a": float("nan")}, "s", "not plain JSON"),
        ({"a": object()}, "s", "not plain JSON"),
        ({"a": 1}, None, "schema"),
        ({"digest": "x"}, "s", "digest"),
        ({"version": "one"}, "s", "whole number"),
    ],
)
def test_a_document_that_is_not_plain_json_is_refused(
    tmp_path: Path, content: dict, schema: str | None, reason: str
) -> None:
    path = tmp_path / "document.json"
    with pytest.raises(InputError, match=reason):
        write_json(path, content, schema=schema)
    assert list(tmp_path.iterdir()) == []


def test_reading_names_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "document.json"
    with pytest.raises(InputError, match="no such file"):
        read_json(path)
    write_json(path, {"a": 1}, schema="one", version=3)
    with pytest.raises(DamagedError, match="schema is 'one', expected 'two'"):
        read_json(path, schema="two")
    with pytest.raises(DamagedError, match="version 3"):
        read_json(path, schema="one", version=2)
    for text, reason in (("", "not valid JSON"), ("[]", "list"), ("{}", "'schema' is missing"), ('{"a": NaN}', "NaN")):
        path.write_text(text)
        with pytest.raises(DamagedError, match=reason):
            read_json(path)


def test_every_single_bit_flip_is_harmless_or_noticed(tmp_path: Path) -> None:
    path = tmp_path / "document.json"
    write_json(path, {"medians": {"wall_s": 12.5, "name": "baseline"}, "orders": [1, 2, None, True]}, schema="test")
    stored, content = path.read_bytes(), read_json(path)
    for offset in range(len(stored)):
        for bit in (offset % 8, 5):  # 5 turns letters into the other case
            flipped = bytearray(stored)
            flipped[offset] ^= 1 << bit
            path.write_bytes(flipped)
            try:
                assert read_json(path, schema="test", version=1) == content, (offset, bit)
            except DamagedError as error:
                assert str(path) in str(error)


def test_every_truncation_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "document.json"
    write_json(path, {"medians": [1, 2, 3]}, schema="test")
    stored = path.read_bytes()
    for length in range(len(stored) - 1):  # the last byte is the line end
        path.write_bytes(stored[:length])
        with pytest.raises(DamagedError):
            read_json(path)


# ------------------------------------------------------------------------------------------- rows


def test_rows_come_back_in_order(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    append_row(path, {"run": 1, "wall_s": 1.5})
    append_rows(path, [{"run": 2}, {"run": 3, "note": "zwei\nZeilen"}])
    assert read_rows(path) == [{"run": 1, "wall_s": 1.5}, {"run": 2}, {"run": 3, "note": "zwei\nZeilen"}]


def test_a_torn_tail_is_ignored_and_repaired_by_the_next_append(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    append_row(path, {"run": 1})
    good = path.read_bytes()
    append_row(path, {"run": 2})
    line = path.read_bytes()[len(good) :]
    head = (tmp_path / "rows.jsonl.head").read_bytes()
    for length in range(1, len(line) - 1):
        path.unlink()
        (tmp_path / "rows.jsonl.head").unlink()
        append_row(path, {"run": 1})
        with path.open("ab") as stream:
            stream.write(line[:length])
        if length < len(line) - 1:
            assert read_rows(path) == [{"run": 1}]
        append_row(path, {"run": 2})
        assert read_rows(path) == [{"run": 1}, {"run": 2}]
        assert (tmp_path / "rows.jsonl.head").read_bytes() == head


def test_lost_or_changed_rows_are_noticed(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows = [{"run": number, "wall_s": 1.25} for number in range(3)]
    append_rows(path, rows)
    stored = path.read_bytes()
    for length in range(len(stored)):
        path.write_bytes(stored[:length])
        with pytest.raises(DamagedError):
            read_rows(path)
        with pytest.raises(DamagedError):
            append_row(path, {"run": 9})
    for offset in range(len(stored)):
        for bit in (offset % 8, 5):  # 5 turns letters into the other case
            flipped = bytearray(stored)
            flipped[offset] ^= 1 << bit
            path.write_bytes(flipped)
            try:
                assert read_rows(path) == rows
            except DamagedError as error:
                assert "line" in str(error) or "acknowledged" in str(error)
    lines = stored.splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[2])
    with pytest.raises(DamagedError):
        read_rows(path)


def test_the_check_field_is_the_stores_own(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'check'"):
        append_row(tmp_path / "rows.jsonl", {"check": 1})


def test_two_processes_append_without_mixing(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    code = (
        "import sys; from harness.results.store import append_row\n"
        "for n in range(20): append_row(sys.argv[1], {'who': sys.argv[2], 'n': n})"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(path), name]) for name in "ab"]
    assert [writer.wait() for writer in writers] == [0, 0]
    rows = read_rows(path)
    for name in "ab":
        assert [row["n"] for row in rows if row["who"] == name] == list(range(20))


# ------------------------------------------------------------------------------------------- faults


class Failing(FileSystem):
    """Raises at the n-th operation; with ``kill`` ends the process there as a signal would."""

    def __init__(self, at: int, error: int = errno.ENOSPC, kill: bool = False, short: bool = False) -> None:
        self.at = at
        self.error = error
        self.kill = kill
        self.short = short
        self.count = 0
        self.failed_in = ""

    def called(self, operation: str, path: str) -> None:
        self.count += 1
        if self.count == self.at:
            self.failed_in = operation
            if self.kill:
                os._exit(9)
            if not (self.short and operation == "write"):
                raise OSError(self.error, os.strerror(self.error))

    def write(self, fd: int, data: bytes | memoryview) -> int:
        self.called("write", str(fd))
        if self.short and self.count == self.at:
            os.write(fd, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return os.write(fd, data)


def operations_of(action) -> int:  # type: ignore[no-untyped-def]
    counter = Failing(at=-1)
    with use_file_system(counter):
        action()
    return counter.count


def temporary_files(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(TEMPORARY_PREFIX)]


@pytest.mark.parametrize("fault", ["ENOSPC", "EIO", "short"])
def test_a_failed_write_leaves_the_old_document(tmp_path: Path, fault: str) -> None:
    path = tmp_path / "document.json"
    total = operations_of(lambda: write_json(path, {"n": 0}, schema="test"))
    for at in range(1, total + 1):
        write_json(path, {"n": 0}, schema="test")
        failing = Failing(at, errno.EIO if fault == "EIO" else errno.ENOSPC, short=fault == "short")
        with use_file_system(failing), pytest.raises(WriteError) as raised:
            write_json(path, {"n": 1}, schema="test")
        assert str(path) in str(raised.value)
        assert read_json(path)["n"] == (1 if failing.failed_in == "fsync_folder" else 0)
        assert ("may not survive" in str(raised.value)) == (failing.failed_in == "fsync_folder")
        assert temporary_files(tmp_path) == []


@pytest.mark.parametrize("fault", ["ENOSPC", "EIO", "short"])
def test_a_failed_append_keeps_the_rows_and_can_be_repeated(tmp_path: Path, fault: str) -> None:
    append_row(tmp_path / "count.jsonl", {"n": 0})
    total = operations_of(lambda: append_row(tmp_path / "count.jsonl", {"n": 1}))
    for at in range(1, total + 1):
        path = tmp_path / f"rows{at}.jsonl"
        append_row(path, {"n": 0})
        failing = Failing(at, errno.EIO if fault == "EIO" else errno.ENOSPC, short=fault == "short")
        with use_file_system(failing), pytest.raises((WriteError, InputError)):
            append_row(path, {"n": 1})
        stored = [row["n"] for row in read_rows(path)]
        assert stored in ([0], [0, 1])
        if stored == [0]:
            append_row(path, {"n": 1})
        append_row(path, {"n": 2})
        assert [row["n"] for row in read_rows(path)] == [0, 1, 2], failing.failed_in


def in_child(action) -> int:  # type: ignore[no-untyped-def]
    """Run ``action`` in a forked child that may be killed; returns its exit status."""
    pid = os.fork()
    if pid == 0:
        try:
            action()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_kill_at_any_operation_of_a_write_leaves_old_or_new(tmp_path: Path) -> None:
    path = tmp_path / "document.json"
    total = operations_of(lambda: write_json(path, {"n": 0}, schema="test"))

    def killed(at: int) -> None:
        with use_file_system(Failing(at, kill=True)):
            write_json(path, {"n": 1}, schema="test")

    for at in range(1, total + 1):
        write_json(path, {"n": 0}, schema="test")
        assert in_child(lambda at=at: killed(at)) == 9
        assert read_json(path)["n"] in (0, 1)
        write_json(path, {"n": 2}, schema="test")
        assert read_json(path)["n"] == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_kill_at_any_operation_of_an_append_loses_no_acknowledged_row(tmp_path: Path) -> None:
    append_row(tmp_path / "count.jsonl", {"n": 0})
    total = operations_of(lambda: append_row(tmp_path / "count.jsonl", {"n": 1}))
    for at in range(1, total + 1):
        path = tmp_path / f"rows{at}.jsonl"
        append_row(path, {"n": 0})

        def killed(at: int = at, path: Path = path) -> None:
            with use_file_system(Failing(at, kill=True)):
                append_row(path, {"n": 1})

        assert in_child(killed) == 9
        assert [row["n"] for row in read_rows(path)] in ([0], [0, 1])
        append_row(path, {"n": 2})
        assert [row["n"] for row in read_rows(path)] in ([0, 2], [0, 1, 2])


def test_bytes_are_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "deeper" / "data.bin"
    first = write_bytes(path, b"one")
    second = write_bytes(path, b"two" * 1000)
    assert first != second
    assert path.read_bytes() == b"two" * 1000
    assert [file.name for file in path.parent.iterdir()] == ["data.bin"]


def test_rows_that_moved_do_not_hide_that_the_last_one_is_gone(tmp_path: Path) -> None:
    """Blanks that an editor added move every offset; the rows are counted all the same."""
    path = tmp_path / "rows.jsonl"
    append_rows(path, [{"n": 0}, {"n": 1}, {"n": 2}])
    lines = path.read_bytes().splitlines(keepends=True)
    words = f"{path}: 2 rows, but 3 were acknowledged; rows are lost, restore the file or run 'harness fsck --repair'"
    for last in (lines[1] + lines[2][:8], lines[1].rstrip(b"\n")):
        path.write_bytes(lines[0].replace(b" ", b" " * 100) + last)
        with pytest.raises(DamagedError, match=f"^{re.escape(words)}$"):
            read_rows(path)
