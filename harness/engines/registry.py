"""Engines by name. Each is imported only when asked for, so that one engine's needs are not another's."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.engines.base import Engine
from harness.errors import InputError

if TYPE_CHECKING:
    from harness.config import Settings

# name -> (module, class, what it needs)
ENGINES: dict[str, tuple[str, str, str]] = {
    "embedded": ("harness.engines.embedded", "EmbeddedEngine", "Python only"),
    "launcher": ("harness.engines.launcher", "LauncherEngine", "a local Lean build and .NET"),
    "lean": ("harness.engines.lean_cli", "LeanCliEngine", "the lean command and Docker"),
}

# What a scenario can allow, and the engines that know it: only real Lean can abort after all results.
ALLOWANCES = {"allow_missing_data": ("embedded", "launcher", "lean"), "accept_abort": ("launcher", "lean")}


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """An engine's name, its own options from ``[engines.<name>]``, and the priority its process gets.

    ``root`` is the folder that relative paths in the options start from; only engines that have such paths get it.
    """

    name: str
    options: Mapping[str, Any]
    niceness: int = 0
    root: Path = Path()


def engine_choice(settings: Settings, name: str | None, scenario: str = "") -> EngineChoice:
    """The engine named, or that of the settings, with its options and what the scenario allows it."""
    chosen = (name or settings.engine.name).replace("-", "_")
    options = dict(settings.engines.get(chosen, {}))
    if scenario in settings.scenarios:
        allowed = settings.scenarios[scenario]
        options |= {key: True for key, engines in ALLOWANCES.items() if chosen in engines and getattr(allowed, key)}
    return EngineChoice(chosen, options, settings.engine.niceness, settings.root)


def make_engine(choice: EngineChoice) -> Engine:
    """The engine of this name. Raises ``InputError`` for an unknown name or option, naming those there are."""
    name = choice.name.replace("-", "_")
    if name not in ENGINES:
        raise InputError(f"engine {choice.name!r}: not known; there are {', '.join(ENGINES)}")
    module_name, class_name, _ = ENGINES[name]
    try:
        kind: Any = getattr(importlib.import_module(module_name), class_name)
    except ModuleNotFoundError as error:
        raise InputError(f"engine {name}: needs the Python package {error.name!r}; install it") from error
    options = {key: tuple(value) if isinstance(value, list) else value for key, value in choice.options.items()}
    if choice.niceness:
        options["niceness"] = choice.niceness
    if any(field.name == "root" for field in fields(kind)):
        options["root"] = choice.root
    try:
        engine: Engine = kind(**options)
    except TypeError as error:
        raise InputError(f"[engines.{name}]: {str(error).split('__init__() ')[-1]}; see `harness doctor`") from error
    return engine
