"""The report's JSON as a published schema, and reading reports of this and older versions.

``docs/schemas/report-v<N>.json`` is what ``harness schema`` prints; a test holds the two together, so a change of
the report's form cannot go unnoticed. A version is never changed after it was published: a new one is added, with a
step in ``UPGRADES`` that brings the one before it to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.errors import DamagedError, InputError
from harness.report.model import SCHEMA, VERSION, Report

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ENVELOPE = {
    "schema": {"const": SCHEMA, "description": "What kind of document this is."},
    "version": {"const": VERSION, "description": "Version of the document's form."},
}
STORED = {
    "length": {"type": "integer", "description": "Bytes of the content; only in stored files."},
    "digest": {"type": "string", "description": "Digest of the content; only in stored files."},
}


def report_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of ``harness bench --json`` and ``report.json``."""
    from pydantic import TypeAdapter

    made = TypeAdapter(Report).json_schema(mode="serialization")
    properties = {**ENVELOPE, **made["properties"], **STORED}
    names = [*ENVELOPE, *made["properties"]]
    return {
        "$schema": DIALECT,
        "title": "Report of a benchmark session",
        "description": "Ratios are candidate / baseline. Names end in their unit: _s seconds, _mib MiB.",
        "type": "object",
        "properties": properties,
        "required": names,
        "additionalProperties": False,
        "$defs": {name: _closed(part) for name, part in made.get("$defs", {}).items()},
    }


def report_from_dict(document: Mapping[str, Any], where: str) -> Report:
    """The report of a document of this or an older version.

    Raises ``InputError`` when it is another document or a newer version, ``DamagedError`` when its form is wrong.
    """
    from pydantic import TypeAdapter, ValidationError

    if document.get("schema") != SCHEMA:
        raise InputError(f"{where}: schema is {document.get('schema')!r}, not {SCHEMA!r}; give a report.json")
    version = document.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise DamagedError(f"{where}: version is {version!r}, not a number from 1; write the report again")
    if version > VERSION:
        raise InputError(f"{where}: version {version}, this harness reads up to {VERSION}; update it")
    fields = {key: value for key, value in document.items() if key not in (*ENVELOPE, *STORED)}
    for step in range(version, VERSION):
        fields = UPGRADES[step](fields)
    try:
        return TypeAdapter(Report).validate_python(fields)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise DamagedError(f"{where}: {place}: {first['msg']}; write the report again with `harness report`") from error


def read_report(path: Path) -> Report:
    """The report stored at ``path``, verified. Raises as :func:`report_from_dict` and ``read_json`` do."""
    from harness.results.store import read_json

    return report_from_dict(read_json(path, schema=SCHEMA), str(path))


def _closed(part: dict[str, Any]) -> dict[str, Any]:
    return {**part, "additionalProperties": False}


def _from_1(fields: dict[str, Any]) -> dict[str, Any]:
    """Version 1 knew neither the stages that became slower nor the cost of the timers."""
    return {**fields, "slower_stages": [], "instrumentation": None}


def _from_2(fields: dict[str, Any]) -> dict[str, Any]:
    """Version 2 compared the stages by wall time alone."""
    names = ("baseline_cpu_s", "candidate_cpu_s", "cpu_ratio", "cpu_low", "cpu_high")
    return {**fields, "stages": [{**stage, **dict.fromkeys(names)} for stage in fields["stages"]]}


UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _from_1, 2: _from_2}
