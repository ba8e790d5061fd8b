"""Benchmark records: one JSON document a run, checked against its schema when written and when read."""

from __future__ import annotations

import datetime as dt
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import psutil
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from harness.errors import InputError
from harness.fast.determinism import describe
from harness.fast.phases import PHASES, Hotspot
from harness.fast.run import RunResult, RunSettings
from harness.results.store import read_json, write_json

SCHEMA: Final = "harness.fast-benchmark"
VERSION: Final = 1

Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DatasetRecord(_Part):
    """The data of the run; rows as in the ingest reports, summed over symbols."""

    source: str
    input_format: Literal["csv", "parquet", "lean"]
    symbols: tuple[str, ...]
    fraction: Annotated[float, Field(gt=0.0, le=1.0)]
    portion: Annotated[int, Field(ge=1)]
    source_rows: Count | None
    rows_in: Count
    rows_dropped: Count
    dropped: dict[str, Count]
    rows_filled: Count
    rows_out: Count
    bars: Count
    gaps: Count
    missing_bars: Count
    sources: Count
    sources_cached: Count

    @model_validator(mode="after")
    def _adds_up(self) -> DatasetRecord:
        if self.rows_in - self.rows_dropped + self.rows_filled != self.rows_out:
            raise ValueError("rows_in - rows_dropped + rows_filled is not rows_out")
        if sum(self.dropped.values()) != self.rows_dropped:
            raise ValueError("the reasons in dropped do not sum to rows_dropped")
        return self


class TradesRecord(_Part):
    """What was traded. ``digest`` is SHA-256 over all trades: equal in every mode, kernel and number of workers."""

    count: Count
    profit_cents: int
    rejected: dict[str, Count]
    digest: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class MemoryRecord(_Part):
    """Bytes of resident memory; ``ratio`` is growth during the run over ``raw_bytes`` (the columns of the bars)."""

    raw_bytes: Count
    before_bytes: Count
    peak_bytes: Count
    ratio: Annotated[float, Field(ge=0.0)]
    worker_peak_bytes: Count


class ParallelRecord(_Part):
    """``parallel_efficiency`` is serial time / (workers * parallel time), measured in this run, else null."""

    workers: Annotated[int, Field(ge=1)]
    kind: Literal["none", "threads", "processes"]
    tasks: Count
    wall_s: Seconds
    serial_s: Seconds | None
    parallel_efficiency: Annotated[float, Field(gt=0.0)] | None


class HotspotRecord(_Part):
    """One function of the profile."""

    function: str
    file: str
    line: Count
    calls: Count
    own_s: Seconds
    cumulative_s: Seconds


class FidelityRecord(_Part):
    """Outcome of ``--verify``."""

    identical: bool
    batch_trades: Count
    event_trades: Count
    mismatches: dict[str, Count]
    worst_price_difference: Annotated[float, Field(ge=0.0)]
    first_difference: str


class BenchmarkRecord(_Part):
    """One run. ``phases`` are busy seconds, added over workers; ``profiled`` runs are slower and never compared."""

    created_utc: str
    mode: Literal["batch", "event"]
    kernel: Literal["numpy", "numba"]
    settings: dict[str, str]
    dataset: DatasetRecord
    trades: TradesRecord
    phases: dict[str, Seconds]
    wall_s: Seconds
    bars_per_s: Annotated[float, Field(ge=0.0)]
    memory: MemoryRecord
    parallel: ParallelRecord
    profiled: bool
    hotspots: tuple[HotspotRecord, ...]
    fidelity: FidelityRecord | None
    determinism: dict[str, Any]
    fingerprint: dict[str, Any]
    warnings: tuple[str, ...]

    @model_validator(mode="after")
    def _consistent(self) -> BenchmarkRecord:
        lacking = set(PHASES) - set(self.phases)
        if lacking:
            raise ValueError(f"phases lack {', '.join(sorted(lacking))}")
        return self


