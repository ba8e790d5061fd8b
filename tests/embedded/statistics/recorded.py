"""Reads recordings of real Lean for the tests of statistics and results."""

from __future__ import annotations

import functools
import json
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

CONFORMANCE = Path(__file__).resolve().parents[3].parent / "shared" / "conformance"
EPOCH = datetime(1970, 1, 1)


def case_names() -> list[str]:
    """The recorded cases, or one that skips itself when the recordings are not there."""
    if not CONFORMANCE.is_dir():
        return ["absent"]
    return sorted(path.parent.name for path in CONFORMANCE.glob("*/recording.json"))


def exact(text: str) -> Decimal:
    """A JSON number as Lean's decimal: Newtonsoft writes ``2`` as ``2.0``."""
    return Decimal(text.removesuffix(".0"))


class Recording:
    """One recorded case: its result file with exact decimals, and its folder."""

    def __init__(self, name: str) -> None:
        self.folder = CONFORMANCE / name / "lean"
        self.class_name = json.loads((CONFORMANCE / name / "recording.json").read_text())["class"]
        self.result_text = (self.folder / f"{self.class_name}.json").read_text()
        self.result: dict[str, Any] = json.loads(self.result_text, parse_float=exact)

    @property
    def events(self) -> list[dict[str, Any]]:
        path = self.folder / f"{self.class_name}-order-events.json"
        return json.loads(path.read_text(), parse_float=exact) if path.exists() else []

    def printed(self) -> list[tuple[str, str]]:
        """The statistics as printed: name and value."""
        lines = (self.folder / "statistics.txt").read_text().splitlines()
        names = [*self.result["statistics"], "OrderListHash"]
        return [(name, line[len(name) + 1 :]) for name, line in zip(names, lines, strict=True)]

    def points(self, chart: str, series: str) -> list[tuple[datetime, Decimal]]:
        """UTC time and value (the close of a candlestick) of a chart's points."""
        values = self.result["charts"].get(chart, {}).get("series", {}).get(series, {}).get("values", [])
        return [(EPOCH + timedelta(seconds=point[0]), Decimal(point[-1])) for point in values]


@functools.cache
def _load(name: str) -> Recording:
    return Recording(name)


def recording(name: str) -> Recording:
    """The recording of that name; skips the test where the recordings are absent."""
    if not CONFORMANCE.is_dir():
        pytest.skip("recordings of real Lean are not beside the project (../shared/conformance)")
    return _load(name)


def utc(text: str) -> datetime:
    """A time as Lean writes it, naive UTC."""
    return datetime.fromisoformat(text.removesuffix("Z"))
