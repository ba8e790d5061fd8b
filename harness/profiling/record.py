"""What a profile leaves for later: ``profile.json``, read by ``harness profile diff``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import DamagedError, InputError
from harness.profiling.hotspots import Hotspot, Hotspots
from harness.profiling.memory import Allocation, MemoryProfile
from harness.profiling.samples import SampledFunction, Samples
from harness.results.store import read_json, write_json

FILE_NAME = "profile.json"
SCHEMA = "harness.profile"
VERSION = 1
KEPT_FUNCTIONS = 300


@dataclass(frozen=True, slots=True)
class ProfileRecord:
    """One profile of one variant: what each tool saw, None where a tool was not used."""

    scenario: str
    variant: str
    parameters: Mapping[str, str]
    commit: str
    samples: Samples | None = None
    hotspots: Hotspots | None = None
    memory: MemoryProfile | None = None
    files: Sequence[str] = field(default_factory=tuple)


def save_profile(record: ProfileRecord, folder: Path) -> Path:
    """Writes ``profile.json``; of long lists only the largest entries."""
    document = asdict(record)
    for part, key in (("samples", "functions"), ("hotspots", "functions"), ("memory", "allocations")):
        if document[part] is not None:
            document[part][key] = document[part][key][:KEPT_FUNCTIONS]
    path = folder / FILE_NAME
    write_json(path, document, schema=SCHEMA, version=VERSION)
    return path


def load_profile(folder: Path) -> ProfileRecord:
    """Reads it back. Raises ``InputError`` when there is none, ``DamagedError`` when it cannot be read."""
    path = folder if folder.suffix == ".json" else folder / FILE_NAME
    if not path.exists():
        raise InputError(f"{folder}: no profile in it ({FILE_NAME} is missing); make one with `harness profile`")
    stored = read_json(path, schema=SCHEMA, version=VERSION)
    try:
        return ProfileRecord(
            scenario=stored["scenario"],
            variant=stored["variant"],
            parameters=stored["parameters"],
            commit=stored["commit"],
            samples=_part(stored["samples"], "functions", SampledFunction, Samples),
            hotspots=_part(stored["hotspots"], "functions", Hotspot, Hotspots),
            memory=_part(stored["memory"], "allocations", Allocation, MemoryProfile),
            files=tuple(stored["files"]),
        )
    except (KeyError, TypeError) as error:
        raise DamagedError(f"{path}: cannot be read ({error!r}); profile again") from error


def _part(fields: dict[str, Any] | None, key: str, item: Any, whole: Any) -> Any:
    return None if fields is None else whole(**{**fields, key: tuple(item(**entry) for entry in fields[key])})
