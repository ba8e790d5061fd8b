"""A report on the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable

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

COLOURS = {"PASS": "bold green", "FAIL": "bold red", "DIFFERENT": "bold red", "INCONCLUSIVE": "bold yellow"}


def print_report(report: Report, console: Console, with_runs: bool = False) -> None:
    """The whole report; ``with_runs`` adds the table of all runs."""
    console.print(
        f"Session {escape(report.session)}: scenario {escape(report.scenario)}, "
        f"{escape(report.baseline)} against {escape(report.candidate)}, {report.pairs} pairs "
        f"({escape(report.sampling)}), {report.runs_done} of {report.runs_planned} runs"
    )
    _print_lines(console, "", [f"Parity: {parity_sentence(report)}"])
    for table in (verdict_table(report), stage_table(report), phase_table(report)):
        _print_table(console, table)
    if with_runs:
        _print_table(console, run_table(report))
    if report.bars_per_second:
        rates = ", ".join(f"{name} {rate:,.0f}" for name, rate in report.bars_per_second.items())
        _print_lines(console, "", [f"Data points a second in the algorithm's own phase: {rates}"])
    sentences = (drift_sentence(report), instrumentation_sentence(report))
    _print_lines(console, "", [sentence for sentence in sentences if sentence])
    _print_lines(console, "Attention", [*report.moved_stages, *report.warnings])
    if with_runs:
        _print_lines(console, "Environment", [f"{what}: {value}" for what, value in environment_lines(report)])
    colour = COLOURS[report.verdict]
    console.print(f"[{colour}]{report.verdict}[/] (exit code {report.exit_code})")
    _print_lines(console, "", report.reasons)


def _print_table(console: Console, table: Table) -> None:
    if not table.rows:
        return
    rich = RichTable(title=table.title, title_justify="left", title_style="bold", pad_edge=False)
    for index, head in enumerate(table.heads):
        rich.add_column(escape(head), justify="left" if index == 0 else "right", no_wrap=True)
    for row in table.rows:
        rich.add_row(*(_coloured(cell) for cell in row))
    console.print(rich)


def _coloured(cell: str) -> str:
    return f"[{COLOURS[cell]}]{cell}[/]" if cell in COLOURS else escape(cell)


def _print_lines(console: Console, title: str, lines: list[str] | tuple[str, ...]) -> None:
    if title and lines:
        console.print(f"[bold]{title}[/]")
    for line in lines:
        console.print(f"{'  ' if title else ''}{line}", markup=False, highlight=False, soft_wrap=True)
