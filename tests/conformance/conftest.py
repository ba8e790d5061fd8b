from __future__ import annotations

from pathlib import Path

import pytest

RECORDINGS = Path(__file__).parents[3] / "shared" / "conformance"
ABSENT = "the recordings of real Lean are not beside the project (../shared/conformance)"


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of recordings of real Lean beside the project."""
    if not RECORDINGS.is_dir():
        pytest.skip(ABSENT)
    return RECORDINGS


@pytest.fixture(scope="session")
def cache_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Decoded market data, shared by all processes of a test run."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "conformance-cache"
    folder.mkdir(exist_ok=True)
    return folder
