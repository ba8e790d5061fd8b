"""What the import-linter contracts of ``pyproject.toml`` cannot see: the algorithm is no package."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_algorithm_under_test_knows_nothing_of_the_harness() -> None:
    files = sorted((ROOT / "algorithm").rglob("*.py"))
    assert files
    for path in files:
        for node in ast.walk(ast.parse(path.read_bytes())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not any(name.split(".")[0] == "harness" for name in names), path
