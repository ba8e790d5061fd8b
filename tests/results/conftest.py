from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder beside the project with recordings of real Lean."""
    folder = Path(__file__).parents[3] / "shared"
    if not (folder / "conformance").is_dir():
        pytest.skip("the recordings of real Lean are not beside the project")
    return folder
