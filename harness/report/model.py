"""Everything a report says, as plain values in the order in which a reader wants them.

Every renderer (terminal, Markdown, JSON, HTML) takes this model and decides nothing: what is not here is in no
report. Built from a stored session alone, so that it can be made again at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from harness.bench.analysis import MEMORY, Analysis, parity_result
from harness.bench.drift import drift_from
from harness.bench.plan import RunKind
from harness.bench.records import RunRow
from harness.bench.session import Session
from harness.bench.setup import SessionSetup
from harness.bench.statistics import Interval, StageFigure
from harness.bench.verdict import Judgement
from harness.results.store import read_json

SCHEMA = "harness.report"
VERSION = 3
LARGEST_INSTRUMENTATION_COST = 0.02
LEAST_SLOWER_SHARE = 0.005
MIB = 2**20
INSTRUMENTATION_NAME = "instrumentation.json"
INSTRUMENTATION_SCHEMA = "harness.instrumentation"


@dataclass(frozen=True, slots=True)
class QuantityLine:
    """One judged quantity. Values in ``unit`` (``s`` or ``MiB``); ratios are candidate / baseline."""

    name: str
    unit: str
    baseline: float
    candidate: float
    ratio: float
    ratio_low: float
    ratio_high: float
    paired_ratio: float
    low: float
    high: float
    confidence: float
    p_better: float
    target: float
    noise_floor: float | None
    verdict: str
    reason: str


@dataclass(frozen=True, slots=True)
class StageLine:
    """One stage of the algorithm, or the remainder that no stage accounts for. Seconds are medians.

    ``ratio``, ``low`` and ``high`` are of wall time; the fields with ``cpu`` are None where CPU time is not told.
    """

    name: str
    baseline_s: float
    candidate_s: float
    saved_s: float
    share_of_baseline: float
    ratio: float | None
    low: float | None
    high: float | None
    baseline_cpu_s: float | None = None
    candidate_cpu_s: float | None = None
    cpu_ratio: float | None = None
    cpu_low: float | None = None
    cpu_high: float | None = None


@dataclass(frozen=True, slots=True)
class PhaseLine:
    """One phase of the process; medians in seconds."""

    name: str
    baseline_s: float
    candidate_s: float


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run as it was."""

    number: int
    kind: str
    variant: str
    pair: int
    folder: str
    outcome: str
    wall_s: float
    cpu_s: float
    peak_mib: float
    load_before: float
    started_at_utc: str
    identical: bool


@dataclass(frozen=True, slots=True)
class ParityLine:
    """How the results compared. ``compared`` comparisons over ``runs`` runs."""

    identical: bool
    runs: int
    compared: int
    order_events: int
    problem: str


@dataclass(frozen=True, slots=True)
class DriftLine:
    """This session's baseline runs against the stored baseline; ratios are None when times may not be compared."""

    mismatches: tuple[str, ...]
    wall_ratio: float | None
    cpu_ratio: float | None
    peak_ratio: float | None


