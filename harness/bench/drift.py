"""Today's baseline runs against the stored baseline: did the baseline itself become slower or larger?

Times are compared only between equal fingerprints; otherwise the mismatches are told instead of a ratio.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from harness.bench.plan import RunKind
from harness.bench.records import RunRow
from harness.errors import DamagedError
from harness.measure.fingerprint import time_mismatches


@dataclass(frozen=True, slots=True)
class Drift:
    """Ratios today / stored of the medians; None where ``mismatches`` forbid comparing times."""

    mismatches: tuple[str, ...]
    wall_ratio: float | None
    cpu_ratio: float | None
    peak_ratio: float | None


def drift_from(
    record: Mapping[str, Any], rows: Sequence[RunRow], variant: str, fingerprint: Mapping[str, Any]
) -> Drift | None:
    """The drift of ``variant``'s measured rows from a stored baseline's record; None without a measured row."""
    measured = [row for row in rows if row.variant == variant and row.kind is RunKind.MEASURED and row.completed]
    if not measured:
        return None
    try:
        mismatches = tuple(time_mismatches(record["fingerprint"], fingerprint))
        stored = {key: float(record[key]["median"]) for key in ("wall_s", "cpu_s", "peak_rss_bytes")}
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedError(
            f"the stored baseline's record has an unknown form ({error!r}); run `make baseline`"
        ) from error
    if mismatches:
        return Drift(mismatches, None, None, None)
    return Drift(
        (),
        median(row.wall_s for row in measured) / stored["wall_s"],
        median(row.cpu_s for row in measured) / stored["cpu_s"],
        median(row.peak_rss_bytes for row in measured) / stored["peak_rss_bytes"],
    )
