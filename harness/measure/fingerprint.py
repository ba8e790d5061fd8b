"""What a time depends on: the machine, the engine, the code and the data, recorded with every figure.

Times taken under different fingerprints are not compared (see :func:`time_mismatches`); results may be, since
orders do not depend on the machine.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import psutil

SCHEMA_VERSION = 1
DATA_MANIFEST = "harness-data.json"

# Fields that must be equal before two times may be compared, with the user's word for each.
TIME_FIELDS: dict[str, str] = {
    "cpu_model": "CPU",
    "cpu_count": "number of CPUs",
    "governor": "CPU governor",
    "kernel": "kernel",
    "memory_bytes": "memory",
    "python": "Python",
    "engine": "engine",
    "data_digest": "market data",
}


def take_fingerprint(
    engine: Mapping[str, str], algorithm_files: Iterable[Path], data_folder: Path, project_root: Path
) -> dict[str, Any]:
    """The fingerprint as a JSON-ready dictionary; digests are hex SHA-256, sizes bytes.

    Never raises for what the machine does not tell: an unknown value is an empty string.
    """
    commit, dirty = git_state(project_root)
    return {
        "schema_version": SCHEMA_VERSION,
        "cpu_model": cpu_model(),
        "cpu_count": os.cpu_count() or 0,
        "governor": cpu_governor(),
        "kernel": f"{platform.system()} {platform.release()}",
        "hostname_digest": hashlib.sha256(platform.node().encode()).hexdigest()[:12],
        "memory_bytes": psutil.virtual_memory().total,
        "load_1min": load_1min(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "executable_bits": 64 if sys.maxsize > 2**32 else 32,
        "engine": dict(engine),
        "git_commit": commit,
        "git_dirty": dirty,
        "algorithm_digest": code_digest(algorithm_files),
        "data_digest": data_digest(data_folder),
    }


def time_mismatches(left: Mapping[str, Any], right: Mapping[str, Any]) -> list[str]:
    """One line for each field that forbids comparing times; empty when they may be compared."""
    return [
        f"{word}: {_show(left.get(key))} against {_show(right.get(key))}"
        for key, word in TIME_FIELDS.items()
        if not _same(key, left.get(key), right.get(key))
    ]


def _same(key: str, left: Any, right: Any) -> bool:
    """Equal; memory to one per cent, because what the kernel keeps for itself changes with every start."""
    if key == "memory_bytes" and isinstance(left, int) and isinstance(right, int):
        return abs(left - right) <= 0.01 * max(left, right)
    return bool(left == right)


def resume_mismatches(left: Mapping[str, Any], right: Mapping[str, Any]) -> list[str]:
    """As :func:`time_mismatches`, and the algorithm's code must be the same too: one session measures one thing."""
    lines = time_mismatches(left, right)
    if left.get("algorithm_digest") != right.get("algorithm_digest"):
        lines.append("algorithm: its source files changed")
    return lines


def code_mismatches(stored: Mapping[str, Any], engine: Mapping[str, str], algorithm_files: Iterable[Path]) -> list[str]:
    """One line for the engine and one for the algorithm if its code is no longer that of the stored fingerprint."""
    now = {**stored, "engine": dict(engine), "algorithm_digest": code_digest(algorithm_files)}
    return resume_mismatches(stored, now)


def _show(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{key}={item}" for key, item in sorted(value.items()))
    text = str(value)
    return text[:12] + "…" if len(text) == 64 else text or "unknown"


def cpu_model() -> str:
    """The CPU's own name (``/proc/cpuinfo``, ``sysctl`` or ``platform``)."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(errors="replace").splitlines():
            if line.lower().startswith(("model name", "hardware", "cpu model")):
                return line.partition(":")[2].strip()
    if sys.platform == "darwin":
        return _output(["sysctl", "-n", "machdep.cpu.brand_string"])
    return platform.processor()


def cpu_governor() -> str:
    """The frequency governor of CPU 0, empty where there is none (virtual machines)."""
    path = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def load_1min() -> float:
    """Load average of the last minute; 0 where the system has none."""
    try:
        return round(os.getloadavg()[0], 2)
    except (OSError, AttributeError):
        return 0.0


def git_state(folder: Path) -> tuple[str, bool]:
    """(commit, whether tracked files differ from it); ("", False) outside a repository."""
    commit = _output(["git", "-C", str(folder), "rev-parse", "HEAD"])
    if not commit:
        return "", False
    return commit, bool(_output(["git", "-C", str(folder), "status", "--porcelain", "--untracked-files=no"]))


def code_digest(algorithm_files: Iterable[Path]) -> str:
    """One digest over the Python files of the folders that hold these algorithms."""
    folders = sorted({path.parent for path in algorithm_files})
    if len(folders) == 1:
        return folder_digest(folders[0], suffixes=(".py",))
    parts = "".join(folder_digest(folder, suffixes=(".py",)) for folder in folders)
    return hashlib.sha256(parts.encode()).hexdigest()


def folder_digest(folder: Path, suffixes: tuple[str, ...]) -> str:
    """SHA-256 over the relative names and contents of the folder's files with these suffixes, in name order."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in suffixes and path.is_file() and "__pycache__" not in path.parts:
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def data_digest(data_folder: Path) -> str:
    """The digest that the data's manifest states, else one over every file's name, size and time of change.

    Hashing gigabytes before each session would cost more than it proves. ``harness data synth`` verifies its files
    against the manifest each time; other data has no manifest.
    """
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return str(json.loads((data_folder / DATA_MANIFEST).read_bytes())["digest"])
    digest = hashlib.sha256()
    for root, folders, files in os.walk(data_folder):
        folders.sort()
        for name in sorted(files):
            path = Path(root) / name
            status = path.stat()
            relative = path.relative_to(data_folder).as_posix()
            digest.update(f"{relative}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
