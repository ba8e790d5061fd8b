"""Real Lean's own log (``log.txt`` in the results folder): phases, completion line, stage timers, version.

Lines are ``<time> LEVEL:: text``; ``log.txt`` has ISO 8601 UTC times with seven decimals (``FileLogHandler``), the
console ``yyyyMMdd HH:mm:ss.fff`` in the machine's local time (``ConsoleLogHandler``), so phases come from the file.
Lean appends to an old ``log.txt``: only what follows the last start-up line is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

LOG_NAME = "log.txt"

# A line of each phase's end, in the order in which Lean writes them. Source: the recordings of real Lean.
PHASE_ENDS: tuple[tuple[str, str], ...] = (
    ("engine_start", "PythonInitializer.Initialize(): start"),
    ("python_start", "AlgorithmPythonWrapper(): Python version"),
    ("import", "AlgorithmPythonWrapper(): Creating IAlgorithm instance"),
    ("initialize", "AlgorithmManager.Run(): Begin DataStream"),
    ("algorithm", "Engine.Run(): Exiting Algorithm Manager"),
    ("results", "PythonInitializer.Shutdown(): start"),
)
LAST_PHASE = "shutdown"

_STARTED = re.compile(r"TRACE:: Engine\.Main\(\): LEAN ALGORITHMIC TRADING ENGINE v(\S+) Mode: (\w+)")
_FIGURE = r"\d[\d,]{0,30}(?:\.\d{1,30})?"  # a whole one, of a length that a number can have
_COMPLETED = re.compile(
    rf"Algorithm Id:\((?P<id>[^)]*)\) completed in (?P<seconds>{_FIGURE}) seconds at (?P<rate>[\d.,]+)k data points "
    rf"per second\. Processing total of (?P<points>{_FIGURE}) data points"
)
_TIMERS = "PerformanceTrackingTool.Summary():"
_TIMER = re.compile(r"(\w+): (\d{1,30}(?:\.\d{1,30})?)s(?=\.|$)")
_COUNT = re.compile(r"(Dps|HistoryDps|ActiveSecurities):? (\d{1,30})\b")
_USAGE = re.compile(r"DATA USAGE:: (Total|Succeeded|Failed) data requests (\d{1,30})\b")
_ORDER_HASH = "STATISTICS:: OrderListHash "


@dataclass(frozen=True, slots=True)
class Completion:
    """Lean's completion line. ``seconds`` runs from the end of ``initialize`` to the end of the algorithm loop;
    ``data_points`` counts history points too, those of ``initialize`` included."""

    algorithm_id: str
    seconds: float
    data_points: int


@dataclass(frozen=True, slots=True)
class StageTimers:
    """Lean's own stage timers (``performance_sample_period``), seconds.

    Known limits (``PerformanceTrackingTool``): tenths of a second, and what came after the last sample is missing.
    """

    seconds: Mapping[str, float]
    data_points: int = 0
    active_securities: int = 0


@dataclass(frozen=True, slots=True)
class LeanLog:
    """What a log tells. ``marks``: UTC epoch seconds of each phase's end, as far as the run came."""

    version: str = ""
    mode: str = ""
    marks: Mapping[str, float] = field(default_factory=dict)
    completion: Completion | None = None
    timers: StageTimers | None = None
    requests: Mapping[str, int] = field(default_factory=dict)
    order_list_hash: str = ""


def read_log(path: Path) -> LeanLog:
    """The log at ``path``; an empty one when there is none."""
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            return parse_log(lines)
    except OSError:
        return LeanLog()


def parse_log(lines: Iterable[str]) -> LeanLog:
    """What the lines of one log tell. Lines that are not understood are passed over."""
    version = mode = order_hash = ""
    marks: dict[str, float] = {}
    completion: Completion | None = None
    timers: StageTimers | None = None
    requests: dict[str, int] = {}
    for line in lines:
        if "Engine.Main(): LEAN" in line and (started := _STARTED.search(line)):
            version, mode = started[1], started[2]
            marks, completion, timers, requests, order_hash = {}, None, None, {}, ""
        elif _TIMERS in line:
            timers = _stage_timers(line)
        elif "completed in" in line and (done := _COMPLETED.search(line)):
            completion = Completion(done["id"], _number(done["seconds"]), int(_number(done["points"])))
        elif usage := _USAGE.match(line):
            requests[usage[1].lower()] = int(usage[2])
        elif line.startswith(_ORDER_HASH):
            order_hash = line.removeprefix(_ORDER_HASH).strip()
        else:
            _mark(line, marks)
    return LeanLog(version, mode, marks, completion, timers, requests, order_hash)


def split_phases(log: LeanLog, started_at: float, wall_s: float) -> dict[str, float]:
    """Wall seconds of each phase, from ``started_at`` (UTC epoch seconds) to ``started_at + wall_s``.

    They sum to ``wall_s`` when the log is complete; a run that broke off has the phases that it ended, and the rest
    under the phase in which it ended. Empty without a log.
    """
    if not log.marks and not log.version:
        return {}
    phases: dict[str, float] = {}
    end = started_at + wall_s
    before = started_at
    for name, _ in PHASE_ENDS:
        mark = log.marks.get(name)
        if mark is None:
            if any(later in log.marks for later, _ in PHASE_ENDS[_index(name) :]):
                continue  # a phase that did not happen, for instance no algorithm after a failed initialize
            phases[name] = end - before
            return phases
        mark = min(max(mark, before), end)  # clocks: the log's is the system's, ours is monotonic
        phases[name] = mark - before
        before = mark
    phases[LAST_PHASE] = end - before
    return phases


def epoch(utc_text: str) -> float:
    """``2025-10-01T09:30:00.000+00:00`` (or Lean's seven decimals and ``Z``) as UTC epoch seconds."""
    text = re.sub(r"(\.\d{6})\d+", r"\1", utc_text)
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _index(name: str) -> int:
    return next(index for index, (phase, _) in enumerate(PHASE_ENDS) if phase == name)


def _mark(line: str, marks: dict[str, float]) -> None:
    stamp, _, rest = line.partition(" TRACE:: ")
    for name, text in PHASE_ENDS:
        # at the start only: an algorithm may write the same words, behind "Log: "
        if rest.startswith(text) and name not in marks:
            try:
                marks[name] = epoch(stamp)
            except ValueError:
                return  # a console line: local time, without a date that can be trusted
            return


def _stage_timers(line: str) -> StageTimers:
    text = line.partition(_TIMERS)[2].strip()
    counts = {name: int(value) for name, value in _COUNT.findall(text)}
    seconds = {name: float(value) for name, value in _TIMER.findall(text)}
    return StageTimers(seconds, counts.get("Dps", 0), counts.get("ActiveSecurities", 0))


def _number(text: str) -> float:
    return float(text.replace(",", ""))
