"""Benchmark sessions and sweeps, whoever started them: what is in the runs folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from harness.bench.records import HEADER_NAME, ROWS_NAME
from harness.bench.session import load_session
from harness.report.model import build_report, report_to_dict
from harness.results.baseline import load_baseline
from harness.results.labels import sessions_newest_first
from harness.results.lean_results import LeanResults
from harness.results.store import read_rows
from harness.server.problems import not_found
from harness.server.requests import NAME_PATTERN, TRIAL_PATTERN, run_folder
from harness.server.routes_runs import Limit, Offset, RunId, example
from harness.server.service import Service, json_response, page_of, quietly, service_of

SESSION_EXAMPLE = {
    "session": "20251001-093000-default-1f3a",
    "scenario": "default",
    "verdict": "PASS",
    "finished": True,
    "pairs": 10,
    "runs_done": 26,
    "runs_planned": 26,
    "identical": True,
    "wall_ratio": 0.61,
    "cpu_ratio": 0.6,
}
REPORT_BYTES = 200_000  # a generous guess: some hundred runs
SWEEP_FILE, TRIALS_FILE = "sweep.json", "trials.jsonl"

router = APIRouter(prefix="/api", tags=["bench"])


@router.get("/sessions", responses=example({"total": 1, "items": [SESSION_EXAMPLE]}), summary="Sessions, newest first")
def sessions(request: Request, offset: Offset = 0, limit: Limit = 50) -> Response:
    service = service_of(request)
    page = page_of(sessions_newest_first(service.runs), offset, limit)
    lines = [line for folder in page["items"] if (line := quietly(_line, service, folder)) is not None]
    return json_response({**page, "items": lines, "unreadable": len(page["items"]) - len(lines)})


@router.get("/sessions/{run_id}", responses=example(SESSION_EXAMPLE), summary="A session's whole report")
def session(request: Request, run_id: RunId) -> Response:
    service = service_of(request)
    return json_response(session_report(service, _session_folder(service, run_id)))


@router.get(
    "/sessions/{run_id}/verdict",
    responses=example({"verdict": "PASS", "exit_code": 0, "reasons": ["wall 0.61 <= 0.75"]}),
    summary="The verdict and what it stands on",
)
def verdict(request: Request, run_id: RunId) -> Response:
    service = service_of(request)
    report = session_report(service, _session_folder(service, run_id))
    names = ("session", "verdict", "exit_code", "reasons", "finished", "pairs", "parity", "quantities", "warnings")
    return json_response({name: report[name] for name in names})


@router.get(
    "/compare",
    responses=example({"left": SESSION_EXAMPLE, "right": SESSION_EXAMPLE, "quantities": [], "same_machine": True}),
    summary="Two sessions side by side",
)
def compare(
    request: Request,
    left: Annotated[str, Query(pattern=TRIAL_PATTERN, max_length=100)],
    right: Annotated[str, Query(pattern=TRIAL_PATTERN, max_length=100)],
) -> Response:
    service = service_of(request)
    reports = [session_report(service, _session_folder(service, name)) for name in (left, right)]
    by_name = [{item["name"]: item for item in report["quantities"]} for report in reports]
    quantities = [
        {
            "name": name,
            "unit": by_name[0][name]["unit"],
            "left": by_name[0][name],
            "right": by_name[1][name],
            "candidate_change": _ratio(by_name[1][name]["candidate"], by_name[0][name]["candidate"]),
            "baseline_change": _ratio(by_name[1][name]["baseline"], by_name[0][name]["baseline"]),
        }
        for name in by_name[0]
        if name in by_name[1]
    ]
    environments = [report["environment"] for report in reports]
    differing = sorted(
        key for key in {*environments[0], *environments[1]} if environments[0].get(key) != environments[1].get(key)
    )
    lines = [_report_line(report) for report in reports]
    body = {"left": lines[0], "right": lines[1], "quantities": quantities, "environment_differs_in": differing}
    return json_response(body)


@router.get(
    "/parity",
    responses=example({"identical": True, "summary": "identical: 214 order events and every compared figure"}),
    summary="Hold one run's results against another's",
)
def parity(
    request: Request,
    left: Annotated[str, Query(pattern=r"^[A-Za-z0-9_./-]+$", max_length=301, examples=["SESSION/baseline/run_01"])],
    right: Annotated[str, Query(pattern=r"^[A-Za-z0-9_./-]+$", max_length=301, examples=["SESSION/optimized/run_01"])],
) -> Response:
    from harness.parity.diff import diff_results
    from harness.parity.rules import ParityRules

    service = service_of(request)
    sides = [LeanResults(_labelled(service, label) / "lean") for label in (left, right)]
    found = diff_results(sides[0], sides[1], ParityRules.from_settings(service.project.parity))
    return json_response({"left": left, "right": right, **found.to_dict()})


@router.get(
    "/history",
    responses=example(
        {
            "quantity": "wall",
            "trends": [
                {
                    "scenario": "default",
                    "candidate": "optimized",
                    "machine": "1f3a2b4c",
                    "unit": "s",
                    "sessions": ["20251001-093000-default-1f3a"],
                    "values": [2.1],
                    "changes": [],
                }
            ],
        }
    ),
    summary="Trend of the candidate's medians over all sessions, with change points",
)
def history(
    request: Request,
    quantity: Literal["wall", "CPU", "memory"] = "wall",
    scenario: Annotated[str | None, Query(pattern=NAME_PATTERN, max_length=100)] = None,
) -> Response:
    from harness.history.store import FILE_NAME, entries
    from harness.history.trend import change_sentence, sparkline, trends

    service = service_of(request)
    found = trends(entries(service.runs / FILE_NAME, scenario), quantity)
    told = [
        {
            "scenario": trend.scenario,
            "candidate": trend.candidate,
            "machine": trend.machine,
            "unit": trend.unit,
            "sessions": [entry.session for entry in trend.entries],
            "created_at_utc": [entry.created_at_utc for entry in trend.entries],
            "commits": [entry.commit for entry in trend.entries],
            "values": list(trend.values),
            "sparkline": sparkline(trend.values),
            "changes": [change_sentence(trend, change) for change in trend.changes],
        }
        for trend in found
    ]
    return json_response({"quantity": quantity, "trends": told})


@router.get("/sweeps", responses=example({"total": 0, "items": []}), summary="Sweeps and how far they are")
def sweeps(request: Request, offset: Offset = 0, limit: Limit = 50) -> Response:
    service = service_of(request)
    folders = [path for path in sorted(service.runs.iterdir(), reverse=True) if (path / SWEEP_FILE).is_file()]
    page = page_of(folders, offset, limit)
    return json_response({**page, "items": [_sweep(folder) for folder in page["items"]]})


@router.get(
    "/sweeps/{run_id}",
    responses=example({"sweep": "20251001-sweep", "trials_done": 12, "trials": []}),
    summary="One sweep with its trials",
)
def sweep(request: Request, run_id: RunId, offset: Offset = 0, limit: Limit = 1000) -> Response:
    folder = run_folder(service_of(request).runs, run_id)
    if not (folder / SWEEP_FILE).is_file():
        raise not_found(f"{run_id}: is not a sweep")
    rows = _sweep_rows(folder)
    return json_response({**_sweep(folder), "trials": rows[offset : offset + limit]})


def session_report(service: Service, folder: Path) -> dict[str, Any]:
    """The session's report, made from its rows; kept as long as they and the stored baseline are the same files."""
    identity = (_stamp(folder / HEADER_NAME), _stamp(folder / ROWS_NAME))
    kept = service.reports.get(str(folder), identity)
    if kept is not None and kept[0] == _stamp(kept[1]):
        return kept[2]
    stored_session = load_session(folder)
    path = service.project.path(service.project.folders.baselines) / f"{stored_session.setup.scenario}.json"
    stamp = _stamp(path)
    stored = load_baseline(path) if stamp else None
    report = report_to_dict(build_report(stored_session, None if stored is None else stored.record))
    service.reports.put(str(folder), identity, (stamp, path, report), REPORT_BYTES)
    return report


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_size, stat.st_mtime_ns