@dataclass(frozen=True, slots=True)
class InstrumentationLine:
    """What the stage timers cost: the wall (and CPU) time ratio of pairs with them to pairs without.

    ``accepted`` when the whole interval of the CPU ratio is at most 1.02. False when it lies above: stage times are
    then no evidence. None when it holds 1.02: the machine is too noisy for so many pairs.
    """

    wall_ratio: float
    wall_low: float
    wall_high: float
    cpu_ratio: float
    pairs: int
    accepted: bool | None
    cpu_low: float | None = None
    cpu_high: float | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report. ``pair_ratios`` are the wall time ratios of the pairs in order."""

    session: str
    scenario: str
    created_at_utc: str
    baseline: str
    candidate: str
    verdict: str
    exit_code: int
    reasons: tuple[str, ...]
    finished: bool
    pairs: int
    runs_done: int
    runs_planned: int
    sampling: str
    judged_phase: str
    parity: ParityLine
    quantities: tuple[QuantityLine, ...]
    stages: tuple[StageLine, ...]
    phases: tuple[PhaseLine, ...]
    bars_per_second: Mapping[str, float]
    pair_ratios: tuple[float, ...]
    runs: tuple[RunLine, ...]
    moved_stages: tuple[str, ...]
    drift: DriftLine | None
    warnings: tuple[str, ...]
    variants: Mapping[str, Mapping[str, Any]]
    environment: Mapping[str, Any]
    repeat: tuple[str, ...]
    slower_stages: tuple[str, ...] = ()
    instrumentation: InstrumentationLine | None = None


def build_report(session: Session, stored_record: Mapping[str, Any] | None = None) -> Report:
    """The report of a session, finished or not; ``stored_record`` (of a stored baseline) adds the drift from it."""
    analysis = session.analyse()
    setup, plan = session.setup, session.setup.plan
    stages, instrumentation = _stages(analysis), read_instrumentation(session.folder)
    slower = _slower(analysis)
    measured = [row for row in session.rows if row.kind is RunKind.MEASURED and row.completed]
    return Report(
        session=setup.name,
        scenario=setup.scenario,
        created_at_utc=setup.created_at_utc,
        baseline=plan.baseline,
        candidate=plan.candidate,
        verdict=str(analysis.overall.verdict),
        exit_code=analysis.overall.exit_code,
        reasons=(*analysis.overall.reasons, *slower),
        finished=analysis.finished,
        pairs=analysis.pairs,
        runs_done=analysis.runs_done,
        runs_planned=analysis.runs_planned,
        sampling=_sampling(setup),
        judged_phase=setup.targets.judged_phase,
        parity=_parity(session.rows),
        quantities=tuple(_quantity(item) for item in analysis.judgements),
        stages=stages,
        phases=(
            *_phases(analysis, plan.baseline, plan.candidate),
            *_engine_parts(measured, plan.baseline, plan.candidate),
        ),
        bars_per_second={
            variant: rate
            for variant in (plan.baseline, plan.candidate)
            if (rate := _rate(analysis.data_points[variant], analysis.phases[variant])) is not None
        },
        pair_ratios=_pair_ratios(measured, plan.baseline, plan.candidate),
        runs=tuple(_run(row) for row in session.rows),
        moved_stages=analysis.moved_stages,
        drift=None if stored_record is None else _drift(session, stored_record),
        warnings=(*analysis.warnings, *_refused(instrumentation)),
        variants={
            name: {
                "algorithm": variant.algorithm_file.name,
                "class": variant.algorithm_class,
                "parameters": dict(variant.parameters),
            }
            for name, variant in setup.variants.items()
        },
        environment={**setup.fingerprint, "engine": _engine(setup, session.rows)},
        repeat=(
            setup.command or f"harness bench --scenario {setup.scenario}",
            f"harness diff {setup.name}/{plan.baseline} {setup.name}/{plan.candidate}",
            f"harness show {setup.name}",
        ),
        slower_stages=slower,
        instrumentation=instrumentation,
    )


def report_to_dict(report: Report) -> dict[str, Any]:
    """Plain JSON types, with the schema's name and version first."""
    return {"schema": SCHEMA, "version": VERSION, **asdict(report)}


def percent_change(ratio: float) -> str:
    """A ratio as people say it: 0.612 is ``-38.8 %``."""
    return f"{100 * (ratio - 1):+.1f} %"


def read_instrumentation(folder: Path) -> InstrumentationLine | None:
    """What ``harness instrumentation`` stored beside the session; None when it was not measured."""
    path = folder / INSTRUMENTATION_NAME
    if not path.exists():
        return None
    stored = read_json(path, schema=INSTRUMENTATION_SCHEMA, version=1)
    return InstrumentationLine(**{name: stored[name] for name in InstrumentationLine.__slots__ if name in stored})


def _slower(analysis: Analysis) -> tuple[str, ...]:
    """Stages that certainly take longer, the largest first: the whole interval above 1, more than 0.5 % of the run.

    By CPU time, which other programs do not disturb; a stage that only waits longer stands out by wall time.
    """
    found: dict[str, tuple[float, str]] = {}
    for clock, stages in (("CPU", analysis.stages_cpu), ("wall", analysis.stages)):
        total_s = sum(stage.baseline_median_s for stage in stages)
        added_s = sum(max(0.0, -stage.saved_s) for stage in stages)
        for stage in stages:
            extra_s, interval, ratio = -stage.saved_s, stage.interval, stage.paired_ratio
            if stage.name in found or interval is None or ratio is None:
                continue
            if interval.low > 1 and extra_s > LEAST_SLOWER_SHARE * total_s:
                found[stage.name] = (
                    extra_s,
                    f"stage {stage.name} is slower: {percent_change(ratio)} {clock} "
                    f"({interval.low:.3f} to {interval.high:.3f}), {extra_s:.3f} s more, "
                    f"{100 * extra_s / added_s:.0f} % of all that was added",
                )
    return tuple(text for _, text in sorted(found.values(), reverse=True))


def _refused(line: InstrumentationLine | None) -> tuple[str, ...]:
    if line is None or line.accepted is not False:
        return ()
    return (
        f"the stage timers themselves cost {percent_change(line.cpu_ratio)} CPU, more than "
        f"{100 * LARGEST_INSTRUMENTATION_COST:.0f} %: the stage times are no evidence; time fewer or larger stages",
    )


def _sampling(setup: SessionSetup) -> str:
    rule = setup.rule
    if len(rule.looks) == 1:
        return f"of {rule.max_pairs} planned"
    return f"adaptive, at most {rule.max_pairs}"


def _drift(session: Session, record: Mapping[str, Any]) -> DriftLine | None:
    setup = session.setup
    found = drift_from(record, session.rows, setup.plan.baseline, setup.fingerprint)
    return None if found is None else DriftLine(**asdict(found))


def _parity(rows: Sequence[RunRow]) -> ParityLine:
    found = parity_result(rows)
    return ParityLine(found.identical, found.runs, found.compared, found.order_events, found.problem)