def _total(counts: Sequence[int | None]) -> int | None:
    """The sum; ``None`` when one is not known."""
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def machine() -> dict[str, Any]:
    """What the times depend on. Times of different machines are not compared."""
    import numpy as np

    from harness.measure.fingerprint import cpu_governor, cpu_model, load_1min

    return {
        "cpu_model": cpu_model(),
        "cpu_count": os.cpu_count() or 0,
        "governor": cpu_governor(),
        "kernel": f"{platform.system()} {platform.release()}",
        "memory_bytes": int(psutil.virtual_memory().total),
        "load_1min": load_1min(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "numpy": np.__version__,
    }


def make_record(
    result: RunResult,
    settings: RunSettings,
    *,
    deterministic: bool,
    hotspots: Sequence[Hotspot] = (),
    warnings: Sequence[str] = (),
) -> BenchmarkRecord:
    """The record of one run."""
    reports = result.dataset.reports
    dropped: dict[str, int] = {}
    for report in reports:
        for name, count in report.as_dict()["dropped"].items():
            dropped[name] = dropped.get(name, 0) + count
    strategy = settings.strategy
    fidelity = result.fidelity
    return BenchmarkRecord(
        created_utc=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        mode=result.mode.value,
        kernel="numba" if result.kernel.value == "numba" else "numpy",
        settings={name: str(getattr(strategy, name)) for name in strategy.__slots__},
        dataset=DatasetRecord(
            source=result.dataset.source.name,
            input_format=result.dataset.input_format.value,  # type: ignore[arg-type]
            symbols=tuple(bars.symbol for bars in result.dataset.bars),
            fraction=settings.load.fraction,
            portion=settings.load.portion,
            source_rows=_total([report.source_rows for report in reports]),
            rows_in=sum(report.rows_in for report in reports),
            rows_dropped=sum(dropped.values()),
            dropped=dropped,
            rows_filled=sum(report.filled for report in reports),
            rows_out=sum(report.rows_out for report in reports),
            bars=result.dataset.rows,
            gaps=sum(report.gaps for report in reports),
            missing_bars=sum(report.missing_bars for report in reports),
            sources=result.dataset.sources,
            sources_cached=result.dataset.cached,
        ),
        trades=TradesRecord(
            count=result.trade_count,
            profit_cents=result.profit_cents,
            rejected=dict(result.rejected),
            digest=result.trades_digest,
        ),
        phases=dict(result.phases),
        wall_s=result.wall_s,
        bars_per_s=result.dataset.rows / result.wall_s if result.wall_s > 0.0 else 0.0,
        memory=MemoryRecord(
            raw_bytes=result.memory.raw_bytes,
            before_bytes=result.memory.before_bytes,
            peak_bytes=result.memory.peak_bytes,
            ratio=result.memory.ratio,
            worker_peak_bytes=result.parallel.worker_peak_bytes,
        ),
        parallel=ParallelRecord(
            workers=result.parallel.workers,
            kind=result.parallel.kind,  # type: ignore[arg-type]
            tasks=result.parallel.tasks,
            wall_s=result.parallel.wall_s,
            serial_s=result.parallel.serial_s,
            parallel_efficiency=result.parallel.efficiency,
        ),
        profiled=bool(hotspots),
        hotspots=tuple(
            HotspotRecord(
                function=spot.function,
                file=spot.file,
                line=spot.line,
                calls=spot.calls,
                own_s=max(0.0, spot.own_s),
                cumulative_s=max(0.0, spot.cumulative_s),
            )
            for spot in hotspots
        ),
        fidelity=None
        if fidelity is None
        else FidelityRecord(
            identical=fidelity.identical,
            batch_trades=fidelity.batch_trades,
            event_trades=fidelity.event_trades,
            mismatches=dict(fidelity.mismatches),
            worst_price_difference=fidelity.worst_price_difference,
            first_difference=fidelity.first_difference,
        ),
        determinism=describe(deterministic),
        fingerprint=machine(),
        warnings=tuple(warnings),
    )


def write_record(path: Path, record: BenchmarkRecord) -> None:
    """Store the record, whole and with its digest."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, record.model_dump(mode="json"), SCHEMA, VERSION)


def read_record(path: Path) -> BenchmarkRecord:
    """A stored record. Raises :class:`InputError` (or ``DamagedError``) naming the file and the first fault."""
    document = read_json(path, SCHEMA, VERSION)
    content = {name: value for name, value in document.items() if name not in ("schema", "version")}
    try:
        return BenchmarkRecord.model_validate(content, strict=False)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "record"
        raise InputError(f"{path}: no valid benchmark record: {where}: {first['msg']}; run it again") from None


def record_schema() -> dict[str, Any]:
    """JSON Schema of the record."""
    return BenchmarkRecord.model_json_schema()
