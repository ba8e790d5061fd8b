"""The trend chart as one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from harness.history.trend import Trend, change_sentence
from harness.report.charts import BASELINE_COLOUR, TARGET_COLOUR
from harness.report.html import page_template, plotly_javascript, script_json


def render_history(trends: Sequence[Trend]) -> str:
    """The page: one chart a trend, its change points as lines and in words."""
    charts = {f"trend{number}": trend_chart(trend) for number, trend in enumerate(trends)}
    lines = [
        f"{trend.scenario}, {trend.candidate}, {trend.quantity}: {change_sentence(trend, change)}"
        for trend in trends
        for change in trend.changes
    ]
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return page_template("history.html").substitute(
        changes=f'<ul id="changes">{items}</ul>' if items else '<p id="changes">No change of level found.</p>',
        charts="".join(f'<div class="chart" id="chart-{name}"></div>' for name in charts),
        figures=script_json(charts),
        plotly=plotly_javascript(),
    )


def trend_chart(trend: Trend) -> dict[str, Any]:
    """Values over the sessions in order, a dashed line where the level changes."""
    names = [entry.session for entry in trend.entries]
    places = list(range(1, len(names) + 1))
    line = {"color": TARGET_COLOUR, "dash": "dash"}
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": trend.quantity,
                "x": places,
                "y": list(trend.values),
                "text": [f"{entry.session}<br>{entry.commit[:12]}<br>{entry.verdict}" for entry in trend.entries],
                "line": {"color": BASELINE_COLOUR},
            }
        ],
        "layout": {
            "title": {"text": f"{trend.scenario}, {trend.candidate}, machine {trend.machine}", "font": {"size": 15}},
            "xaxis": {"title": {"text": "session"}},
            "yaxis": {"title": {"text": f"{trend.quantity}, {trend.unit}"}, "rangemode": "tozero"},
            "shapes": [
                {
                    "type": "line",
                    "x0": change.index + 0.5,
                    "x1": change.index + 0.5,
                    "yref": "paper",
                    "y0": 0,
                    "y1": 1,
                    "line": line,
                }
                for change in trend.changes
            ],
        },
    }
