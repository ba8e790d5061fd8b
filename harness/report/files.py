"""The report's files beside a session."""

from __future__ import annotations

from pathlib import Path

from harness.report.markdown import render_markdown
from harness.report.model import SCHEMA, VERSION, Report, report_to_dict
from harness.results.store import write_bytes, write_json

JSON_NAME = "report.json"
MARKDOWN_NAME = "report.md"


def write_report(report: Report, folder: Path) -> list[Path]:
    """Writes ``report.json`` and ``report.md``, each whole; returns their paths."""
    write_json(folder / JSON_NAME, report_to_dict(report), schema=SCHEMA, version=VERSION)
    write_bytes(folder / MARKDOWN_NAME, render_markdown(report).encode())
    return [folder / JSON_NAME, folder / MARKDOWN_NAME]
