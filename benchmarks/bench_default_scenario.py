"""The default scenario on the embedded engine: bars a second, time by part, and what the optimized variant saves.

Runs both variants in turn (``--rounds``, default 3, after one warm-up each) and prints medians. Limits, on the
2-core machine that they were set for: engine time without user code under 4 s, process start to the first callback
under 0.5 s with a warm cache, optimized at least 25 % less wall and CPU time than baseline. Exit code 1 when missed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.bench.evidence import parse_stages
from harness.bench.prepare import resolve_variant, variant_request
from harness.commands.data import ensure_data
from harness.config import load_settings
from harness.engines.base import BacktestRun
from harness.engines.embedded import EmbeddedEngine
from harness.results.lean_results import LeanResults

START_PHASES = ("engine_start", "import", "initialize")
failed: list[str] = []


def limit(name: str, value: float, most: float, unit: str) -> None:
    good = value <= most
    print(f"{'ok  ' if good else 'MISS'} {name}: {value:.3f} {unit} (limit {most:g} {unit})")
    if not good:
        failed.append(name)


def stage_seconds(run: BacktestRun) -> dict[str, float]:
    """Seconds of user code by stage."""
    told = LeanResults(run.request.results_folder).stages
    return {name: stage.wall_s for name, stage in parse_stages(told, "log").items()} if told else {}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scenario", default="default")
    given = parser.parse_args()
    settings = load_settings(Path(__file__).resolve().parents[1] / "harness.toml")
    ensure_data(settings, given.scenario)
    engine = EmbeddedEngine()
    runs: dict[str, list[BacktestRun]] = {"baseline": [], "optimized": []}
    with tempfile.TemporaryDirectory(prefix="harness-scenario-") as name:
        for number in range(given.rounds + 1):
            for variant, done in runs.items():
                folder = Path(name) / f"{variant}-{number}"
                folder.mkdir()
                request = variant_request(
                    settings, given.scenario, resolve_variant(settings, given.scenario, variant), folder
                )
                run = engine.run(request)
                if not run.ok:
                    print(f"{variant}: {run.outcome}: {run.detail}", file=sys.stderr)
                    return 2
                if number:
                    done.append(run)
        report(runs)
    return 1 if failed else 0


def report(runs: dict[str, list[BacktestRun]]) -> None:
    walls: dict[str, float] = {}
    cpus: dict[str, float] = {}
    for variant, done in runs.items():
        costs = [run.measurement for run in done if run.measurement is not None]
        walls[variant], cpus[variant] = median(c.wall_s for c in costs), median(c.cpu_s for c in costs)
        phases = {name: median(c.phases_s.get(name, 0.0) for c in costs) for name in costs[0].phases_s}
        stages = {name: median(stage_seconds(run).get(name, 0.0) for run in done) for name in stage_seconds(done[0])}
        algorithm_s = phases.get("algorithm", 0.0)
        user_s = sum(stages.values())
        points = done[0].data_points
        peak = median(c.peak_rss_bytes for c in costs) / 2**20
        print(f"{variant}: {walls[variant]:.3f} s wall, {cpus[variant]:.3f} s CPU, {peak:.0f} MiB")
        print(
            f"     {points:,} second bars and other points, {points / algorithm_s:,.0f} a second in the algorithm phase"
        )
        print("     phases (s): " + ", ".join(f"{name} {seconds:.3f}" for name, seconds in phases.items()))
        print("     user code by stage (s): " + ", ".join(f"{name} {seconds:.3f}" for name, seconds in stages.items()))
        limit(f"{variant}: engine time without user code", walls[variant] - user_s, 4.0, "s")
        limit(f"{variant}: start to first callback", sum(phases.get(name, 0.0) for name in START_PHASES), 0.5, "s")
    limit("wall ratio", walls["optimized"] / walls["baseline"], 0.75, "")
    limit("CPU ratio", cpus["optimized"] / cpus["baseline"], 0.75, "")


if __name__ == "__main__":
    sys.exit(main())
