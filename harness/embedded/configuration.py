"""The engine's configuration: Lean's launcher keys, from the command line and a JSON file.

Precedence: command line, then ``--config`` file, then defaults. Source: Lean's ``LeanArgumentParser`` and
``Launcher/config.json`` (names), ``ConfigurationExtensions`` (``parameters`` as ``name:value,name:value``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.embedded.object_store import STORAGE_FILE_COUNT, STORAGE_LIMIT_BYTES
from harness.errors import InputError

# Keys of Lean's launcher that select parts which are fixed here: accepted, so that one command line serves all engines.
ACCEPTED = frozenset(
    [
        "environment",
        "composer-dll-directory",
        "data-provider",
        "map-file-provider",
        "factor-file-provider",
        "object-store",
        "result-handler",
        "messaging-handler",
        "job-queue-handler",
        "api-handler",
        "setup-handler",
        "data-feed-handler",
        "real-time-handler",
        "transaction-handler",
        "history-provider",
        "log-handler",
        "debug-mode",
        "show-missing-data-logs",
        "forward-console-messages",
        "data-monitor",
        "data-feed-workers-count",
        "symbol-minute-limit",
        "symbol-second-limit",
        "symbol-tick-limit",
        "close-automatically",
        "python-venv",
        "python-additional-paths",
        "project-id",
    ]
)
_OWN = (
    "data-folder",
    "algorithm-location",
    "algorithm-type-name",
    "algorithm-language",
    "algorithm-id",
    "backtest-name",
    "parameters",
    "results-destination-folder",
    "object-store-root",
    "config",
    "cache-folder",
    "phases-file",
    "maximum-chart-series",
    "maximum-data-points-per-chart-series",
    "storage-limit",
    "storage-file-count",
    "optimization-id",
    "transaction-log",
)

_NOT_HONOURED = ("out-of-sample-max-end-date", "out-of-sample-days")
# A string, which stays, or a comment as Lean's own configuration has them.
_COMMENT = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/', re.DOTALL)


@dataclass(frozen=True)
class Configuration:
    """What one run needs. Paths are absolute."""

    data_folder: Path
    algorithm_location: Path
    algorithm_type_name: str
    results_folder: Path
    algorithm_id: str
    backtest_name: str = "local"
    parameters: Mapping[str, str] = field(default_factory=dict)
    object_store_root: Path = Path("storage")
    cache_folder: Path | None = None
    phases_file: Path | None = None
    maximum_chart_series: int = 30
    maximum_points_per_series: int = 1_000_000
    storage_limit_bytes: int = STORAGE_LIMIT_BYTES
    storage_file_count: int = STORAGE_FILE_COUNT
    optimization_id: str = ""
    transaction_log: Path | None = None


def parse_parameters(text: str) -> dict[str, str]:
    """``fast:10,slow:20`` -> ``{"fast": "10", "slow": "20"}``. :class:`InputError` for a part without a colon."""
    found: dict[str, str] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, colon, value = part.partition(":")
        if not colon or not name.strip():
            raise InputError(
                f"--parameters: {part!r} is not name:value; write for instance --parameters fast:10,slow:20"
            )
        found[name.strip().strip('"')] = value.strip().strip('"')
    return found


def _arguments(argv: Sequence[str]) -> dict[str, str]:
    known = set(_OWN) | ACCEPTED
    found: dict[str, str] = {}
    index = 0
    while index < len(argv):
        word = argv[index]
        if not word.startswith("--"):
            raise InputError(f"{word!r} is not an option; options are --name value (see --help)")
        name, equals, value = word[2:].partition("=")
        if name not in known:
            raise InputError(f"--{name} is not an option of the engine; see --help")
        if not equals:
            following = argv[index + 1] if index + 1 < len(argv) else ""
            if following.startswith("--") or index + 1 >= len(argv):
                value = "true"
            else:
                value = following
                index += 1
        found[name] = value
        index += 1
    return found


def load(argv: Sequence[str]) -> Configuration:
    """The configuration of a command line. Raises :class:`InputError` naming the option and what to do."""
    options = _arguments(argv)
    file_values: dict[str, object] = {}
    if "config" in options:
        path = Path(options["config"])
        try:
            file_values = json.loads(_COMMENT.sub(lambda found: found.group(1) or "", path.read_text("utf-8-sig")))
        except OSError as error:
            raise InputError(f"--config {path}: cannot be read ({error.strerror})") from None
        except ValueError as error:
            raise InputError(f"--config {path}: is not valid JSON ({error})") from None

    for name in _NOT_HONOURED:
        if file_values.get(name):
            raise InputError(
                f"--config {options['config']}: {name} is not covered by the embedded engine; leave it out"
            )

    def text(name: str, default: str | None = None) -> str:
        value = options.get(name, file_values.get(name, default))
        if value is None or value == "":
            raise InputError(f"--{name} is missing; give it on the command line or in the --config file")
        return str(value)

    def number(name: str, default: int) -> int:
        value = options.get(name, file_values.get(name, default))
        try:
            return int(str(value))
        except ValueError:
            raise InputError(f"--{name} {value!r}: is not a whole number") from None

    language = text("algorithm-language", "Python")
    if language.lower() != "python":
        raise InputError(f"--algorithm-language {language}: the embedded engine runs Python algorithms only")
    parameters: dict[str, str] = {}
    from_file = file_values.get("parameters")
    if isinstance(from_file, dict):
        parameters.update({str(key): str(value) for key, value in from_file.items()})
    if "parameters" in options:
        parameters.update(parse_parameters(options["parameters"]))
    data_folder = Path(text("data-folder")).resolve()
    if not data_folder.is_dir():
        raise InputError(f"--data-folder {data_folder}: no such folder; write data with `harness data synth`")
    type_name = text("algorithm-type-name")
    results = Path(text("results-destination-folder", ".")).resolve()
    cache = options.get("cache-folder", file_values.get("cache-folder"))
    phases = options.get("phases-file", file_values.get("phases-file"))
    transactions = options.get("transaction-log", file_values.get("transaction-log"))
    store = options.get("object-store-root", file_values.get("object-store-root"))
    return Configuration(
        data_folder=data_folder,
        algorithm_location=Path(text("algorithm-location")).resolve(),
        algorithm_type_name=type_name,
        results_folder=results,
        algorithm_id=text("algorithm-id", type_name),
        backtest_name=text("backtest-name", "local"),
        parameters=parameters,
        object_store_root=Path(str(store)).resolve() if store else results / "storage",
        cache_folder=Path(str(cache)).resolve() if cache else None,
        phases_file=Path(str(phases)).resolve() if phases else None,
        maximum_chart_series=number("maximum-chart-series", 30),
        maximum_points_per_series=number("maximum-data-points-per-chart-series", 1_000_000),
        storage_limit_bytes=number("storage-limit", STORAGE_LIMIT_BYTES),
        storage_file_count=number("storage-file-count", STORAGE_FILE_COUNT),
        optimization_id=str(options.get("optimization-id", file_values.get("optimization-id", ""))),
        transaction_log=Path(str(transactions)).resolve() if transactions else None,
    )
