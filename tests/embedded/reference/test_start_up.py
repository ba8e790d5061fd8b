"""What the engine loads before the first bar stays small."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("pandas", "pydantic", "rich", "exchange_calendars", "scipy", "zoneinfo", "zipfile")


def test_reference_data_and_columns_load_nothing_heavy() -> None:
    code = (
        "import sys, numpy; before = set(sys.modules);"
        "import harness.embedded.columns;"
        "from harness.embedded.reference import corporate, interest_rate, market_hours, symbol_properties, symbols;"
        "print(*sorted(name.partition('.')[0] for name in set(sys.modules) - before))"
    )
    loaded = set(subprocess.check_output([sys.executable, "-c", code], text=True).split())
    assert loaded & {"harness"}
    assert not loaded & set(HEAVY)


def test_the_engine_side_needs_nothing_else_of_the_harness() -> None:
    code = (
        "import sys; import harness.embedded.columns;"
        "from harness.embedded.reference import corporate, interest_rate, market_hours, symbol_properties, symbols;"
        "print(*sorted(name for name in sys.modules if name.startswith('harness.')))"
    )
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    others = [name for name in loaded if not name.startswith("harness.embedded")]
    assert others == ["harness.errors", "harness.marketdata", "harness.marketdata.lean_format"]
