"""The optional compiled kernels: found, explained when absent, loaded once."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from functools import cache
from typing import TYPE_CHECKING, Final

from harness.fast.choices import Kernel
from harness.fast.errors import KernelUnavailableError

if TYPE_CHECKING:
    from types import ModuleType

INSTALL_HINT: Final = "pip install '.[jit]'"
JIT_PAYS_ROWS: Final = 40_000_000


@cache
def numba_installed() -> bool:
    """Whether numba can be imported; does not import it."""
    return importlib.util.find_spec("numba") is not None


def choose(kernel: Kernel, rows: int = 0, workers: int = 1) -> Kernel:
    """``NUMPY`` or ``NUMBA`` for what was asked, for a run over ``rows`` bars.

    ``AUTO`` takes the compiled kernel where it pays: this process has loaded it already, or there are so many rows
    that its loading is made up for, or several threads are to share the work (NumPy's short calls would wait for
    each other). A single run over a few million bars ends with NumPy before numba would be imported.
    Raises :class:`KernelUnavailableError`.
    """
    if kernel is Kernel.NUMBA and not numba_installed():
        raise KernelUnavailableError(f"the numba kernel is not installed: {INSTALL_HINT}, or use --kernel numpy")
    if kernel is Kernel.AUTO:
        pays = "harness.fast.kernels" in sys.modules or rows >= JIT_PAYS_ROWS or workers > 1
        return Kernel.NUMBA if pays and numba_installed() else Kernel.NUMPY
    return kernel


def kernels() -> ModuleType:
    """The module of compiled kernels (imports numba; compiles or loads from numba's disk cache on first use)."""
    if not numba_installed():
        raise KernelUnavailableError(f"the numba kernel is not installed: {INSTALL_HINT}, or use --kernel numpy")
    return importlib.import_module("harness.fast.kernels")
