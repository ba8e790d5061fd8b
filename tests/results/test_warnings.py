"""Where warnings point. By itself, because the frames that mutmut adds stand between."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.results import TestResults


def test_warnings_point_at_the_one_who_opens(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    with pytest.warns(UserWarning) as warned:
        TestResults(tmp_path, lazy=True, cache_size=2)
        TestResults(tmp_path)
    assert [warning.filename for warning in warned] == [__file__] * 2
