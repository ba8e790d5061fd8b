"""From a session's rows to its figures and verdict. Pure: the same rows always give the same answer, offline too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from harness.bench.plan import RunKind
from harness.bench.records import RunRow, StageTime
from harness.bench.setup import SessionSetup
from harness.bench.statistics import (
    NoiseFloor,
    StageFigure,
    compare_pairs,
    compare_stages,
    noise_floor,
)
from harness.bench.verdict import Judgement, Overall, Verdict, different, judge, overall
from harness.measure.noise import series_warnings

WALL, CPU, MEMORY = "wall", "CPU", "memory"
DRIFT_RATIO = 1.05
DRIFT_SHARE = 0.005


@dataclass(frozen=True, slots=True)
class ParityResult:
    """How the runs compared: ``compared`` comparisons among ``runs`` runs; ``problem`` is the first difference."""

    runs: int
    compared: int
    identical: bool
    order_events: int
    problem: str


@dataclass(frozen=True, slots=True)
class Analysis:
    """Everything a report says about a session so far.

    ``phases`` and ``data_points`` are per variant: median seconds by phase, and what the engine says it processed.
    ``stages`` are by wall time, ``stages_cpu`` by CPU time (empty where an algorithm does not tell it).
    ``finished`` says whether the stopping rule is done. ``alpha`` is what was left out in each tail.
    """

    pairs: int
    runs_done: int
    runs_planned: int
    finished: bool
    alpha: float
    overall: Overall
    parity: ParityResult
    judgements: tuple[Judgement, ...]
    stages: tuple[StageFigure, ...]
    stages_cpu: tuple[StageFigure, ...]
    phases: Mapping[str, Mapping[str, float]]
    data_points: Mapping[str, int]
    moved_stages: tuple[str, ...]
    warnings: tuple[str, ...]


def complete_pairs(rows: Sequence[RunRow], setup: SessionSetup) -> list[tuple[RunRow, RunRow]]:
    """(baseline, candidate) rows of each pair of which both are done, in order of pairs."""
    found: dict[int, dict[str, RunRow]] = {}
    for row in rows:
        if row.kind is RunKind.MEASURED and row.completed:
            found.setdefault(row.pair, {})[row.variant] = row
    plan = setup.plan
    return [
        (sides[plan.baseline], sides[plan.candidate])
        for _, sides in sorted(found.items())
        if plan.baseline in sides and plan.candidate in sides
    ]


def control_pairs(rows: Sequence[RunRow], setup: SessionSetup) -> list[tuple[RunRow, RunRow]]:
    """(earlier, later) baseline rows that ran beside each other: the control and its pair's baseline run."""
    baselines = {
        row.pair: row
        for row in rows
        if row.kind is RunKind.MEASURED and row.variant == setup.plan.baseline and row.completed
    }
    pairs = []
    for row in rows:
        if row.kind is RunKind.CONTROL and row.completed and row.pair in baselines:
            other = baselines[row.pair]
            pairs.append((row, other) if row.number < other.number else (other, row))
    return pairs


def parity_result(rows: Sequence[RunRow]) -> ParityResult:
    """The parity of all rows; the first difference, if any, in words."""
    checks = [(row, check) for row in rows for check in row.parity]
    problem = next(
        (f"{row.folder} against {check.against}: {check.summary}" for row, check in checks if not check.identical),
        "",
    )
    return ParityResult(
        runs=len(rows),
        compared=len(checks),
        identical=not problem,
        order_events=max((check.order_events for _, check in checks), default=0),
        problem=problem,
    )


def judge_rows(rows: Sequence[RunRow], setup: SessionSetup, alpha: float) -> tuple[list[Judgement], list[str]]:
    """The verdict on wall, CPU and memory, and why a quantity could not be judged."""
    pairs, controls = complete_pairs(rows, setup), control_pairs(rows, setup)
    targets = setup.targets
    quantities: list[tuple[str, float, Callable[[RunRow], float]]] = [
        (WALL, targets.time_ratio, _judged_wall(targets.judged_phase)),
        (CPU, targets.time_ratio, lambda row: row.cpu_s),
        (MEMORY, targets.memory_ratio, lambda row: float(row.peak_rss_bytes)),
    ]
    judgements, unmeasured = [], []
    for name, target, value in quantities:
        left, right = [value(first) for first, _ in pairs], [value(second) for _, second in pairs]
        first, second = [value(item) for item, _ in controls], [value(item) for _, item in controls]
        if not left:
            unmeasured.append(f"{name}: no complete pair yet")
        elif min(*left, *right) <= 0:
            unmeasured.append(f"{name}: not measured in every run by this engine")
        else:
            figure = compare_pairs(left, right, target, alpha=alpha, seed=setup.plan.seed)
            floor = noise_floor(first, second, len(pairs), alpha) if first and min(*first, *second) > 0 else None
            judgements.append(judge(name, figure, floor, alpha))
    return judgements, unmeasured


def decided(rows: Sequence[RunRow], setup: SessionSetup, alpha: float) -> bool:
    """Whether PASS or FAIL is certain enough at this look."""
    judgements, unmeasured = judge_rows(rows, setup, alpha)
    return overall(judgements, unmeasured).verdict in (Verdict.PASS, Verdict.FAIL)


