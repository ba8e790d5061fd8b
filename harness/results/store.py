"""Files that a later command trusts: written whole, checked when read.

Three kinds:

* **Documents** (:func:`write_json`, :func:`read_json`): one JSON object a person can read, with four fields of its
  own beside the content: ``schema``, ``version``, ``length`` (bytes of the canonical content) and ``digest``
  (SHA-256 of it). The canonical form is the content with sorted keys and no spaces, so line ends and indentation
  may change under way, a value may not.
* **Rows** (:func:`append_row`, :func:`read_rows`): JSON lines. Each row's ``check`` covers its content and the row
  before it. ``<name>.head`` beside the file says how many rows were acknowledged, so a lost tail is noticed.
* **Bytes** (:func:`write_bytes`): anything else; the caller keeps the returned digest in a document.

Writing is: temporary file in the same folder, all bytes, size check, fsync, rename, fsync of the folder. When a call
returns, its content survives a power cut; when it raises or the process dies, the old content is still there.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness.errors import DamagedError, HarnessError, InputError
from harness.results.file_system import FileSystem, close_quietly, file_system
from harness.results.lock import lock_descriptor, unlock_descriptor

ENVELOPE = ("schema", "version", "length", "digest")
HEAD_SCHEMA = "harness.rows-head"
TEMPORARY_PREFIX = ".tmp-"
_counter = itertools.count()


class WriteError(HarnessError):
    """The operating system refused to store a file; what was there before is unchanged."""


# --------------------------------------------------------------------------------------------- whole files


def write_bytes(path: str | os.PathLike[str], data: bytes, durable: bool = True) -> str:
    """Store ``data`` at ``path`` whole. Returns its digest (``sha256:<hex>``). Raises :class:`WriteError`.

    ``durable=False`` leaves out the fsyncs: for caches, which may be lost in a power cut but not be half there.
    """
    target = Path(path)
    fs = file_system()
    try:
        fs.make_folder(target.parent)
        _replace(fs, target, data, durable)
    except OSError as error:
        raise _write_error(target, error) from error
    if durable:
        try:
            fs.fsync_folder(target.parent)
        except OSError as error:
            reason = error.strerror or str(error)
            raise WriteError(f"{target}: written, but may not survive a power cut ({reason}); run again") from error
    return bytes_digest(data)


def _replace(fs: FileSystem, target: Path, data: bytes, durable: bool) -> None:
    temporary = target.with_name(
        f"{TEMPORARY_PREFIX}{target.name}.{os.getpid()}-{threading.get_ident()}-{next(_counter)}"
    )
    fd = fs.create(temporary)
    try:
        try:
            _write_all(fs, fd, data)
            if fs.size(fd) != len(data):
                raise OSError(f"only {fs.size(fd)} of {len(data)} bytes arrived")
            if durable:
                fs.fsync(fd)
        except BaseException:
            close_quietly(fd)
            raise
        fs.close(fd)
        fs.rename(temporary, target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def bytes_digest(data: bytes) -> str:
    """SHA-256 of ``data`` as ``sha256:<hex>``."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def write_json(
    path: str | os.PathLike[str],
    document: Mapping[str, Any],
    schema: str | None = None,
    version: int | None = None,
    durable: bool = True,
) -> str:
    """Store ``document`` at ``path`` as a checked JSON document. Returns its digest.

    ``schema`` and ``version`` may be given here or be fields of the document (``schema`` is needed, ``version`` is 1
    when neither says). ``length`` and ``digest`` are reserved; ``durable`` as in :func:`write_bytes`. Raises
    ``InputError`` when the content is not plain JSON (not finite numbers included) and :class:`WriteError` when it
    cannot be stored.
    """
    content = dict(document)
    content["schema"] = schema or content.get("schema")
    content["version"] = version if version is not None else content.get("version", 1)
    if not isinstance(content["schema"], str) or not content["schema"]:
        raise InputError(f"{path}: a stored document needs a schema name; pass schema= or a 'schema' field")
    if not isinstance(content["version"], int):
        raise InputError(f"{path}: the document's version must be a whole number, not {content['version']!r}")
    for reserved in ("length", "digest"):
        if reserved in content:
            raise InputError(f"{path}: the field {reserved!r} is the store's own; name yours otherwise")
    canonical = _canonical(content, path)
    digest = bytes_digest(canonical)
    head = {"schema": content.pop("schema"), "version": content.pop("version")}
    envelope = {**head, "length": len(canonical), "digest": digest, **content}
    write_bytes(path, (json.dumps(envelope, indent=2, ensure_ascii=False) + "\n").encode(), durable)
    return digest


