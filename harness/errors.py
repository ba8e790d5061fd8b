"""Errors that a user sees as one line: what is wrong, where, and what to do.

Every package raises subclasses of :class:`HarnessError`; the command line prints ``str(error)`` and exits with
``error.exit_code``. Exit codes mean one thing each (see ``docs/exit-codes`` in the README): 0 pass, 1 parity or
target missed, 2 usage or environment error, 3 inconclusive.
"""

from __future__ import annotations


class HarnessError(Exception):
    """A condition the user can act on. ``str(error)`` is the whole message, one line."""

    exit_code = 2


class InputError(HarnessError):
    """Something the user gave (a path, a label, a setting) is missing, unreadable or out of range."""


class EngineError(HarnessError):
    """A backtest could not be started, or did not end in a way that can be trusted."""


class BusyError(HarnessError):
    """Another process holds the folder or file; the message names the owner and when it started."""


class DamagedError(HarnessError):
    """A stored file does not carry what was written to it (length, digest or schema)."""
