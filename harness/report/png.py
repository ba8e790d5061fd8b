"""A report as one PNG picture for a pull request: interval, stages, run order."""

from __future__ import annotations

import io
from typing import Any

from harness.errors import InputError
from harness.report.charts import BASELINE_COLOUR, CANDIDATE_COLOUR, TARGET_COLOUR
from harness.report.model import Report

WIDTH_INCHES, HEIGHT_INCHES, DOTS_PER_INCH = 12.0, 4.0, 120


def render_png(report: Report) -> bytes:
    """The picture's bytes, 1440 x 480 pixels. Raises ``InputError`` when matplotlib is not installed."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise InputError("PNG: matplotlib is not installed; `pip install 'lean-backtest-harness[report]'`") from error
    figure = Figure(figsize=(WIDTH_INCHES, HEIGHT_INCHES), dpi=DOTS_PER_INCH, layout="constrained")
    figure.suptitle(f"{report.verdict}: {report.candidate} against {report.baseline}, scenario {report.scenario}")
    intervals, stages, order = figure.subplots(1, 3)
    _intervals(intervals, report)
    _stages(stages, report)
    _order(order, report)
    stream = io.BytesIO()
    # Without the library's version in the file, equal reports give equal bytes.
    figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()


def _intervals(axes: Any, report: Report) -> None:
    axes.set_title("ratio of the pairs")
    axes.axvline(1.0, color="#9aa4b1", linestyle=":")
    for row, item in enumerate(report.quantities):
        error = [[item.paired_ratio - item.low], [item.high - item.paired_ratio]]
        axes.errorbar(item.paired_ratio, row, xerr=error, fmt="o", color=BASELINE_COLOUR, capsize=4)
        axes.plot([item.target], [row], marker="|", markersize=20, markeredgewidth=3, color=TARGET_COLOUR)
    axes.set_yticks(range(len(report.quantities)), [item.name for item in report.quantities])
    axes.margins(y=0.3)
    axes.invert_yaxis()
    if not report.quantities:
        axes.text(0.5, 0.5, "no verdict on speed", ha="center", va="center", transform=axes.transAxes)


def _stages(axes: Any, report: Report) -> None:
    axes.set_title("stages, seconds")
    places = range(len(report.stages))
    axes.bar(
        [place - 0.2 for place in places],
        [stage.baseline_s for stage in report.stages],
        0.4,
        color=BASELINE_COLOUR,
        label=report.baseline,
    )
    axes.bar(
        [place + 0.2 for place in places],
        [stage.candidate_s for stage in report.stages],
        0.4,
        color=CANDIDATE_COLOUR,
        label=report.candidate,
    )
    axes.set_xticks(list(places), [stage.name for stage in report.stages], rotation=30)
    if report.stages:
        axes.legend(fontsize="small")


def _order(axes: Any, report: Report) -> None:
    axes.set_title("runs in order, wall seconds")
    for variant, colour in ((report.baseline, BASELINE_COLOUR), (report.candidate, CANDIDATE_COLOUR)):
        runs = [run for run in report.runs if run.variant == variant]
        axes.plot([run.number for run in runs], [run.wall_s for run in runs], "o", color=colour, label=variant)
    axes.set_ylim(bottom=0)
    if report.runs:
        axes.legend(fontsize="small")
