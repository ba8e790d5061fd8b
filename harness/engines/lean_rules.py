"""What real Lean does with an algorithm file, known before a run.

Lean imports the module and makes an instance of every class in it that is derived from ``QCAlgorithm``, in
alphabetical order; the last one runs, whatever class the configuration names (``AlgorithmPythonWrapper``).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from harness.engines.base import BacktestRequest

BASE = "QCAlgorithm"


def lean_class_problems(request: BacktestRequest) -> Iterator[str]:
    """A problem when Lean would run another class than the one asked for; nothing for a file that cannot be read."""
    try:
        tree = ast.parse(request.algorithm_file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return  # told by the common checks
    names = algorithm_classes(tree)
    if names and request.algorithm_class != names[-1] and request.algorithm_class in names:
        yield (
            f"{request.algorithm_file}: real Lean runs {names[-1]!r}, the last of {', '.join(names)} by name, not "
            f"{request.algorithm_class!r}; keep one algorithm class in a file"
        )


def algorithm_classes(tree: ast.Module) -> list[str]:
    """Names of the module's classes that are derived from ``QCAlgorithm``, directly or through one another; sorted."""
    bases = {
        node.name: {ast.unparse(base).rpartition(".")[2] for base in node.bases}
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    }
    derived = {BASE}
    while True:
        more = {name for name, parents in bases.items() if parents & derived} - derived
        if not more:
            return sorted(derived - {BASE})
        derived |= more
