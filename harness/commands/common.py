"""What every command needs: settings, consoles, printing JSON, the progress line."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from harness.config import Settings
    from harness.engines.base import Engine


def settings_from(config: Path | None) -> Settings:
    """The settings of ``--config``, or of the nearest ``harness.toml``."""
    from harness.config import find_settings, load_settings

    return load_settings(config if config is not None else find_settings(Path.cwd()))


def engine_from(settings: Settings, name: str | None, scenario: str = "") -> Engine:
    """The engine named on the command line, or in the settings, with what the scenario allows it."""
    from harness.engines.registry import engine_choice, make_engine

    engine = make_engine(engine_choice(settings, name, scenario))
    _recover(engine)
    return engine


def _recover(engine: Engine) -> None:
    """What a killed command left running would go on writing into its run folder."""
    from harness.engines.base import Recovers
    from harness.errors import EngineError

    if isinstance(engine, Recovers):
        with suppress(EngineError):  # the engine's own check says what it lacks
            for ended in engine.recover():
                print(f"attention: {ended}; it was ended and removed", file=sys.stderr, flush=True)


def parse_parameters(given: list[str] | None) -> dict[str, str]:
    """``["k=v", ...]`` as a dictionary. Raises ``InputError`` for what is not ``key=value``."""
    parameters = {}
    for item in given or []:
        key, equals, value = item.partition("=")
        if not equals or not key:
            raise InputError(f"--param {item!r}: is not key=value")
        parameters[key] = value
    return parameters


def parse_cpus(given: str | None) -> tuple[int, ...]:
    """``"2,3"`` as CPU numbers. Raises ``InputError`` for anything else."""
    if given is None:
        return ()
    try:
        return tuple(int(item) for item in given.split(","))
    except ValueError as error:
        raise InputError(f"--cpus {given!r}: is not a list of CPU numbers like 0,1") from error


def output_console() -> Console:
    """Standard output; wide enough for the tables when it is not a terminal."""
    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=140)


def print_json(document: Mapping[str, Any]) -> None:
    """Pure JSON on standard output."""
    import json

    print(json.dumps(document, indent=2, ensure_ascii=False))


def shown(path: Path) -> str:
    """The path as short as it can be said from here."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def duration(seconds: float) -> str:
    """``75`` as ``1:15``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class ProgressLine:
    """One line on standard error: rewritten in place on a terminal, else printed when its subject changes."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._last = ""
        self._shown_at = 0.0

    def show(self, subject: str, detail: str) -> None:
        """``subject`` changes seldom (a run), ``detail`` often (times)."""
        if not self._terminal:
            if subject != self._last:
                print(f"{subject}  {detail}", file=sys.stderr, flush=True)
            self._last = subject
            return
        now = time.monotonic()
        if subject != self._last or now - self._shown_at >= 0.2:
            print(f"\r\x1b[2K{subject}  {detail}", end="", file=sys.stderr, flush=True)
            self._last, self._shown_at = subject, now

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(self, *_: object) -> None:
        if self._terminal and self._last:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)
