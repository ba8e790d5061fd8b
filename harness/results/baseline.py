"""Stored baselines: what parity and drift are held against.

``<scenario>.json`` is the baseline: the record given (medians, stage timings, fingerprint), Lean's summary figures,
and the digests of two files beside it: ``<scenario>-order-events.json.gz`` (the order events as Lean wrote them) and
``<scenario>-result.json.gz`` (the rest of the result without what is volatile). The compressed bytes depend on the
content alone.

The three are replaced together: new companions are stored as ``.next``, then the baseline is renamed into place, then
the companions. A reader that comes in between, or after a crash, takes whichever companion has the digest.
"""

from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from harness.errors import BusyError, DamagedError, HarnessError, InputError
from harness.results.changes import changed_lines
from harness.results.decoding import decode_exact
from harness.results.file_system import file_system
from harness.results.lean_results import LeanResults
from harness.results.lock import FolderLock
from harness.results.spans import Sections, SectionText
from harness.results.store import WriteError, bytes_digest, read_json, write_bytes, write_json
from harness.results.volatile import without_volatile

BASELINE_SCHEMA = "harness.baseline"
BASELINE_VERSION = 1
NEXT = ".next"
_COMPANION_FIELDS = ("file", "digest", "packed_digest")
MOST_UNPACKED_BYTES = 2 << 30
ORDER_EVENTS_SUFFIX = "-order-events.json.gz"
RESULT_SUFFIX = "-result.json.gz"
LOCK_WAIT_S = 30.0

# Sections whose figures a reader wants to see in the baseline file itself.
_SUMMARY = ("statistics", "runtimeStatistics", "state")

_encoder = msgspec.json.Encoder(decimal_format="number")


class BaselineExistsError(HarnessError):
    """A different baseline is stored already; ``changes`` says what would change."""

    def __init__(self, message: str, changes: list[str]) -> None:
        super().__init__(message)
        self.changes = changes


@dataclass(frozen=True)
class StoredBaseline:
    """A baseline read back: its file, the scenario's name, the record that was given, Lean's summary figures."""

    path: Path
    scenario: str
    record: dict[str, Any]
    summary: dict[str, Any]
    order_event_count: int | None
    companions: dict[str, dict[str, Any]]

    @cached_property
    def results(self) -> BaselineResults:
        """The stored backtest, to be compared like any results folder."""
        return BaselineResults(self)

    def companion_path(self, kind: str) -> Path | None:
        """The file of ``order_events`` or ``result``; None when the backtest had none."""
        entry = self.companions.get(kind)
        return self.path.with_name(Path(entry["file"]).name) if entry else None

    def companion(self, kind: str) -> bytes | None:
        """The text of ``order_events`` or ``result``, verified.

        ``DamagedError`` when it is not what was stored, ``BusyError`` when another baseline took its place meanwhile.
        """
        entry = self.companions.get(kind)
        if entry is None:
            return None
        path = self.path.with_name(Path(entry["file"]).name)
        problem = "is missing"
        # The writer may rename the second to the first just between two looks: then the first is right at the third.
        for candidate in (path, path.with_name(path.name + NEXT), path):
            try:
                packed = file_system().read(candidate)
            except OSError as error:
                problem = problem if isinstance(error, FileNotFoundError) else str(error.strerror)
                continue
            if bytes_digest(packed) != entry["packed_digest"]:
                problem = "does not match its digest in the baseline"
                continue
            try:
                text = _unpacked(packed)
            except (OSError, EOFError, zlib.error) as error:
                problem = f"cannot be decompressed ({error})"
                break
            if bytes_digest(text) == entry["digest"]:
                return text
            problem = "does not hold the text whose digest is in the baseline"
        if self._replaced():
            raise BusyError(f"{self.path}: was replaced while it was read; run again")
        raise DamagedError(f"{path}: {problem}; restore it from version control or run 'make baseline'")

    def _replaced(self) -> bool:
        """Whether another baseline was stored at this path since this one was read."""
        try:
            return bool(read_json(self.path, schema=BASELINE_SCHEMA)["companions"] != self.companions)
        except (HarnessError, KeyError):
            return False


