"""A report as Markdown, for a pull request or a file beside the session."""

from __future__ import annotations

from harness.report.model import Report
from harness.report.tables import (
    Table,
    drift_sentence,
    environment_lines,
    instrumentation_sentence,
    parity_sentence,
    phase_table,
    run_table,
    stage_table,
    verdict_table,
)

MARKS = {"PASS": "✅ PASS", "FAIL": "❌ FAIL", "DIFFERENT": "❌ DIFFERENT", "INCONCLUSIVE": "⚠️ INCONCLUSIVE"}


def render_markdown(report: Report) -> str:
    """The whole report as Markdown text, ending with a newline."""
    parts = [
        f"# {MARKS[report.verdict]}: {report.candidate} against {report.baseline}, scenario {report.scenario}",
        f"Session `{report.session}`, {report.created_at_utc}: {report.pairs} pairs ({report.sampling}), "
        f"{report.runs_done} of {report.runs_planned} runs, exit code {report.exit_code}.",
        f"**Parity** {_text(parity_sentence(report))}",
        _list(report.reasons),
        _table(verdict_table(report)),
        _table(stage_table(report)),
        _table(phase_table(report)),
        _text(drift_sentence(report)),
        _text(instrumentation_sentence(report)),
        _titled_list("Attention", (*report.moved_stages, *report.warnings)),
        _fold("Runs", _table(run_table(report), titled=False)),
        _fold("Environment", _list([f"{what}: {value}" for what, value in environment_lines(report)])),
        "## Repeat it\n\n```\n" + "\n".join(report.repeat) + "\n```",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(table: Table, titled: bool = True) -> str:
    if not table.rows:
        return ""
    lines = [f"## {table.title}", ""] if titled else []
    lines.append(_row(table.heads))
    lines.append("|---" + "|---:" * (len(table.heads) - 1) + "|")
    lines += [_row(row) for row in table.rows]
    return "\n".join(lines)


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(_text(cell) for cell in cells) + " |"


def _text(value: str) -> str:
    """Text that Markdown shows as it is."""
    for character in "\\|*_<>`":
        value = value.replace(character, f"\\{character}")
    return value.replace("\n", " ")


def _list(lines: tuple[str, ...] | list[str]) -> str:
    return "\n".join(f"- {_text(line)}" for line in lines)


def _titled_list(title: str, lines: tuple[str, ...]) -> str:
    return f"## {title}\n\n{_list(lines)}" if lines else ""


def _fold(title: str, content: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{content}\n\n</details>" if content else ""
