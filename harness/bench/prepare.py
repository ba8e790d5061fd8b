"""From settings and a user's wishes to a session that is ready to run."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from harness.bench.plan import PlanSettings
from harness.bench.setup import SessionSetup, Targets, Variant
from harness.bench.stopping import fixed, sequential
from harness.config import Settings
from harness.engines.base import BacktestRequest, Engine
from harness.errors import InputError
from harness.measure.fingerprint import take_fingerprint
from harness.measure.noise import read_machine, warnings_for


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line changes about the settings; None and empty leave them as they are.

    ``sides``: names and variants to compare instead of those of the settings, baseline first.
    """

    pairs: int | None = None
    adaptive: bool = False
    max_pairs: int | None = None
    max_time_s: float | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    data_folder: Path | None = None
    cpu_affinity: tuple[int, ...] = ()
    sides: tuple[tuple[str, Variant], tuple[str, Variant]] | None = None


def session_name(scenario: str, now: datetime | None = None) -> str:
    """A new name that sorts by time: ``20251001-093000-default-1f3a``."""
    stamp = (now or datetime.now(UTC)).strftime("%Y%m%d-%H%M%S")
    return f"{stamp}-{scenario}-{secrets.token_hex(2)}"


def check_affinity(cpus: tuple[int, ...]) -> tuple[int, ...]:
    """The CPUs, if this process may use them all. Raises ``InputError`` naming those it may use."""
    if not cpus:
        return ()
    if not hasattr(os, "sched_getaffinity"):
        raise InputError("CPU affinity: this system does not offer it; leave --cpus and cpu_affinity out")
    allowed = os.sched_getaffinity(0)
    if not set(cpus) <= allowed:
        raise InputError(f"CPU affinity: {sorted(set(cpus) - allowed)} are not among the CPUs here, {sorted(allowed)}")
    return cpus


def resolve_variant(
    settings: Settings, scenario_name: str, variant_name: str, parameters: Mapping[str, str] | None = None
) -> Variant:
    """One variant in one scenario: parameters of the scenario, then of the variant, then those given here."""
    scenario, variant = settings.scenario(scenario_name), settings.variant(variant_name)
    return Variant(
        algorithm_file=settings.path(variant.file or settings.algorithm.file),
        algorithm_class=variant.class_name or settings.algorithm.class_name,
        parameters={**scenario.parameters, **variant.parameters, **(parameters or {})},
    )


def prepare(settings: Settings, scenario_name: str, engine: Engine, name: str, wishes: Wishes) -> SessionSetup:
    """The session's setup. Takes the fingerprint, so the data must be there already."""
    scenario, bench, targets = settings.scenario(scenario_name), settings.bench, settings.targets
    pairs = wishes.pairs or scenario.pairs or bench.pairs
    rule = sequential(wishes.max_pairs or bench.max_pairs) if wishes.adaptive else fixed(pairs)
    if wishes.adaptive and wishes.pairs:
        raise InputError("--pairs fixes the number of pairs and --adaptive does not; give one of them")
    controls = scenario.control_runs if scenario.control_runs is not None else bench.control_runs
    sides = wishes.sides or (
        (bench.baseline, resolve_variant(settings, scenario_name, bench.baseline, wishes.parameters)),
        (bench.candidate, resolve_variant(settings, scenario_name, bench.candidate, wishes.parameters)),
    )
    plan = PlanSettings(
        baseline=sides[0][0],
        candidate=sides[1][0],
        pairs=rule.max_pairs,
        warmups=scenario.warmups if scenario.warmups is not None else bench.warmups,
        control_runs=controls,
        control_over=rule.looks[0].pairs,
        seed=bench.seed,
    )
    variants = dict(sides)
    data_folder = wishes.data_folder or settings.data_folder(scenario_name)
    files = [variant.algorithm_file for variant in variants.values()]
    return SessionSetup(
        name=name,
        scenario=scenario_name,
        created_at_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        plan=plan,
        rule=rule,
        targets=Targets(targets.time_ratio, targets.memory_ratio, targets.judged_phase),
        variants=variants,
        data_folder=data_folder,
        cache_folder=settings.path(settings.folders.cache),
        time_limit_s=settings.engine.time_limit_s,
        max_time_s=wishes.max_time_s or bench.max_time_s,
        cpu_affinity=check_affinity(wishes.cpu_affinity or settings.engine.cpu_affinity),
        engine=dict(engine.describe()),
        fingerprint=take_fingerprint(engine.describe(), files, data_folder, settings.root),
        parity=settings.parity,
        untouched_stages=bench.untouched_stages,
        warnings=tuple(warnings_for(read_machine())),
    )


def variant_request(
    settings: Settings, scenario_name: str, variant: Variant, run_folder: Path, data_folder: Path | None = None
) -> BacktestRequest:
    """One backtest of ``variant`` in ``run_folder``, outside a session."""
    return BacktestRequest(
        algorithm_file=variant.algorithm_file,
        algorithm_class=variant.algorithm_class,
        data_folder=data_folder or settings.data_folder(scenario_name),
        run_folder=run_folder,
        parameters=dict(variant.parameters),
        backtest_name=scenario_name,
        time_limit_s=settings.engine.time_limit_s,
        cpu_affinity=settings.engine.cpu_affinity,
        cache_folder=settings.path(settings.folders.cache),
    )
