"""The recordings of real Lean: each case run by the embedded engine and compared, artifact by artifact."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from harness.config import find_settings
from harness.conformance.outcome import Difference, Outcome, Verdict
from harness.conformance.process import EMBEDDED, run_engine
from harness.errors import HarnessError, InputError
from harness.parity.recording import compare_with_recording


def find_cases(recordings: Path, names: Sequence[str] = ()) -> list[Path]:
    """Case folders below ``recordings``, all or the named ones. Raises :class:`InputError` for an unknown name."""
    if not recordings.is_dir():
        raise InputError(f"recordings folder {recordings}: no such folder; give --recordings PATH")
    cases = sorted(path.parent for path in recordings.glob("*/recording.json"))
    if not cases:
        raise InputError(f"recordings folder {recordings}: no */recording.json below it; give --recordings PATH")
    if not names:
        return cases
    by_name = {case.name: case for case in cases}
    unknown = [name for name in names if name not in by_name]
    if unknown:
        import difflib

        near = difflib.get_close_matches(unknown[0], by_name, n=3)
        hint = f"; near: {', '.join(near)}" if near else ""
        raise InputError(f"case {unknown[0]!r} is not in {recordings}{hint}")
    return [by_name[name] for name in names]


def default_recordings(start: Path) -> Path:
    """``../shared/conformance`` beside the project that ``start`` lies in. Raises :class:`InputError` if absent."""
    folder = find_settings(start).parent.parent / "shared" / "conformance"
    if not folder.is_dir():
        raise InputError(f"no recordings of real Lean at {folder}; give their folder with --recordings PATH")
    return folder


def run_case(
    case: Path,
    data_folder: Path,
    cache_folder: Path | None,
    keep: Path | None = None,
    engine: Sequence[str] = EMBEDDED,
) -> Outcome:
    """Run one case and compare it with its recording."""
    recording = json.loads((case / "recording.json").read_text("utf-8"))
    class_name = str(recording["class"])
    with tempfile.TemporaryDirectory(prefix="conformance-") as scratch:
        results = (keep / case.name) if keep is not None else Path(scratch) / "lean"
        results.mkdir(parents=True, exist_ok=True)
        done = run_engine(
            case / "algorithm.py",
            class_name,
            data_folder,
            results,
            cache_folder,
            backtest_name=case.name,
            engine=engine,
        )
        if keep is not None:
            (results / "stdout.txt").write_text(done.output, "utf-8")
            (results / "stderr.txt").write_text(done.errors, "utf-8")
        if done.refused:
            return Outcome(case.name, Verdict.REFUSED, done.wall_s, (), done.refused)
        if done.exit_code is None:
            return Outcome(case.name, Verdict.FAILED, done.wall_s, (), done.errors)
        printed = [
            line.removeprefix("STATISTICS:: ") for line in done.output.splitlines() if line.startswith("STATISTICS:: ")
        ]
        try:
            found = compare_with_recording(case, results, done.exit_code, printed)
        except HarnessError as error:
            last = done.errors.strip().splitlines()[-1:] or [str(error)]
            return Outcome(case.name, Verdict.FAILED, done.wall_s, (), last[0])
    differences = [Difference(d.artifact, str(d.path), _short(d.expected), _short(d.actual)) for d in found]
    verdict = Verdict.DIFFERENT if differences else Verdict.EQUAL
    return Outcome(case.name, verdict, done.wall_s, differences)


def _short(value: object, limit: int = 160) -> str:
    text = str(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
