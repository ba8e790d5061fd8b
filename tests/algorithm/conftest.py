"""The algorithm's modules import each other by bare names, as in Lean, which puts their folder on the path."""

from __future__ import annotations

import sys
from pathlib import Path

ALGORITHM = Path(__file__).parents[2] / "algorithm"

sys.path.insert(0, str(ALGORITHM))
