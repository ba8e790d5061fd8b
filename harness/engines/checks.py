"""What can be known to fail before a backtest is started; the same for every engine that runs Python algorithms."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from harness.engines.base import BacktestRequest


def algorithm_classes(file: Path) -> list[str]:
    """The classes of a file that are derived from ``QCAlgorithm``, in order.

    Raises ``OSError`` where it cannot be read, ``SyntaxError`` or ``ValueError`` where it is not Python.
    """
    return [
        node.name
        for node in ast.parse(file.read_bytes(), filename=str(file)).body
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base).endswith("QCAlgorithm") for base in node.bases)
    ]


def check_request(request: BacktestRequest) -> list[str]:
    """Problems of the algorithm, the data folder and the parameters; each one line with its remedy."""
    return [*_algorithm_problems(request), *_data_problems(request), *_parameter_problems(request)]


def _algorithm_problems(request: BacktestRequest) -> Iterator[str]:
    path, name = request.algorithm_file, request.algorithm_class
    try:
        source = path.read_bytes()
    except FileNotFoundError:
        yield f"{path}: algorithm file not found; check [algorithm] file or --algorithm"
        return
    except OSError as error:
        yield f"{path}: algorithm file cannot be read ({error.strerror})"
        return
    try:
        tree = ast.parse(source, filename=str(path))
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        text = error.msg if isinstance(error, SyntaxError) else str(error)
        yield f"{path}{line}: not valid Python ({text}); correct it first"
        return
    names = set(_bound_names(tree))
    if name not in names:
        classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
        has = ", ".join(classes) or "no class"
        yield f"{path}: no class {name!r} in it; it has {has}; check [algorithm] class or --class"


def _bound_names(tree: ast.Module) -> Iterator[str]:
    """Names that the module binds at its top level (also inside ``if`` and ``try``); star imports are not followed."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def _data_problems(request: BacktestRequest) -> Iterator[str]:
    folder = request.data_folder
    if not folder.is_dir():
        yield f"{folder}: data folder not found; make it with `harness data synth`, or check [folders] data or --data"
        return
    for name in ("market-hours/market-hours-database.json", "symbol-properties/symbol-properties-database.csv"):
        if not (folder / name).is_file():
            yield f"{folder}: {name} is missing, so this is not a Lean data folder; make it with `harness data synth`"


def _parameter_problems(request: BacktestRequest) -> Iterator[str]:
    for key, value in request.parameters.items():
        if "," in key + value or ":" in key + value or not key:
            yield (
                f"parameter {key!r} = {value!r}: Lean's command line parts parameters at ',' and ':'; "
                "use other separators, such as spaces"
            )
