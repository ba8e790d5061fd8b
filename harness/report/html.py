"""A report as one HTML file that needs nothing else: plotly's JavaScript is inside, and the page may load nothing.

The page's own security policy forbids every request, so it shows offline what it shows online.
"""

from __future__ import annotations

import json
from html import escape
from importlib.resources import files
from string import Template

from harness.errors import InputError
from harness.report.charts import all_charts
from harness.report.curves import Curves
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


def render_html(report: Report, curves: Curves | None = None) -> str:
    """The whole page. Raises ``InputError`` when plotly is not installed."""
    shown = curves or Curves()
    charts = all_charts(report, shown)
    return page_template("report.html").substitute(
        title=escape(f"{report.verdict}: {report.session}"),
        verdict=escape(report.verdict),
        heading=escape(f"{report.candidate} against {report.baseline}, scenario {report.scenario}"),
        subtitle=escape(
            f"Session {report.session}, {report.created_at_utc}: {report.pairs} pairs ({report.sampling}), "
            f"{report.runs_done} of {report.runs_planned} runs, exit code {report.exit_code}"
        ),
        parity=escape(parity_sentence(report)),
        reasons=_list(report.reasons, "reasons"),
        attention=_titled("Attention", _list((*report.moved_stages, *report.warnings, *shown.notes), "attention")),
        tables=_tables(report),
        charts="".join(f'<div class="chart" id="chart-{name}"></div>' for name in charts),
        differences=_differences(shown),
        folded=_fold("Runs", _table(run_table(report))) + _fold("Environment", _environment(report)),
        repeat=escape("\n".join(report.repeat)),
        figures=script_json(charts),
        plotly=plotly_javascript(),
    )


def page_template(name: str) -> Template:
    """A page of ``harness/report/templates``."""
    return Template((files("harness.report") / "templates" / name).read_text("utf-8"))


def plotly_javascript() -> str:
    """Plotly's own minified JavaScript, as its Python package brings it."""
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise InputError("HTML: plotly is not installed; `pip install 'lean-backtest-harness[report]'`") from error
    # A closing tag inside the script would end it early.
    return str(get_plotlyjs()).replace("</script", "<\\/script")


def script_json(value: object) -> str:
    """JSON that may stand inside a script element whatever texts it holds."""
    text = json.dumps(value, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _tables(report: Report) -> str:
    parts = [
        _titled(table.title, _table(table))
        for table in (verdict_table(report), stage_table(report), phase_table(report))
        if table.rows
    ]
    sentences = (drift_sentence(report), instrumentation_sentence(report))
    return "\n".join([*parts, *(f"<p>{escape(sentence)}</p>" for sentence in sentences if sentence)])


def _table(table: Table) -> str:
    if not table.rows:
        return ""
    heads = "".join(f"<th>{escape(head)}</th>" for head in table.heads)
    rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows)
    return f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'


def _differences(curves: Curves) -> str:
    if not curves.events and not curves.paths:
        return ""
    rows = "".join(
        f'<tr class="{row.side}"><td>{escape(row.side)}</td><td>{row.number}</td><td>{escape(row.text)}</td></tr>'
        for row in curves.events
    )
    table = (
        '<div class="scroll"><table id="order-diff" class="text"><thead><tr><th>side</th><th>event</th>'
        f"<th>order event</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )
    return _titled("First difference", (table if rows else "") + _list(curves.paths, "differing-paths"))


def _environment(report: Report) -> str:
    rows = "".join(
        f"<tr><td>{escape(what)}</td><td>{escape(value)}</td></tr>" for what, value in environment_lines(report)
    )
    variants = "".join(
        f"<tr><td>{escape(name)}</td><td>{escape(json.dumps(dict(told)))}</td></tr>"
        for name, told in report.variants.items()
    )
    return f'<table class="text"><tbody>{rows}{variants}</tbody></table>'


def _list(lines: tuple[str, ...], name: str) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<ul id="{name}">{items}</ul>' if items else ""


def _titled(title: str, content: str) -> str:
    return f"<h2>{escape(title)}</h2>{content}" if content else ""


def _fold(title: str, content: str) -> str:
    return f"<details><summary>{escape(title)}</summary>{content}</details>" if content else ""
