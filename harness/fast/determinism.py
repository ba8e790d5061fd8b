"""The same run twice: seeds, hash seed and thread counts, fixed where asked and recorded always."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np

SEED: Final = 0
THREAD_VARIABLES: Final = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "ARROW_NUM_THREADS",
)
_PROGRAMS: Final = ("harness", "harness.exe")


def hash_seed() -> str:
    """``PYTHONHASHSEED`` as this interpreter took it: a number, or ``random``."""
    if not sys.flags.hash_randomization:
        return "0"
    value = os.environ.get("PYTHONHASHSEED", "")
    return value if value.isdigit() else "random"


def rerun_with_fixed_hash_seed() -> int | None:
    """Run this command again in a child whose hash seed and thread counts are fixed; its exit code.

    The hash seed of a running interpreter cannot be changed. ``None``: nothing to do, because the seed is fixed
    already or because another program (a test, a notebook) holds this interpreter; the record then says so.
    """
    if hash_seed() != "random" or Path(sys.argv[0]).name not in _PROGRAMS:
        return None
    environment = {**os.environ, "PYTHONHASHSEED": str(SEED), **dict.fromkeys(THREAD_VARIABLES, "1")}
    return subprocess.run([sys.executable, *sys.orig_argv[1:]], env=environment, check=False).returncode


def make_deterministic() -> None:
    """Seed the random generators of this process and hand seed and thread counts to its children."""
    random.seed(SEED)
    np.random.seed(SEED)
    os.environ.setdefault("PYTHONHASHSEED", str(SEED))
    for name in THREAD_VARIABLES:
        os.environ.setdefault(name, "1")


def describe(deterministic: bool) -> dict[str, Any]:
    """What the record says: whether it was asked for, the seed, the hash seed, the thread settings."""
    return {
        "requested": deterministic,
        "seed": SEED if deterministic else None,
        "hash_seed": hash_seed(),
        "threads": {name: os.environ.get(name, "") for name in THREAD_VARIABLES},
    }
