"""Many benchmark records into one table: groups of like runs, medians and spreads."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from harness.errors import InputError
from harness.fast.record import BenchmarkRecord, read_record

_MACHINE: Final = ("cpu_model", "cpu_count", "governor", "kernel", "memory_bytes", "python", "numpy")


@dataclass(frozen=True, slots=True)
class Spread:
    """Five figures of a sample."""

    minimum: float
    median: float
    mean: float
    maximum: float
    stdev: float


@dataclass(frozen=True, slots=True)
class Group:
    """Runs that may be compared: same mode, kernel, data, fraction, workers, settings and machine."""

    mode: str
    kernel: str
    source: str
    bars: int
    fraction: float
    portion: int
    workers: int
    runs: int
    trades: int
    profit_cents: int
    same_trades: bool
    wall_s: Spread
    bars_per_s: Spread
    memory_ratio: Spread
    parallel_efficiency: float | None
    phases_s: dict[str, float]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """All groups, and what the reader should know before comparing them."""

    records: int
    groups: tuple[Group, ...]
    warnings: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def find_records(paths: Iterable[Path]) -> list[Path]:
    """The files given, and of folders every ``.json`` file in them. Raises :class:`InputError` for none."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found.extend(sorted(path.glob("*.json")))
        elif path.is_file():
            found.append(path)
        else:
            raise InputError(f"{path}: no such file or folder; give benchmark records written by --benchmark-out")
    if not found:
        raise InputError("no benchmark records found; write some with harness backtest --benchmark-out FILE")
    return found


def aggregate_records(records: Sequence[BenchmarkRecord]) -> Aggregate:
    """Group the records; profiled runs are left out and counted in a warning."""
    timed = [record for record in records if not record.profiled]
    warnings = []
    if len(timed) < len(records):
        warnings.append(f"{len(records) - len(timed)} profiled runs are left out: profiling slows them")
    if len({_machine(record) for record in timed}) > 1:
        warnings.append("the records come from different machines; times are compared within a machine only")
    groups: dict[tuple[Any, ...], list[BenchmarkRecord]] = {}
    for record in timed:
        groups.setdefault(_key(record), []).append(record)
    found = tuple(_group(members) for _, members in sorted(groups.items(), key=lambda item: repr(item[0])))
    for group in found:
        if not group.same_trades:
            warnings.append(f"{group.mode} {group.source}: runs of one group gave different trades")
    for record in timed:
        if record.fidelity is not None and not record.fidelity.identical:
            warnings.append(f"{record.mode} {record.dataset.source}: a run failed its fidelity check")
    return Aggregate(len(records), found, tuple(warnings))


def aggregate_files(paths: Iterable[Path]) -> Aggregate:
    """:func:`aggregate_records` over stored records."""
    return aggregate_records([read_record(path) for path in find_records(paths)])


def _machine(record: BenchmarkRecord) -> tuple[Any, ...]:
    return tuple(record.fingerprint.get(name) for name in _MACHINE)


def _key(record: BenchmarkRecord) -> tuple[Any, ...]:
    data = record.dataset
    return (
        data.source,
        data.bars,
        data.fraction,
        data.portion,
        record.mode,
        record.kernel,
        record.parallel.workers,
        tuple(sorted(record.settings.items())),
        _machine(record),
    )


def _group(members: Sequence[BenchmarkRecord]) -> Group:
    first = members[0]
    efficiencies = [
        record.parallel.parallel_efficiency for record in members if record.parallel.parallel_efficiency is not None
    ]
    return Group(
        mode=first.mode,
        kernel=first.kernel,
        source=first.dataset.source,
        bars=first.dataset.bars,
        fraction=first.dataset.fraction,
        portion=first.dataset.portion,
        workers=first.parallel.workers,
        runs=len(members),
        trades=first.trades.count,
        profit_cents=first.trades.profit_cents,
        same_trades=len({record.trades.digest for record in members}) == 1,
        wall_s=_spread([record.wall_s for record in members]),
        bars_per_s=_spread([record.bars_per_s for record in members]),
        memory_ratio=_spread([record.memory.ratio for record in members]),
        parallel_efficiency=statistics.median(efficiencies) if efficiencies else None,
        phases_s={name: statistics.median(record.phases[name] for record in members) for name in first.phases},
    )


def _spread(values: Sequence[float]) -> Spread:
    return Spread(
        min(values),
        statistics.median(values),
        statistics.fmean(values),
        max(values),
        statistics.stdev(values) if len(values) > 1 else 0.0,
    )
