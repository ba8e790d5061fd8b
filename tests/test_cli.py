"""The command line itself; what its commands do is in ``tests/integration``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def harness(*words: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "harness.cli", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def commands() -> list[str]:
    """Every command as a user types it, subcommands too."""
    from typer.main import get_command

    from harness.cli import app

    found = []
    groups = [("", get_command(app))]
    while groups:
        prefix, group = groups.pop()
        for name, command in getattr(group, "commands", {}).items():
            nested = getattr(command, "commands", None)
            if nested is None or command.callback is not None:
                found.append(f"{prefix}{name}")
            if nested is not None:
                groups.append((f"{prefix}{name} ", command))
    return sorted(found)


@pytest.mark.parametrize("command", commands())
def test_every_command_has_help_with_an_example(command: str) -> None:
    from typer.testing import CliRunner

    from harness.cli import app

    done = CliRunner().invoke(app, [*command.split(), "--help"])
    assert done.exit_code == 0
    assert f"Examples:  harness {command}" in " ".join(done.stdout.split()).replace("Examples: ", "Examples:  ")


def test_version_and_help() -> None:
    from harness import __version__

    assert harness("--version").stdout == f"harness {__version__}\n"
    assert "Exit codes: 0 pass" in " ".join(harness("--help").stdout.split())


def test_starting_loads_nothing_heavy() -> None:
    code = (
        "import sys, harness.cli\n"
        "heavy = {'numpy', 'pandas', 'scipy', 'psutil', 'pydantic', 'rich.console', 'exchange_calendars'}\n"
        "heavy &= set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_usage_errors_are_one_line(tmp_path: Path) -> None:
    for words in (("bench", "--pairs", "x"), ("diff", "one"), ("data",), ("nope",)):
        done = harness(*words, folder=tmp_path)
        assert done.returncode == 2, words
        if words != ("data",):  # without a command it prints its help
            assert done.stderr.startswith("harness: ")
            assert len(done.stderr.splitlines()) == 1


def test_a_bug_is_one_line_too_and_its_trace_is_there_when_asked_for(tmp_path: Path) -> None:
    code = (
        "import sys, harness.cli as cli\n"
        "def broken(*_): raise ZeroDivisionError('a bug')\n"
        "cli._scenario = broken\n"
        "sys.argv = ['harness', 'bench']\n"
        "cli.main()\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("harness: internal error, please report it: ZeroDivisionError: a bug")
    assert len(done.stderr.splitlines()) == 1
