"""Errors of the fast path, each one clear line."""

from __future__ import annotations

from harness.errors import InputError


class FastPathError(InputError):
    """A setting, an entry or a column that the fast path cannot work with."""


class IngestError(InputError):
    """Market data that cannot be read or whose rows do not add up."""


class KernelUnavailableError(InputError):
    """The compiled kernel was asked for and numba is not installed."""
