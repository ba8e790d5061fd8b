"""``python -m harness.server.worker``: runs one job in its own process and tells how far it is.

The job comes as one JSON line on standard input; JSON lines on standard output say ``progress``, ``milestone`` and at
last ``end``. When standard input closes, the service has ended or the job was cancelled: the backtest is ended too.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from harness.bench.setup import Variant
from harness.config import Settings, load_settings
from harness.engines.base import BacktestRequest, Engine
from harness.engines.registry import engine_choice, make_engine
from harness.errors import EngineError, HarnessError, InputError

PROGRESS_FILE = "progress.json"
GRACE_S = 15.0


def tell(kind: str, **body: Any) -> None:
    """One line for the service."""
    sys.stdout.write(json.dumps({"kind": kind, **body}) + "\n")
    sys.stdout.flush()


def run_backtests(settings: Settings, folder: Path, request: Mapping[str, Any]) -> None:
    """Every trial of the request that has no result yet, one after another. ``folder`` is ``runs/<run_id>``."""
    from harness.server import full_results
    from harness.server.cache import ByteCache
    from harness.server.candles import CandleReader

    trials: list[dict[str, str]] = request["trials"]
    for number, parameters in enumerate(trials, start=1):
        name = f"trial_{number}"
        trial_folder = folder / name
        if (trial_folder / "measurement.json").exists():
            continue  # done before an interruption
        if trial_folder.exists():
            shutil.rmtree(trial_folder)
        backtest = _backtest(settings, request, parameters, trial_folder)
        if request["synthetic"]:
            tell("progress", text="market data", percent=0.0)
            _ensure_data(settings, request["scenario"])
        trial_folder.mkdir(parents=True)
        engine = _engine(settings, request["engine"], request["scenario"], trial_folder / PROGRESS_FILE)
        tell("milestone", type="trial_started", trial=name, number=number, total=len(trials))
        row = _measured(engine, backtest, name, number, len(trials))
        full_results.build(trial_folder, CandleReader(backtest.data_folder, ByteCache(512, 64 << 20)))
        _write_row(trial_folder, row)
        tell(
            "milestone", type="trial_finished", trial=name, number=number, total=len(trials),
            wall_s=row["wall_s"], peak_rss_bytes=row["peak_rss_bytes"],
        )  # fmt: skip


def run_bench(settings: Settings, folder: Path, request: Mapping[str, Any]) -> None:
    """A benchmark session, started or gone on with, and its report. ``folder`` is the session's."""
    from harness.bench.evidence import LeanInspector
    from harness.bench.prepare import Wishes, prepare
    from harness.bench.records import HEADER_NAME
    from harness.bench.session import Progress, Reference, load_session, run_session, start_session
    from harness.history.store import FILE_NAME, append, entry_of
    from harness.parity.rules import ParityRules
    from harness.report.files import write_report
    from harness.report.model import build_report
    from harness.results.baseline import load_baseline

    scenario = request["scenario"]
    engine = _engine(settings, request["engine"], scenario, None)
    _ensure_data(settings, scenario)
    if not (folder / HEADER_NAME).exists():
        wishes = Wishes(pairs=request["pairs"], adaptive=request["adaptive"], parameters=request["parameters"])
        start_session(prepare(settings, scenario, engine, folder.name, wishes), folder)
    stored_path = settings.path(settings.folders.baselines) / f"{scenario}.json"
    stored = load_baseline(stored_path) if stored_path.exists() else None
    references = [] if stored is None else [Reference("the stored baseline", stored.results)]
    last = 0

    def on_progress(step: Progress) -> None:
        nonlocal last
        if step.number != last:
            last = step.number
            tell("milestone", type="run_started", number=step.number, total=step.total, folder=step.run.folder)
        tell(
            "progress", text=step.text, number=step.number, total=step.total, folder=step.run.folder,
            percent=100.0 * (step.number - 1) / step.total, elapsed_s=step.elapsed_s, remaining_s=step.remaining_s,
        )  # fmt: skip

    inspector = LeanInspector(ParityRules.from_settings(load_session(folder).setup.parity))
    session = run_session(folder, engine, inspector, references, on_progress)
    report = build_report(session, None if stored is None else stored.record)
    write_report(report, folder)
    append(settings.path(settings.folders.runs) / FILE_NAME, entry_of(report))
    tell("milestone", type="verdict", verdict=report.verdict, exit_code=report.exit_code, reasons=list(report.reasons))