def _unpacked(packed: bytes) -> bytes:
    """The content of a gzip file. Raises ``OSError`` when it is larger than any result: a few kilobytes can be."""
    with gzip.GzipFile(fileobj=io.BytesIO(packed)) as stream:
        text = stream.read(MOST_UNPACKED_BYTES + 1)
    if len(text) > MOST_UNPACKED_BYTES:
        raise OSError(f"holds more than {MOST_UNPACKED_BYTES // 2**20} MiB")
    return text


class BaselineResults(LeanResults):
    """A stored baseline read like a Lean results folder. It has no log; volatile fields were left out."""

    def __init__(self, baseline: StoredBaseline) -> None:
        self.baseline = baseline
        self.folder = baseline.path.parent
        self.result_id = baseline.scenario
        self.path = baseline.path
        self.summary_path = baseline.path
        self.log_path = baseline.path.with_name(f"{baseline.scenario}-log.txt")

    @cached_property
    def document(self) -> Sections:
        path, text = self.baseline.companion_path("result"), self.baseline.companion("result")
        if path is None or text is None:
            raise DamagedError(f"{self.path}: names no result file; run 'make baseline'")
        return SectionText(text, path)

    @property
    def order_events_path(self) -> Path | None:
        return self.baseline.companion_path("order_events")

    def open_order_events(self) -> BinaryIO:
        text = self.baseline.companion("order_events")
        if text is None:
            raise InputError(f"{self.path}: the baseline has no order events")
        return io.BytesIO(text)


def save_baseline(
    path: str | os.PathLike[str],
    record: Mapping[str, Any],
    lean_folder: str | os.PathLike[str] | LeanResults,
    force: bool = False,
) -> list[str]:
    """Store ``record`` (plain JSON) and the backtest in ``lean_folder`` as the baseline file ``path``.

    Returns what changed against the baseline stored before (empty: nothing, or there was none). When one is stored
    that differs, ``force`` replaces it; without it :class:`BaselineExistsError` says what would change. Waits up to
    30 s for another writer, then ``BusyError``. Raises ``InputError`` for a backtest without a result document.
    """
    target = Path(path)
    results = lean_folder if isinstance(lean_folder, LeanResults) else LeanResults(lean_folder)
    scenario = target.name.removesuffix(".json")
    packed: dict[str, bytes] = {}
    companions: dict[str, dict[str, Any]] = {}
    contents = {"order_events": _order_events_text(results), "result": _result_text(results)}
    for kind, text in contents.items():
        if text is None:
            continue
        packed[kind] = gzip.compress(text, compresslevel=9, mtime=0)
        companions[kind] = {
            "file": scenario + (ORDER_EVENTS_SUFFIX if kind == "order_events" else RESULT_SUFFIX),
            "bytes": len(text),
            "digest": bytes_digest(text),
            "packed_digest": bytes_digest(packed[kind]),
        }
    events = contents["order_events"]
    document = {
        "scenario": scenario,
        "record": dict(record),
        "summary": _summary(results),
        "order_event_count": len(msgspec.json.decode(events, type=list[msgspec.Raw])) if events is not None else None,
        "companions": companions,
    }
    with FolderLock(target.parent, f"storing the baseline {scenario}", wait_s=LOCK_WAIT_S):
        changes = _changes(target, document)
        if not changes and target.exists():
            _finish(target, companions)
            return []
        if changes and not force:
            shown = "; ".join(changes[:3]) + (f"; {len(changes) - 3} more" if len(changes) > 3 else "")
            raise BaselineExistsError(
                f"{target}: differs from the stored baseline ({shown}); use --force to replace it", changes
            )
        for kind, entry in companions.items():
            write_bytes(target.with_name(entry["file"] + NEXT), packed[kind])
        write_json(target, document, schema=BASELINE_SCHEMA, version=BASELINE_VERSION)
        _finish(target, companions)
    return changes


