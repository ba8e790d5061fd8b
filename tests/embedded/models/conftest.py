"""Tests of models use the small account of the tests of securities."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "securities"))
