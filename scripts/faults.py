"""Disturbs every file operation of baseline, session, rows and cache: ``make faults``. See ``tests/faults/driver.py``.

Prints operations, cases and violations for each scenario; exit code 1 when the promise was broken once.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.faults.driver import main

if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError as error:
        sys.exit(f"faults: {error}")
