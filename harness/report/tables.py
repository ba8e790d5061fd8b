"""The tables of a report as rows of text, shared by the terminal and Markdown so that both say the same."""

from __future__ import annotations

from dataclasses import dataclass

from harness.report.model import InstrumentationLine, QuantityLine, Report, StageLine, percent_change


@dataclass(frozen=True, slots=True)
class Table:
    """A title, column heads (the first column is text, the others are figures) and rows of cells."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def verdict_table(report: Report) -> Table:
    """The judged quantities: medians and their ratio, the pairs' ratio with its interval, target, noise, verdict."""
    heads = ("", report.baseline, report.candidate, "ratio", "of the pairs", "target", "noise", "verdict")
    return Table("Verdict", heads, tuple(_quantity_cells(item) for item in report.quantities))


def stage_table(report: Report) -> Table:
    """Where the time went, by the algorithm's own timers."""
    heads = ("stage", report.baseline, report.candidate, "saved", "share", "ratio", "interval", "CPU", "interval")
    return Table("Stages", heads, tuple(_stage_cells(item) for item in report.stages))


def phase_table(report: Report) -> Table:
    """Where the process spent its wall time; medians."""
    rows = [(item.name, f"{item.baseline_s:.3f} s", f"{item.candidate_s:.3f} s") for item in report.phases]
    return Table("Phases of the process", ("phase", report.baseline, report.candidate), tuple(rows))


def run_table(report: Report) -> Table:
    """Every run in the order in which it ran."""
    heads = ("run", "kind", "variant", "wall", "CPU", "peak", "load", "parity")
    rows = [
        (
            str(item.number),
            item.kind,
            item.variant,
            f"{item.wall_s:.3f} s",
            f"{item.cpu_s:.3f} s",
            f"{item.peak_mib:.1f} MiB",
            f"{item.load_before:.2f}",
            "identical" if item.identical else "DIFFERENT",
        )
        for item in report.runs
    ]
    return Table("Runs", heads, tuple(rows))


def parity_sentence(report: Report) -> str:
    """One sentence on parity."""
    parity = report.parity
    if not parity.identical:
        return f"DIFFERENT: {parity.problem}. No verdict on speed."
    if not parity.compared:
        return "nothing compared yet"
    return (
        f"identical: {parity.order_events} order events and all results, {parity.compared} comparisons "
        f"over {parity.runs} runs"
    )


def drift_sentence(report: Report) -> str:
    """One sentence on the stored baseline's times; empty when there is nothing to say."""
    drift = report.drift
    if drift is None:
        return ""
    if drift.wall_ratio is None or drift.cpu_ratio is None or drift.peak_ratio is None:
        return f"Times are not compared with the stored baseline's: {'; '.join(drift.mismatches)}"
    return (
        f"Against the stored baseline, {report.baseline} takes {percent_change(drift.wall_ratio)} wall, "
        f"{percent_change(drift.cpu_ratio)} CPU, {percent_change(drift.peak_ratio)} memory"
    )


def instrumentation_sentence(report: Report) -> str:
    """One sentence on what the stage timers cost; empty when it was not measured."""
    line = report.instrumentation
    return "" if line is None else f"The stage {instrumentation_words(line)}"


def instrumentation_words(line: InstrumentationLine) -> str:
    """What the timers cost by both clocks, and whether that is accepted."""
    interval = ""
    if line.cpu_low is not None and line.cpu_high is not None:
        interval = f" ({percent_change(line.cpu_low)} to {percent_change(line.cpu_high)})"
    verdict = {
        True: "accepted",
        False: "REFUSED, above 2 %: stage times are no evidence",
        None: "UNDECIDED, the interval holds 2 %: add --pairs or quieten the machine",
    }[line.accepted]
    return (
        f"timers cost {percent_change(line.cpu_ratio)} CPU{interval} and {percent_change(line.wall_ratio)} wall "
        f"({percent_change(line.wall_low)} to {percent_change(line.wall_high)}) over {line.pairs} pairs with and "
        f"without: {verdict}"
    )


def environment_lines(report: Report) -> list[tuple[str, str]]:
    """The machine and the code, as (what, value)."""
    known = report.environment
    engine = known.get("engine") or {}
    commit = str(known.get("git_commit", ""))[:12] or "none"
    return [
        ("CPU", f"{known.get('cpu_model', '')} x {known.get('cpu_count', '')}"),
        ("memory", f"{known.get('memory_bytes', 0) / 2**30:.1f} GiB"),
        ("kernel", str(known.get("kernel", ""))),
        ("governor", str(known.get("governor", "")) or "not told"),
        ("Python", str(known.get("python", ""))),
        ("engine", " ".join(str(value) for value in engine.values())),
        ("commit", commit + (" with changes" if known.get("git_dirty") else "")),
        ("load at start", str(known.get("load_1min", ""))),
    ]


def _quantity_cells(item: QuantityLine) -> tuple[str, ...]:
    digits = 3 if item.unit == "s" else 1
    return (
        item.name,
        f"{item.baseline:.{digits}f} {item.unit}",
        f"{item.candidate:.{digits}f} {item.unit}",
        f"{item.ratio:.3f} ({percent_change(item.ratio)})",
        f"{item.paired_ratio:.3f} ({item.low:.3f} to {item.high:.3f})",
        f"<= {item.target:.2f}",
        "not measured" if item.noise_floor is None else f"± {100 * (item.noise_floor - 1):.1f} %",
        item.verdict,
    )


def _stage_cells(item: StageLine) -> tuple[str, ...]:
    return (
        item.name,
        f"{item.baseline_s:.3f} s",
        f"{item.candidate_s:.3f} s",
        f"{item.saved_s:+.3f} s",
        f"{100 * item.share_of_baseline:.0f} %",
        "" if item.ratio is None else f"{item.ratio:.3f}",
        _interval(item.low, item.high),
        "" if item.cpu_ratio is None else f"{item.cpu_ratio:.3f}",
        _interval(item.cpu_low, item.cpu_high),
    )


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.3f} to {high:.3f}"