def _session_folder(service: Service, name: str) -> Path:
    folder = run_folder(service.runs, name)
    if not (folder / "session.json").is_file():
        raise not_found(f"{name}: is not a benchmark session")
    return folder


def _line(service: Service, folder: Path) -> dict[str, Any]:
    return _report_line(session_report(service, folder))


def _report_line(report: dict[str, Any]) -> dict[str, Any]:
    ratios = {item["name"]: item["ratio"] for item in report["quantities"]}
    names = ("session", "scenario", "created_at_utc", "verdict", "exit_code", "finished", "pairs", "runs_done")
    return {
        **{name: report[name] for name in (*names, "runs_planned", "baseline", "candidate")},
        "identical": report["parity"]["identical"],
        "ratios": ratios,
    }


def _labelled(service: Service, label: str) -> Path:
    """``run/trial_1`` or ``session/variant/run_01``; a run alone stands for its first trial with results."""
    run_id, _, trial = label.partition("/")
    return service.trial(run_id, trial or None)


def _ratio(now: float, before: float) -> float | None:
    return now / before if before > 0 else None


def _sweep(folder: Path) -> dict[str, Any]:
    try:
        told = orjson.loads((folder / SWEEP_FILE).read_bytes())
    except (OSError, ValueError):
        told = {}
    rows = _sweep_rows(folder)
    values = [row["value"] for row in rows if isinstance(row.get("value"), int | float)]
    return {
        "sweep": folder.name,
        "settings": {key: value for key, value in told.items() if key not in ("schema", "length", "digest")},
        "trials_done": len(rows),
        "failed": sum(row.get("state") == "failed" for row in rows),
        "least": min(values, default=None),
        "greatest": max(values, default=None),
    }


def _sweep_rows(folder: Path) -> list[dict[str, Any]]:
    """Finished trials as stored; none when the row file is being written for the first time."""
    path = folder / TRIALS_FILE
    return (quietly(read_rows, path) or []) if path.exists() else []
