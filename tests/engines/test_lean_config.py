"""Lean's configuration: written whole, read with comments."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.engines.base import BacktestRequest
from harness.engines.lean_config import launcher_config, read_json_with_comments, write_config
from harness.errors import InputError

REQUEST = BacktestRequest(Path("/a/main.py"), "A", Path("/data"), Path("/run"), {"k": "v,w:x"})


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    config = launcher_config(REQUEST, Path("/lean"), extra={"data-feed-workers-count": 1})
    write_config(tmp_path / "c.json", config)
    read = read_json_with_comments(tmp_path / "c.json")
    assert read == config
    assert read["parameters"] == {"k": "v,w:x"}  # in the file, separators of the command line do no harm
    assert read["data-feed-workers-count"] == 1
    assert "python-venv" not in read


def test_comments_and_trailing_commas_are_lean_and_not_json(tmp_path: Path) -> None:
    path = tmp_path / "lean.json"
    path.write_text('{ // one\n "url": "ws://a//b", /* two */ "list": [1, 2,],\n "text": ",]", "c:\\\\": 1, }\n')
    assert read_json_with_comments(path) == {"url": "ws://a//b", "list": [1, 2], "text": ",]", "c:\\": 1}


@pytest.mark.parametrize(("text", "problem"), [("{", "not valid JSON"), ("[1]", "not an object"), ("", "not valid")])
def test_what_cannot_be_read_is_one_line(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "lean.json"
    path.write_text(text)
    with pytest.raises(InputError, match=problem):
        read_json_with_comments(path)


def test_keys_of_the_harness_are_not_the_users() -> None:
    with pytest.raises(InputError, match="data-folder: is set by the harness"):
        launcher_config(REQUEST, Path("/lean"), extra={"data-folder": "x"})