def read_json(path: str | os.PathLike[str], schema: str | None = None, version: int | None = None) -> dict[str, Any]:
    """The document stored at ``path``, verified: the content with ``schema`` and ``version``, without the digest.

    Raises ``InputError`` when the file is missing or not readable, ``DamagedError`` when it is not exactly what was
    stored, has another ``schema``, or a ``version`` newer than ``version``.
    """
    source = Path(path)
    try:
        raw = file_system().read(source)
    except OSError as error:
        raise _read_error(source, error) from error
    try:
        document = json.loads(raw, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"{source}: not valid JSON ({error}); restore it or write it again") from error
    if not isinstance(document, dict):
        raise DamagedError(f"{source}: holds a {type(document).__name__}, not a stored document; write it again")
    missing = [name for name in ENVELOPE if name not in document]
    if missing:
        raise DamagedError(f"{source}: the field {missing[0]!r} is missing; not a stored document, or damaged")
    length, digest = document.pop("length"), document.pop("digest")
    try:
        canonical = _canonical(document, source)
    except InputError as error:  # 1e999 is read as infinity, which was never stored
        raise DamagedError(f"{error}; restore it or write it again") from error
    if length != len(canonical) or isinstance(length, bool):
        raise DamagedError(f"{source}: content is {len(canonical)} bytes, {length} were stored; restore or rewrite it")
    if digest != bytes_digest(canonical):
        raise DamagedError(f"{source}: content does not match its digest; it was changed after it was stored")
    if schema is not None and document["schema"] != schema:
        raise DamagedError(f"{source}: schema is {document['schema']!r}, expected {schema!r}")
    if version is not None and document["version"] > version:
        raise DamagedError(
            f"{source}: version {document['version']} of {document['schema']}; "
            f"this harness reads up to {version}, update it"
        )
    return document


# --------------------------------------------------------------------------------------------- rows


def append_row(path: str | os.PathLike[str], row: Mapping[str, Any]) -> None:
    """Append one row to the JSON lines at ``path``; durable when the call returns. See :func:`append_rows`."""
    append_rows(path, [row])


