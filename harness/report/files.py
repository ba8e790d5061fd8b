"""The report's files beside a session."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from harness.report.markdown import render_markdown
from harness.report.model import SCHEMA, VERSION, Report, report_to_dict
from harness.results.store import write_bytes, write_json

JSON_NAME = "report.json"
MARKDOWN_NAME = "report.md"
HTML_NAME = "report.html"
PNG_NAME = "report.png"


def write_report(report: Report, folder: Path) -> list[Path]:
    """Writes ``report.json`` and ``report.md``, and ``report.html`` and ``report.png`` where what draws them is
    installed (the extra ``report``). Each is written whole; returns their paths."""
    write_json(folder / JSON_NAME, report_to_dict(report), schema=SCHEMA, version=VERSION)
    write_bytes(folder / MARKDOWN_NAME, render_markdown(report).encode())
    written = [folder / JSON_NAME, folder / MARKDOWN_NAME]
    if find_spec("plotly") is not None:
        written.append(write_html(report, folder))
    if find_spec("matplotlib") is not None:
        written.append(write_png(report, folder))
    return written


def write_html(report: Report, folder: Path, target: Path | None = None) -> Path:
    """The HTML page of the session in ``folder``; by default beside it. Raises ``InputError`` without plotly."""
    from harness.report.curves import read_curves
    from harness.report.html import render_html

    path = target or folder / HTML_NAME
    write_bytes(path, render_html(report, read_curves(report, folder)).encode(), durable=False)
    return path


def write_png(report: Report, folder: Path, target: Path | None = None) -> Path:
    """The PNG picture; by default beside the session. Raises ``InputError`` without matplotlib."""
    from harness.report.png import render_png

    path = target or folder / PNG_NAME
    write_bytes(path, render_png(report), durable=False)
    return path
