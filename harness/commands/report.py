"""``harness report`` and ``harness schema``: a stored session in another form, and the form of the JSON."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from harness.commands.common import print_json, settings_from, shown
from harness.errors import InputError

EPILOG = (
    "Examples:  harness report   harness report NAME --format html --output page.html   "
    "harness report path/to/report.json --format markdown"
)


class Format(StrEnum):
    """What a report can be rendered as."""

    HTML = "html"
    MARKDOWN = "markdown"
    PNG = "png"
    JSON = "json"


def report(
    session: Annotated[str | None, typer.Argument(help="Name, folder or report.json; default: the latest.")] = None,
    wanted: Annotated[Format, typer.Option("--format", "-f", help="Form of the report.")] = Format.HTML,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File; text goes to the terminal else.")] = None,
    config: Annotated[
        Path | None, typer.Option("--config", help="Settings file; default: nearest harness.toml.")
    ] = None,
) -> None:
    """Render a stored session's report as HTML, Markdown, PNG or JSON. Exit 0 whatever the verdict."""
    from harness.bench.session import load_session
    from harness.commands.bench import find_session, stored_baseline
    from harness.report.files import HTML_NAME, PNG_NAME, write_html, write_png
    from harness.report.markdown import render_markdown
    from harness.report.model import build_report, report_to_dict
    from harness.report.schema import read_report
    from harness.results.store import write_bytes

    if session is not None and session.endswith(".json"):
        source = Path(session)
        if not source.is_file():
            raise InputError(f"{source}: no such file; give a session or its report.json")
        folder, made = source.resolve().parent, read_report(source)
    else:
        settings = settings_from(config)
        folder = find_session(settings.path(settings.folders.runs), session)
        stored_session = load_session(folder)
        stored = stored_baseline(settings, stored_session.setup.scenario)
        made = build_report(stored_session, None if stored is None else stored.record)
    if wanted is Format.HTML:
        print(shown(write_html(made, folder, output or folder / HTML_NAME)))
    elif wanted is Format.PNG:
        print(shown(write_png(made, folder, output or folder / PNG_NAME)))
    elif wanted is Format.JSON and output is None:
        print_json(report_to_dict(made))
    elif wanted is Format.MARKDOWN and output is None:
        print(render_markdown(made), end="")
    elif output is not None:
        import json

        text = render_markdown(made) if wanted is Format.MARKDOWN else json.dumps(report_to_dict(made), indent=2) + "\n"
        write_bytes(output, text.encode(), durable=False)
        print(shown(output))


def schema() -> None:
    """Print the JSON Schema of a session's report (`harness bench --json`, report.json)."""
    from harness.report.schema import report_schema

    print_json(report_schema())