def _backtest(
    settings: Settings, request: Mapping[str, Any], parameters: Mapping[str, str], trial_folder: Path
) -> BacktestRequest:
    from harness.bench.prepare import resolve_variant, variant_request

    variant = resolve_variant(settings, request["scenario"], request["variant"], parameters)
    if request["algorithm"]:
        variant = Variant(Path(request["algorithm"]), request["class_name"], dict(parameters))
    elif request["class_name"]:
        variant = replace(variant, algorithm_class=request["class_name"])
    made = variant_request(settings, request["scenario"], variant, trial_folder)
    limit_s = request["time_limit_s"]
    return replace(made, time_limit_s=min(made.time_limit_s, limit_s)) if limit_s else made


def _engine(settings: Settings, name: str, scenario: str, progress_file: Path | None) -> Engine:
    choice = engine_choice(settings, name, scenario)
    if choice.name == "embedded" and progress_file is not None and "command" not in choice.options:
        module = "harness.server.watched_engine"
        command = (sys.executable, "-m", module, "--progress-file", str(progress_file))
        choice = replace(choice, options={**choice.options, "command": command})
    return make_engine(choice)


def _ensure_data(settings: Settings, scenario: str) -> None:
    from harness.marketdata.spec import DEFAULT_SEED, synth_spec
    from harness.marketdata.synth import synthesize

    data = settings.scenario(scenario).data
    if not data.synthetic:
        return
    more: dict[str, Any] = {} if data.history_days is None else {"history_days": data.history_days}
    seed = DEFAULT_SEED if data.seed is None else data.seed
    spec = synth_spec(data.symbols or None, data.start, data.end, seed, quick=data.quick, **more)
    synthesize(settings.data_folder(scenario), spec)


def _measured(engine: Engine, backtest: BacktestRequest, name: str, number: int, total: int) -> dict[str, Any]:
    """One backtest; what it cost. Raises ``EngineError`` when it did not complete."""
    from harness.bench.solo import run_once

    def on_text(text: str) -> None:
        position = _read_progress(backtest.run_folder / PROGRESS_FILE)
        share = float(position.get("share", 0.0))
        tell(
            "progress", text=text, trial=name, number=number, total=total,
            simulated_time=position.get("simulated_time", ""),
            percent=round(100.0 * (number - 1 + share) / total, 2),
        )  # fmt: skip

    done = run_once(engine, backtest, on_text)
    (backtest.run_folder / PROGRESS_FILE).unlink(missing_ok=True)
    if not done.ok:
        raise EngineError(f"ended as {done.outcome}: {done.detail}")
    cost = done.measurement
    if cost is None:
        raise EngineError(f"engine {done.engine.get('name')} did not measure the run")
    return {
        "wall_s": cost.wall_s,
        "user_s": cost.user_s,
        "system_s": cost.system_s,
        "peak_rss_bytes": cost.peak_rss_bytes,
        "phases_s": dict(cost.phases_s),
        "started_at_utc": cost.started_at_utc,
        "data_points": done.data_points,
        "data_folder": str(backtest.data_folder),
        "algorithm_class": backtest.algorithm_class,
        "parameters": dict(backtest.parameters),
        "engine": dict(done.engine),
        "notes": list(done.notes),
    }


def _write_row(trial_folder: Path, row: Mapping[str, Any]) -> None:
    from harness.results.store import write_json

    write_json(trial_folder / "measurement.json", row, schema="harness.server.measurement", version=1)


def _read_progress(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _end_with_service() -> None:
    """Waits for standard input to close, then ends this process as Ctrl-C does; at last by force."""
    while sys.stdin.buffer.read(4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_S)
    os._exit(130)


def _terminated(_number: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


def main() -> int:
    """One job. The exit code is 0 when it completed, 130 when it was ended, else 1."""
    signal.signal(signal.SIGTERM, _terminated)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C is for the service
    try:
        job: dict[str, Any] = json.loads(sys.stdin.buffer.readline())
        threading.Thread(target=_end_with_service, daemon=True).start()
        kinds: dict[str, Callable[[Settings, Path, Mapping[str, Any]], None]] = {
            "backtest": run_backtests,
            "bench": run_bench,
        }
        if job.get("kind") not in kinds:
            raise InputError(f"job kind {job.get('kind')!r}: not known")
        kinds[job["kind"]](load_settings(Path(job["settings"])), Path(job["folder"]), job["request"])
    except KeyboardInterrupt:
        return 130
    except HarnessError as error:
        if error.exit_code == 130:
            return 130
        tell("end", ok=False, detail=" ".join(str(error).split()))
        return 1
    except Exception as error:
        tell("end", ok=False, detail=f"internal error: {' '.join(f'{type(error).__name__}: {error}'.split())}")
        return 1
    tell("end", ok=True, detail="")
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)
