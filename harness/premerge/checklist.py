"""The performance checklist: every item is decided by evidence from a stored session, or says what is lacking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from harness.report.model import LARGEST_INSTRUMENTATION_COST, QuantityLine, Report, percent_change
from harness.report.tables import instrumentation_words, parity_sentence

# A busy machine: more than this much load for each CPU before a measured run.
MOST_LOAD = 1.0
DOCUMENTS = (".md", ".rst", ".txt")


class State(StrEnum):
    """``OPEN``: no evidence for or against; somebody has to provide it."""

    MET = "met"
    MISSED = "missed"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class DataEvidence:
    """Whether the market data is complete: how many ``problems``, and in words what looked for them and found what."""

    problems: int
    told: str


@dataclass(frozen=True, slots=True)
class Item:
    """One line: what was asked, whether it is so, and by which evidence (or what to do)."""

    name: str
    state: State
    evidence: str


def checklist(report: Report, changed_files: Sequence[str] | None, data: DataEvidence | None) -> tuple[Item, ...]:
    """All items in the order of a review.

    ``changed_files``: those between the merge base and now, None when git could not tell. ``data``: None when neither
    the engine nor a check of the data folder can say.
    """
    by_name = {item.name: item for item in report.quantities}
    return (
        _parity(report),
        _target("Wall time reaches the target", by_name.get("wall")),
        _target("CPU time reaches the target", by_name.get("CPU")),
        _target("Peak memory stays within bounds", by_name.get("memory")),
        _stages(report),
        _instrumentation(report),
        _data(data),
        _quiet(report),
        _documents(changed_files),
    )


def checklist_exit_code(items: Sequence[Item]) -> int:
    """0 when all are met, 1 when one is missed, else 3."""
    states = {item.state for item in items}
    return 1 if State.MISSED in states else 3 if State.OPEN in states else 0


def render_checklist(report: Report, items: Sequence[Item]) -> str:
    """Markdown task list; only what is met is ticked."""
    words = {State.MET: "", State.MISSED: " **missed**", State.OPEN: " **open**"}
    lines = [f"## Performance checklist: {report.candidate} against {report.baseline}", ""]
    lines += [f"Session `{report.session}`, {report.created_at_utc}, verdict {report.verdict}.", ""]
    for item in items:
        tick = "x" if item.state is State.MET else " "
        lines.append(f"- [{tick}] {item.name}{words[item.state]}: {_plain(item.evidence)}")
    return "\n".join(lines) + "\n"


def _parity(report: Report) -> Item:
    name = "Every order, fill and figure is the same"
    if not report.parity.identical:
        return Item(name, State.MISSED, parity_sentence(report))
    state = State.MET if report.parity.compared else State.OPEN
    return Item(name, state, parity_sentence(report))


def _target(name: str, item: QuantityLine | None) -> Item:
    if item is None:
        return Item(name, State.OPEN, "not judged; run `harness bench`")
    state = {"PASS": State.MET, "FAIL": State.MISSED}.get(item.verdict, State.OPEN)
    figures = f"{percent_change(item.paired_ratio)} ({item.low:.3f} to {item.high:.3f}, target {item.target:.2f})"
    return Item(name, state, f"{figures}: {item.verdict}")


def _stages(report: Report) -> Item:
    name = "No stage is slower, none moved that the change does not touch"
    if not report.stages:
        return Item(name, State.OPEN, "no stage times; leave the algorithm's instrumentation on")
    found = (*report.slower_stages, *report.moved_stages)
    if found:
        return Item(name, State.MISSED, "; ".join(found))
    return Item(name, State.MET, f"{len(report.stages)} stages looked at")


def _instrumentation(report: Report) -> Item:
    name = f"The stage timers cost at most {100 * LARGEST_INSTRUMENTATION_COST:.0f} %"
    line = report.instrumentation
    if line is None:
        return Item(name, State.OPEN, f"not measured; `harness instrumentation --session {report.session}`")
    state = {True: State.MET, False: State.MISSED, None: State.OPEN}[line.accepted]
    return Item(name, state, instrumentation_words(line))


def _data(data: DataEvidence | None) -> Item:
    name = "The market data is complete"
    if data is None:
        return Item(
            name,
            State.OPEN,
            "neither engine nor harness.toml tells which data is needed; "
            "`harness data check --folder D --symbols S --start DAY --end DAY`",
        )
    return Item(name, State.MISSED if data.problems else State.MET, data.told)


def _quiet(report: Report) -> Item:
    name = "The machine was quiet"
    measured = [run.load_before for run in report.runs if run.kind == "measured"]
    cpus = int(report.environment.get("cpu_count") or 1)
    if not measured:
        return Item(name, State.OPEN, "no measured run")
    # The session's own runs keep one CPU busy, so load up to one for each CPU is its own doing.
    busy = sum(load > MOST_LOAD * cpus for load in measured)
    told = f"load before the runs {min(measured):.2f} to {max(measured):.2f} on {cpus} CPUs"
    if busy:
        return Item(name, State.MISSED, f"{told}, too high before {busy} of {len(measured)}: close other programs")
    return Item(name, State.MET, told)


def _documents(changed: Sequence[str] | None) -> Item:
    name = "Documentation was touched with the code"
    if changed is None:
        return Item(name, State.OPEN, "git does not tell what changed; give --base")
    documents = [file for file in changed if file.endswith(DOCUMENTS)]
    if documents:
        return Item(name, State.MET, ", ".join(documents[:5]))
    if not any(file.endswith(".py") for file in changed):
        return Item(name, State.MET, "no code changed")
    return Item(name, State.MISSED, f"{len(changed)} files changed, none of them documentation")


def _plain(text: str) -> str:
    return " ".join(text.split()).replace("<", "&lt;")