def _quantity(item: Judgement) -> QuantityLine:
    figure = item.figure
    scale, unit = (1 / MIB, "MiB") if item.quantity == MEMORY else (1.0, "s")
    return QuantityLine(
        name=item.quantity,
        unit=unit,
        baseline=figure.baseline_median * scale,
        candidate=figure.candidate_median * scale,
        ratio=figure.ratio,
        ratio_low=figure.ratio_interval.low,
        ratio_high=figure.ratio_interval.high,
        paired_ratio=figure.paired_ratio,
        low=figure.paired_interval.low,
        high=figure.paired_interval.high,
        confidence=figure.paired_interval.confidence,
        p_better=figure.p_better,
        target=figure.threshold,
        noise_floor=None if item.noise is None else item.noise.ratio_floor,
        verdict=str(item.verdict),
        reason=item.reason,
    )


def _stages(analysis: Analysis) -> tuple[StageLine, ...]:
    total_s = sum(stage.baseline_median_s for stage in analysis.stages)
    by_cpu = {stage.name: stage for stage in analysis.stages_cpu}
    return tuple(_stage(stage, by_cpu.get(stage.name), total_s) for stage in analysis.stages)


def _stage(stage: StageFigure, cpu: StageFigure | None, total_s: float) -> StageLine:
    return StageLine(
        name=stage.name,
        baseline_s=stage.baseline_median_s,
        candidate_s=stage.candidate_median_s,
        saved_s=stage.saved_s,
        share_of_baseline=stage.baseline_median_s / total_s if total_s > 0 else 0.0,
        ratio=stage.paired_ratio,
        low=_bound(stage.interval, "low"),
        high=_bound(stage.interval, "high"),
        baseline_cpu_s=None if cpu is None else cpu.baseline_median_s,
        candidate_cpu_s=None if cpu is None else cpu.candidate_median_s,
        cpu_ratio=None if cpu is None else cpu.paired_ratio,
        cpu_low=None if cpu is None else _bound(cpu.interval, "low"),
        cpu_high=None if cpu is None else _bound(cpu.interval, "high"),
    )


def _bound(interval: Interval | None, name: str) -> float | None:
    return None if interval is None else float(getattr(interval, name))


def _phases(analysis: Analysis, baseline: str, candidate: str) -> tuple[PhaseLine, ...]:
    left, right = analysis.phases[baseline], analysis.phases[candidate]
    return tuple(PhaseLine(name, left.get(name, 0.0), right.get(name, 0.0)) for name in dict.fromkeys((*left, *right)))


def _engine(setup: SessionSetup, rows: Sequence[RunRow]) -> dict[str, str]:
    """The engine as it was known before the first run, and what it told of itself when it ran (version, mode)."""
    told = next((row.engine for row in reversed(rows) if row.completed), {})
    return {**setup.engine, **told}


def _engine_parts(rows: Sequence[RunRow], baseline: str, candidate: str) -> tuple[PhaseLine, ...]:
    """What an engine tells beside the phases: its own stage timers, which are parts of the algorithm phase, and the
    CPU of its client; medians. Most engines tell neither."""

    def line(name: str, value: Callable[[RunRow], float]) -> PhaseLine:
        left, right = ([value(row) for row in rows if row.variant == side] for side in (baseline, candidate))
        return PhaseLine(name, median(left or [0.0]), median(right or [0.0]))

    def timer(name: str) -> Callable[[RunRow], float]:
        return lambda row: row.engine_timers_s.get(name, 0.0)

    parts = [
        line(f"in algorithm: {name}", timer(name))
        for name in dict.fromkeys(name for row in rows for name in row.engine_timers_s)
    ]
    if any(row.client_cpu_s for row in rows):
        parts.append(line("CPU of the client", lambda row: row.client_cpu_s))
    return tuple(parts)


def _rate(data_points: int, phases_s: Mapping[str, float]) -> float | None:
    seconds = phases_s.get("algorithm", 0.0)
    return data_points / seconds if data_points and seconds > 0 else None


def _pair_ratios(measured: Sequence[RunRow], baseline: str, candidate: str) -> tuple[float, ...]:
    walls = {(row.pair, row.variant): row.wall_s for row in measured}
    pairs = sorted({row.pair for row in measured})
    return tuple(
        walls[pair, candidate] / walls[pair, baseline]
        for pair in pairs
        if walls.get((pair, baseline), 0) > 0 and (pair, candidate) in walls
    )


def _run(row: RunRow) -> RunLine:
    return RunLine(
        number=row.number,
        kind=str(row.kind),
        variant=row.variant,
        pair=row.pair,
        folder=row.folder,
        outcome=str(row.outcome),
        wall_s=row.wall_s,
        cpu_s=row.cpu_s,
        peak_mib=row.peak_rss_bytes / MIB,
        load_before=row.load_before,
        started_at_utc=row.started_at_utc,
        identical=row.identical,
    )