def append_rows(path: str | os.PathLike[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Append ``rows``. A torn tail left by a killed writer is removed first; acknowledged rows never are.

    Several processes may append to one file. Raises ``DamagedError`` when acknowledged rows are gone or changed,
    ``InputError`` for a row that is not plain JSON, :class:`WriteError` when the disk refuses.
    """
    target = Path(path)
    checked_rows = [dict(row) for row in rows]
    for row in checked_rows:
        if "check" in row:
            raise InputError(f"{target}: the field 'check' is the store's own; name yours otherwise")
        _canonical(row, target)
    fs = file_system()
    try:
        fs.make_folder(target.parent)
        fd = fs.open_update(target)
    except OSError as error:
        raise _write_error(target, error) from error
    try:
        lock_descriptor(fd, wait=True)
        try:
            head = _read_head(target)
            tail = _scan(target, head)
            data = bytearray()
            check = tail.check
            for row in checked_rows:
                check = row_check(check, row)
                data += _row_line(row, check)
            try:
                fs.truncate(fd, tail.end)
                fs.seek(fd, tail.end)
                _write_all(fs, fd, tail.missing_newline + bytes(data))
                fs.fsync(fd)
                end = tail.end + len(tail.missing_newline) + len(data)
                if fs.size(fd) != end:
                    raise OSError(f"the file is {fs.size(fd)} bytes long, not {end}")
                count = head["rows"] + len(tail.rows) + len(checked_rows)
                write_json(_head_path(target), {"rows": count, "bytes": end, "check": check}, schema=HEAD_SCHEMA)
            except (OSError, HarnessError):
                # The caller will be told that nothing was stored, and may append the same rows again.
                with suppress(OSError, HarnessError):
                    if _read_head(target) == head:
                        os.ftruncate(fd, tail.end)
                raise
        finally:
            unlock_descriptor(fd)
    except OSError as error:
        raise _write_error(target, error) from error
    finally:
        close_quietly(fd)


def read_rows(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """All rows at ``path``, verified, oldest first; an unacknowledged torn tail is left out.

    Raises ``InputError`` when the file is missing, ``DamagedError`` naming the line when a row is not what was
    written or acknowledged rows are gone.
    """
    target = Path(path)
    rows = _scan(target, _read_head(target), whole=True).rows
    return [{key: value for key, value in row.items() if key != "check"} for row in rows]


def rows_exist(path: str | os.PathLike[str]) -> bool:
    """Whether rows were ever stored at ``path``, also when their file is gone."""
    return Path(path).exists() or _head_path(Path(path)).exists()


def rows_torn_bytes(path: str | os.PathLike[str]) -> int:
    """Bytes after the last whole row: what a killed writer left. Raises as :func:`read_rows`."""
    target = Path(path)
    tail = _scan(target, _read_head(target), whole=True)
    return target.stat().st_size - tail.end


def trim_rows(path: str | os.PathLike[str]) -> None:
    """Cut a torn tail now instead of at the next append."""
    append_rows(path, [])


def salvage_rows(path: str | os.PathLike[str]) -> int:
    """Set a damaged row file aside as ``<name>.damaged`` and store its verified leading rows anew; returns how many.

    Rows after the first damaged one are only in the file set aside. The caller sees to it that nobody appends
    meanwhile. Raises :class:`WriteError`.
    """
    target = Path(path)
    fs = file_system()
    try:
        raw = fs.read(target)
    except OSError as error:
        raise _read_error(target, error) from error
    good = bytearray()
    count = 0
    check = ""
    for line in raw.split(b"\n"):
        row = _verified_row(line, check)
        if row is None:
            break
        check = row["check"]
        good += line + b"\n"
        count += 1
    aside = target.with_name(target.name + ".damaged")
    number = 1
    while aside.exists():
        number += 1
        aside = target.with_name(f"{target.name}.damaged-{number}")
    write_bytes(aside, raw)
    write_bytes(target, bytes(good))
    write_json(_head_path(target), {"rows": count, "bytes": len(good), "check": check}, schema=HEAD_SCHEMA)
    return count


def row_check(previous: str, row: Mapping[str, Any]) -> str:
    """The check of ``row`` after a row with check ``previous`` (empty for the first): 16 hexadecimal digits."""
    content = {key: value for key, value in row.items() if key != "check"}
    return hashlib.sha256(previous.encode() + b"\n" + _canonical(content, "row")).hexdigest()[:16]


class _Tail:
    """What was found from an offset on: verified rows, where the good part ends, the last check."""

    __slots__ = ("check", "end", "missing_newline", "rows")

    def __init__(self, rows: list[dict[str, Any]], end: int, check: str, missing_newline: bytes) -> None:
        self.rows = rows
        self.end = end
        self.check = check
        self.missing_newline = missing_newline


def _head_path(path: Path) -> Path:
    return path.with_name(path.name + ".head")


def _read_head(path: Path) -> dict[str, Any]:
    head_path = _head_path(path)
    try:
        head = read_json(head_path, schema=HEAD_SCHEMA)
    except InputError as error:
        if not isinstance(error.__cause__, FileNotFoundError):
            raise  # without it, acknowledged rows could not be told from others
        return {"rows": 0, "bytes": 0, "check": ""}
    if not all(isinstance(head.get(name), kind) for name, kind in (("rows", int), ("bytes", int), ("check", str))):
        raise DamagedError(f"{head_path}: rows, bytes and check are not as written; run 'harness fsck'")
    return head


def _scan(path: Path, head: Mapping[str, Any], whole: bool = False) -> _Tail:
    """Verify the rows of ``path``: all of them, or only those after the acknowledged part."""
    start = 0 if whole else int(head["bytes"])
    check = "" if whole else str(head["check"])
    try:
        raw = file_system().read_from(path, start)
        size = path.stat().st_size
    except FileNotFoundError as error:
        if head["rows"]:
            raise DamagedError(
                f"{path}: is gone, but {head['rows']} rows were acknowledged; restore the file"
            ) from error
        raise _read_error(path, error) from error
    except OSError as error:
        raise _read_error(path, error) from error
    if size < head["bytes"]:
        raise DamagedError(
            f"{path}: {size} bytes, but {head['rows']} rows in {head['bytes']} bytes were acknowledged; "
            "rows are lost, restore the file or run 'harness fsck --repair'"
        )
    rows: list[dict[str, Any]] = []
    end, missing_newline = start, b""
    first_line = 1 if whole else int(head["rows"]) + 1
    *lines, tail = raw.split(b"\n")
    for line in lines:
        row = _verified_row(line, check)
        if row is None:
            raise DamagedError(f"{path}: line {first_line + len(rows)} does not match its check; run 'harness fsck'")
        rows.append(row)
        check = row["check"]
        end += len(line) + 1
    row = _verified_row(tail, check)
    if row is not None:
        rows.append(row)
        check = row["check"]
        end, missing_newline = end + len(tail), b"\n"
    elif end < head["bytes"] or _complete_row_inside(tail, check):
        raise DamagedError(f"{path}: line {first_line + len(rows)} was changed after it was written")
    if whole:
        # Counted, not measured: an editor that added blanks has moved every offset.
        if len(rows) < head["rows"]:
            raise DamagedError(
                f"{path}: {len(rows)} rows, but {head['rows']} were acknowledged; rows are lost, restore the file or "
                "run 'harness fsck --repair'"
            )
        if head["rows"] and rows[head["rows"] - 1]["check"] != head["check"]:
            raise DamagedError(f"{path}: not the {head['rows']} rows that were acknowledged; run 'harness fsck'")
    return _Tail(rows, end, check, missing_newline)


def _complete_row_inside(line: bytes, check: str) -> bool:
    """Whether a tail without line end is a whole row followed by something: a damaged line end, not a torn row."""
    text = line.decode(errors="replace")
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return False
    return _verified_row(text[:end], check) is not None


def _verified_row(line: bytes | str, check: str) -> dict[str, Any] | None:
    """The row in ``line``, when it is what was written after a row with ``check``."""
    try:
        row = json.loads(line)
        return row if isinstance(row, dict) and row.get("check") == row_check(check, row) else None
    except (ValueError, RecursionError, InputError):
        return None


def _row_line(row: Mapping[str, Any], check: str) -> bytes:
    """``row``, which is known to be plain JSON, as its line."""
    return json.dumps({**row, "check": check}, ensure_ascii=False).encode() + b"\n"


# --------------------------------------------------------------------------------------------- shared


def _write_all(fs: FileSystem, fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        written = fs.write(fd, view)
        if written <= 0:
            raise OSError("the system wrote nothing")
        view = view[written:]


def _canonical(content: Mapping[str, Any], path: object) -> bytes:
    try:
        return json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: the content is not plain JSON ({error})") from error


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _write_error(path: Path, error: OSError) -> WriteError:
    reason = error.strerror or str(error)
    return WriteError(
        f"{path}: cannot be written ({reason}); what was stored before is unchanged, fix that and run again"
    )


def _read_error(path: Path, error: OSError) -> InputError:
    if isinstance(error, FileNotFoundError):
        return InputError(f"{path}: no such file")
    return InputError(f"{path}: cannot be read ({error.strerror or error})")
