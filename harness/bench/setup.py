"""What one session measures, fixed before its first run and stored with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harness.bench.plan import PlanSettings
from harness.bench.stopping import Look, StoppingRule
from harness.errors import DamagedError

SCHEMA = "harness.session"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Variant:
    """One side of the comparison: which class in which file, with which parameters."""

    algorithm_file: Path
    algorithm_class: str
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Targets:
    """Ratios that a candidate may reach at most: 0.75 is 25 % less. ``judged_phase``: ``total`` or ``algorithm``."""

    time_ratio: float = 0.75
    memory_ratio: float = 1.10
    judged_phase: str = "total"


@dataclass(frozen=True, slots=True)
class SessionSetup:
    """Everything that decides what a session does. Paths are absolute. ``fingerprint`` was taken at its start.

    ``command``: what a user types to measure the same again; empty where no command line started the session.
    """

    name: str
    scenario: str
    created_at_utc: str
    plan: PlanSettings
    rule: StoppingRule
    targets: Targets
    variants: Mapping[str, Variant]
    data_folder: Path
    cache_folder: Path | None
    time_limit_s: float
    max_time_s: float
    cpu_affinity: tuple[int, ...]
    engine: Mapping[str, str]
    fingerprint: Mapping[str, Any]
    parity: Mapping[str, Any] = field(default_factory=dict)
    untouched_stages: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    command: str = ""


def setup_to_dict(setup: SessionSetup) -> dict[str, Any]:
    """JSON-ready form."""
    fields = asdict(setup)
    fields["data_folder"] = str(setup.data_folder)
    fields["cache_folder"] = None if setup.cache_folder is None else str(setup.cache_folder)
    for variant in fields["variants"].values():
        variant["algorithm_file"] = str(variant["algorithm_file"])
    return fields


def setup_from_dict(fields: Mapping[str, Any], where: str) -> SessionSetup:
    """The setup from its stored form. Raises ``DamagedError`` naming ``where`` when it cannot be read."""
    try:
        values = {key: value for key, value in fields.items() if key in SessionSetup.__slots__}
        values["plan"] = PlanSettings(**fields["plan"])
        values["rule"] = StoppingRule(fields["rule"]["name"], tuple(Look(**look) for look in fields["rule"]["looks"]))
        values["targets"] = Targets(**fields["targets"])
        values["variants"] = {
            name: Variant(Path(variant["algorithm_file"]), variant["algorithm_class"], variant["parameters"])
            for name, variant in fields["variants"].items()
        }
        values["data_folder"] = Path(fields["data_folder"])
        values["cache_folder"] = None if fields["cache_folder"] is None else Path(fields["cache_folder"])
        for key in ("cpu_affinity", "untouched_stages", "warnings"):
            values[key] = tuple(fields[key])
        return SessionSetup(**values)
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedError(f"{where}: the session's settings cannot be read ({error!r})") from error
