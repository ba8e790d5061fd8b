"""The optional compiled kernels: found, explained when absent, loaded once."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

from harness.fast.errors import KernelUnavailableError

if TYPE_CHECKING:
    from types import ModuleType

INSTALL_HINT = "pip install '.[jit]'"


class Kernel(StrEnum):
    """Which code runs the inner loops. All give the same bits."""

    AUTO = "auto"
    NUMPY = "numpy"
    NUMBA = "numba"


@cache
def numba_installed() -> bool:
    """Whether numba can be imported; does not import it."""
    return importlib.util.find_spec("numba") is not None


def choose(kernel: Kernel) -> Kernel:
    """``NUMPY`` or ``NUMBA`` for what was asked.

    ``AUTO`` takes the compiled kernel where this process has already paid for numba's import, else NumPy: a single
    run over a few million bars ends before numba would be loaded. Raises :class:`KernelUnavailableError`.
    """
    if kernel is Kernel.NUMBA and not numba_installed():
        raise KernelUnavailableError(f"the numba kernel is not installed: {INSTALL_HINT}, or use --kernel numpy")
    if kernel is Kernel.AUTO:
        return Kernel.NUMBA if "harness.fast.kernels" in sys.modules else Kernel.NUMPY
    return kernel


def kernels() -> ModuleType:
    """The module of compiled kernels (imports numba; compiles or loads from numba's disk cache on first use)."""
    if not numba_installed():
        raise KernelUnavailableError(f"the numba kernel is not installed: {INSTALL_HINT}, or use --kernel numpy")
    return importlib.import_module("harness.fast.kernels")