def load_baseline(path: str | os.PathLike[str]) -> StoredBaseline:
    """The baseline stored at ``path``. ``InputError`` when there is none, ``DamagedError`` when it is not whole."""
    source = Path(path)
    document = read_json(source, schema=BASELINE_SCHEMA, version=BASELINE_VERSION)
    try:
        companions = document["companions"]
        if not isinstance(companions, dict) or not all(
            isinstance(entry, dict) and all(isinstance(entry.get(key), str) for key in _COMPANION_FIELDS)
            for entry in companions.values()
        ):
            raise DamagedError(f"{source}: its companion files are not named as written; run 'make baseline'")
        return StoredBaseline(
            path=source,
            scenario=document["scenario"],
            record=document["record"],
            summary=document["summary"],
            order_event_count=document["order_event_count"],
            companions=companions,
        )
    except KeyError as error:
        raise DamagedError(f"{source}: the field {error} is missing; run 'make baseline'") from error


def finish_baseline(baseline: StoredBaseline) -> None:
    """Do the renames that an interrupted :func:`save_baseline` left undone. The caller holds the folder's lock."""
    _finish(baseline.path, baseline.companions)


def _order_events_text(results: LeanResults) -> bytes | None:
    if results.order_events_path is None:
        return None
    with results.open_order_events() as stream:
        text = stream.read()
    decode_exact(text, results.order_events_path)
    return text


def _result_text(results: LeanResults) -> bytes:
    document = results.document
    sections = {name: without_volatile(document.value(name, exact=True), (name,)) for name in _kept(document.names)}
    return _encoder.encode(sections)


def _kept(names: list[str]) -> list[str]:
    return list(without_volatile(dict.fromkeys(names)))


def _summary(results: LeanResults) -> dict[str, Any]:
    found = {name: without_volatile(results.section(name) or {}, (name,)) for name in _SUMMARY}
    performance = results.performance
    found["tradeStatistics"] = performance.trade_statistics or {}
    found["portfolioStatistics"] = performance.portfolio_statistics or {}
    return found


def _changes(target: Path, document: Mapping[str, Any]) -> list[str]:
    """What storing ``document`` at ``target`` would change; empty when nothing is stored or it is the same."""
    if not target.exists():
        return []
    try:
        stored = load_baseline(target)
        for kind in stored.companions:
            stored.companion(kind)
    except DamagedError as error:
        return [f"the stored baseline is damaged ({error})"]
    old = {
        "scenario": stored.scenario,
        "record": stored.record,
        "summary": stored.summary,
        "order_event_count": stored.order_event_count,
        "companions": {kind: entry["digest"] for kind, entry in stored.companions.items()},
    }
    new = {**document, "companions": {kind: entry["digest"] for kind, entry in document["companions"].items()}}
    return changed_lines(old, new)


def _finish(target: Path, companions: Mapping[str, Mapping[str, Any]]) -> None:
    """Rename companions stored as ``.next`` into place; remove those that belong to no stored baseline."""
    try:
        _rename_companions(target, companions)
    except OSError as error:
        reason = error.strerror or str(error)
        raise WriteError(f"{target}: stored, but its files could not be put in order ({reason}); run again") from error


def _rename_companions(target: Path, companions: Mapping[str, Mapping[str, Any]]) -> None:
    fs = file_system()
    for entry in companions.values():
        following = target.with_name(entry["file"] + NEXT)
        if not following.exists():
            continue
        if bytes_digest(fs.read(following)) == entry["packed_digest"]:
            fs.rename(following, target.with_name(entry["file"]))
        else:
            with suppress(OSError):
                fs.remove(following)
    if "order_events" not in companions:
        with suppress(OSError):
            target.with_name(target.name.removesuffix(".json") + ORDER_EVENTS_SUFFIX).unlink()
    fs.fsync_folder(target.parent)
