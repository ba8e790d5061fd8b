"""Every recording of real Lean, artifact by artifact: the embedded engine gives the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.conformance.outcome import Verdict
from harness.conformance.recordings import find_cases, run_case

_FOLDER = Path(__file__).parents[3] / "shared" / "conformance"
_CASES = [path.name for path in find_cases(_FOLDER)] if _FOLDER.is_dir() else []

pytestmark = [
    pytest.mark.recordings,
    pytest.mark.skipif(not _CASES, reason="the recordings of real Lean are not beside the project"),
]


@pytest.mark.parametrize("name", _CASES)
def test_engine_equals_recording(name: str, recordings: Path, cache_folder: Path) -> None:
    outcome = run_case(recordings / name, recordings / "data", cache_folder)
    differences = "\n".join(str(difference) for difference in outcome.differences)
    assert outcome.verdict is Verdict.EQUAL, f"{outcome.verdict} {outcome.detail}\n{differences}"