def is_finished(rows: Sequence[RunRow], setup: SessionSetup) -> bool:
    """Whether the stopping rule needs no further run: a look decided, the last look is over, or parity differs."""
    if any(not row.identical for row in rows):
        return True
    pairs = complete_pairs(rows, setup)
    for look in setup.rule.looks:
        if len(pairs) < look.pairs:
            return False
        if look is setup.rule.looks[-1] or decided(rows_up_to(rows, look.pairs), setup, look.alpha):
            return True
    return False


def rows_up_to(rows: Sequence[RunRow], pairs: int) -> list[RunRow]:
    """The rows that a look after ``pairs`` pairs sees."""
    return [row for row in rows if row.pair <= pairs]


def analyse(rows: Sequence[RunRow], setup: SessionSetup, runs_planned: int) -> Analysis:
    """All figures of a session, finished or not."""
    pairs = complete_pairs(rows, setup)
    alpha = setup.rule.look_for(len(pairs)).alpha
    parity = parity_result(rows)
    judgements, unmeasured = judge_rows(rows, setup, alpha) if parity.identical else ([], [])
    verdict = overall(judgements, unmeasured) if parity.identical else different(parity.problem)
    left, right = [first for first, _ in pairs], [second for _, second in pairs]
    stages = _stages(left, right, setup, alpha, lambda item: item.wall_s) if parity.identical else []
    told = all(any(stage.cpu_s for stage in row.stages.values()) for row in (*left, *right))
    stages_cpu = _stages(left, right, setup, alpha, lambda item: item.cpu_s) if stages and told else []
    floors = {item.quantity: item.noise for item in judgements}
    plan = setup.plan
    return Analysis(
        pairs=len(pairs),
        runs_done=len(rows),
        runs_planned=runs_planned,
        finished=is_finished(rows, setup),
        alpha=alpha,
        overall=verdict,
        parity=parity,
        judgements=tuple(judgements),
        stages=tuple(stages),
        stages_cpu=tuple(stages_cpu),
        phases={plan.baseline: _phase_medians(left), plan.candidate: _phase_medians(right)},
        data_points={
            plan.baseline: max((row.data_points for row in left), default=0),
            plan.candidate: max((row.data_points for row in right), default=0),
        },
        # CPU time where it is told: another program's work moves every stage's wall time.
        moved_stages=tuple(
            _moved(stages_cpu, setup.untouched_stages, floors.get(CPU))
            if stages_cpu
            else _moved(stages, setup.untouched_stages, floors.get(WALL))
        ),
        warnings=(
            *setup.warnings,
            *_sample_warnings(plan.baseline, left),
            *_sample_warnings(plan.candidate, right),
            *_disagreement(judgements),
            *dict.fromkeys(f"{row.variant}: {note}" for row in rows for note in row.notes),
        ),
    )


def _judged_wall(phase: str) -> Callable[[RunRow], float]:
    if phase == "total":
        return lambda row: row.wall_s
    return lambda row: float(row.phases_s.get(phase, 0.0))


def _stages(
    left: Sequence[RunRow],
    right: Sequence[RunRow],
    setup: SessionSetup,
    alpha: float,
    seconds: Callable[[StageTime | RunRow], float],
) -> list[StageFigure]:
    """The stages by one clock, which ``seconds`` reads of a stage and of a whole run."""
    if not left or not all(row.stages for row in (*left, *right)):
        return []
    return compare_stages(
        [{name: seconds(stage) for name, stage in row.stages.items()} for row in left],
        [{name: seconds(stage) for name, stage in row.stages.items()} for row in right],
        [seconds(row) for row in left],
        [seconds(row) for row in right],
        alpha=alpha,
        seed=setup.plan.seed,
    )


def _phase_medians(rows: Sequence[RunRow]) -> dict[str, float]:
    names = dict.fromkeys(name for row in rows for name in row.phases_s)
    return {name: median(row.phases_s.get(name, 0.0) for row in rows) for name in names}


def _moved(stages: Sequence[StageFigure], untouched: Sequence[str], floor: NoiseFloor | None) -> list[str]:
    """Untouched stages that moved: interval apart from 1, by more than noise, 5 % and 0.5 % of the run."""
    total_s = sum(stage.baseline_median_s for stage in stages)
    least = max(DRIFT_RATIO, floor.ratio_floor if floor else 1.0)
    found = []
    for stage in stages:
        if stage.name not in untouched or stage.paired_ratio is None or stage.interval is None:
            continue
        apart = stage.interval.low > 1 or stage.interval.high < 1
        large = max(stage.paired_ratio, 1 / stage.paired_ratio) > least
        if apart and large and abs(stage.saved_s) > DRIFT_SHARE * total_s:
            found.append(
                f"stage {stage.name} is declared untouched but took {stage.paired_ratio:.2f} times as long: "
                "something else changed too, so the saving is not all the change's"
            )
    return found


def _sample_warnings(variant: str, rows: Sequence[RunRow]) -> list[str]:
    usable = [row for row in rows if row.wall_s > 0 and row.cpu_s > 0]
    return series_warnings(variant, [row.wall_s for row in usable], [row.cpu_s for row in usable])


def _disagreement(judgements: Sequence[Judgement]) -> list[str]:
    by_name = {item.quantity: item for item in judgements}
    if WALL not in by_name or CPU not in by_name:
        return []
    wall, cpu = by_name[WALL].figure.paired_ratio, by_name[CPU].figure.paired_ratio
    if abs(wall - cpu) <= 0.05:
        return []
    return [
        f"wall ratio {wall:.3f} and CPU ratio {cpu:.3f} disagree: waiting or parallel work changed; "
        "look at the phases before believing either"
    ]
