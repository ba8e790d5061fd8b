"""The charts of a report as plotly figures in plain JSON types: ``{"data": [...], "layout": {...}}``.

Built as dictionaries and not by plotly's classes: the page needs plotly's JavaScript only, and the figures can be
tested without drawing them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.report.curves import Curves
from harness.report.model import Report, RunLine

BASELINE_COLOUR = "#5b7fb4"
CANDIDATE_COLOUR = "#d9822b"
TARGET_COLOUR = "#c8282d"
LOAD_COLOUR = "#9aa4b1"

Figure = dict[str, Any]


def all_charts(report: Report, curves: Curves) -> dict[str, Figure]:
    """Every chart that has something to show, by name, in the order of reading."""
    made = {
        "ratios": pair_ratio_chart(report),
        "stages": stage_chart(report),
        "order": run_order_chart(report),
        "memory": memory_chart(report),
        "phases": phase_chart(report),
        "equity": equity_chart(report, curves),
    }
    return {name: figure for name, figure in made.items() if figure["data"]}


def pair_ratio_chart(report: Report) -> Figure:
    """Each judged quantity's paired ratio with its interval and target, above the wall ratio of every pair."""
    data: list[Figure] = []
    if report.pair_ratios:
        data.append(
            _trace(
                "pairs (wall)",
                list(report.pair_ratios),
                ["pairs"] * len(report.pair_ratios),
                mode="markers",
                marker={"color": CANDIDATE_COLOUR, "size": 8, "opacity": 0.6},
                text=[f"pair {number}" for number in range(1, len(report.pair_ratios) + 1)],
            )
        )
    if report.quantities:
        names = [item.name for item in report.quantities]
        centres = [item.paired_ratio for item in report.quantities]
        interval = {
            "type": "data",
            "symmetric": False,
            "array": [item.high - item.paired_ratio for item in report.quantities],
            "arrayminus": [item.paired_ratio - item.low for item in report.quantities],
            "thickness": 2,
            "width": 8,
        }
        confidence = f"{100 * report.quantities[0].confidence:.0f} % interval"
        marker = {"color": BASELINE_COLOUR, "size": 10}
        data.append(_trace(confidence, centres, names, mode="markers", marker=marker, error_x=interval))
        targets = [item.target for item in report.quantities]
        cross = {"color": TARGET_COLOUR, "symbol": "line-ns-open", "size": 22, "line": {"width": 3}}
        data.append(_trace("target", targets, names, mode="markers", marker=cross))
    layout = _layout(f"{report.candidate} / {report.baseline}: below 1 is less", "ratio", "")
    line = {"dash": "dot", "color": LOAD_COLOUR}
    layout["shapes"] = [{"type": "line", "x0": 1, "x1": 1, "yref": "paper", "y0": 0, "y1": 1, "line": line}]
    return {"data": data, "layout": layout}


def stage_chart(report: Report) -> Figure:
    """Seconds of every stage before and after."""
    names = [stage.name for stage in report.stages]
    sides = (
        (report.baseline, [stage.baseline_s for stage in report.stages], BASELINE_COLOUR),
        (report.candidate, [stage.candidate_s for stage in report.stages], CANDIDATE_COLOUR),
    )
    return {"data": _bars(names, sides), "layout": _layout("Stages, before and after", "", "seconds", barmode="group")}


def phase_chart(report: Report) -> Figure:
    """Seconds of every phase of the process, before and after."""
    names = [phase.name for phase in report.phases]
    sides = (
        (report.baseline, [phase.baseline_s for phase in report.phases], BASELINE_COLOUR),
        (report.candidate, [phase.candidate_s for phase in report.phases], CANDIDATE_COLOUR),
    )
    return {"data": _bars(names, sides), "layout": _layout("Phases of the process", "", "seconds", barmode="group")}


def run_order_chart(report: Report) -> Figure:
    """Wall time in the order of the runs, with the machine's load before each."""
    data = _by_variant(report, lambda run: run.wall_s)
    if report.runs:
        load = [run.load_before for run in report.runs]
        numbers = [run.number for run in report.runs]
        line = {"color": LOAD_COLOUR, "dash": "dot"}
        data.append(_trace("load", numbers, load, mode="lines", line=line, yaxis="y2"))
    layout = _layout("Runs in order", "run", "wall seconds")
    layout["yaxis"]["rangemode"] = "tozero"
    layout["yaxis2"] = {"title": {"text": "load"}, "overlaying": "y", "side": "right", "rangemode": "tozero"}
    return {"data": data, "layout": layout}


def memory_chart(report: Report) -> Figure:
    """Peak resident memory of every run."""
    layout = _layout("Peak memory", "run", "MiB")
    layout["yaxis"]["rangemode"] = "tozero"
    return {"data": _by_variant(report, lambda run: run.peak_mib), "layout": layout}


def equity_chart(report: Report, curves: Curves) -> Figure:
    """Both equity curves over each other; the candidate's is dashed, so that an equal one under it shows."""
    styles: dict[str, Figure] = {
        report.baseline: {"color": BASELINE_COLOUR, "width": 4},
        report.candidate: {"color": CANDIDATE_COLOUR, "width": 2, "dash": "dash"},
    }
    data = [
        _trace(name, list(curve.times), list(curve.values), mode="lines", line=styles.get(name, {}))
        for name, curve in curves.equity.items()
    ]
    return {"data": data, "layout": _layout("Equity", "", "account currency")}


def _by_variant(report: Report, value: Any) -> list[Figure]:
    data = []
    for variant, colour in ((report.baseline, BASELINE_COLOUR), (report.candidate, CANDIDATE_COLOUR)):
        runs = [run for run in report.runs if run.variant == variant]
        if runs:
            data.append(
                _trace(
                    variant,
                    [run.number for run in runs],
                    [value(run) for run in runs],
                    mode="markers",
                    marker={"color": colour, "size": 9, "symbol": [_symbol(run) for run in runs]},
                    text=[f"{run.kind}, pair {run.pair}" for run in runs],
                )
            )
    return data


def _symbol(run: RunLine) -> str:
    return {"warmup": "circle-open", "control": "diamond"}.get(run.kind, "circle")


def _bars(names: list[str], sides: Sequence[tuple[str, list[float], str]]) -> list[Figure]:
    if not names:
        return []
    return [
        {"type": "bar", "name": side, "x": names, "y": values, "marker": {"color": colour}}
        for side, values, colour in sides
    ]


def _trace(name: str, x: Sequence[Any], y: Sequence[Any], **more: Any) -> Figure:
    return {"type": "scatter", "name": name, "x": list(x), "y": list(y), **more}


def _layout(title: str, x: str, y: str, **more: Any) -> Figure:
    axis: Mapping[str, Any] = {"gridcolor": "#eceff3", "zeroline": False, "automargin": True}
    return {
        "title": {"text": title, "font": {"size": 15}, "x": 0.02},
        "xaxis": {**axis, "title": {"text": x}},
        "yaxis": {**axis, "title": {"text": y}},
        "margin": {"l": 60, "r": 50, "t": 44, "b": 70},
        "legend": {"orientation": "h", "y": -0.22},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        **more,
    }
