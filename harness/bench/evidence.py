"""What a finished run leaves as evidence: its stage timings, and whether it did the same as a reference run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from harness.bench.records import ParityCheck, StageTime
from harness.errors import DamagedError

if TYPE_CHECKING:
    from harness.parity.rules import ParityRules
    from harness.results.lean_results import LeanResults


class Inspector(Protocol):
    """Looks at results. ``parity`` holds a folder against ``reference``, which the user knows as ``against``."""

    def stages(self, results_folder: Path) -> Mapping[str, StageTime]: ...

    def parity(self, reference: Path | LeanResults, results_folder: Path, against: str) -> ParityCheck: ...


@dataclass(frozen=True, slots=True)
class LeanInspector:
    """Reads Lean's files and compares them by ``rules``."""

    rules: ParityRules

    def stages(self, results_folder: Path) -> Mapping[str, StageTime]:
        """Seconds by stage, from the algorithm's own line in its log; empty when it wrote none."""
        from harness.results.lean_results import LeanResults

        told = LeanResults(results_folder).stages
        return {} if told is None else parse_stages(told, results_folder)

    def parity(self, reference: Path | LeanResults, results_folder: Path, against: str) -> ParityCheck:
        from harness.parity.diff import diff_results
        from harness.results.lean_results import LeanResults

        left = LeanResults(reference) if isinstance(reference, Path) else reference
        report = diff_results(left, LeanResults(results_folder), self.rules)
        summary = report.summary_line.removeprefix("identical: ").removeprefix("different: ")
        return ParityCheck(report.identical, against, report.order_event_count[1] or 0, summary)


def parse_stages(told: Mapping[str, Any], where: object) -> dict[str, StageTime]:
    """The algorithm's stage line as seconds. Raises ``DamagedError`` when it has another form."""
    try:
        return {
            name: StageTime(
                wall_s=stage["wall_ns"] / 1e9,
                cpu_s=stage.get("cpu_ns", 0) / 1e9,
                count=int(stage.get("count", 0)),
                longest_s=stage.get("longest_ns", 0) / 1e9,
            )
            for name, stage in told["stages"].items()
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise DamagedError(f"{where}: the stage timings in the log have an unknown form ({error!r})") from error
