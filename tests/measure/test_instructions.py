from __future__ import annotations

from pathlib import Path

import pytest

from harness.measure.instructions import availability, count_instructions, parse_perf


def test_a_count_is_read() -> None:
    assert parse_perf("123456789;;instructions:u;5012345;100.00;;\n") == (123456789, "")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<not supported>;;instructions:u;0;100.00;;", "this machine does not count instructions (not supported)"),
        ("Error: perf_event_paranoid setting is 4", "not permitted"),
        ("something else", "perf says: something else"),
        ("", "perf says: nothing"),
    ],
)
def test_what_cannot_be_counted_is_declared_with_its_reason(text: str, reason: str) -> None:
    count, why = parse_perf(text)
    assert count is None
    assert why.startswith(reason)


def test_availability_tells_the_truth_about_this_machine(tmp_path: Path) -> None:
    here = availability()
    count, reason = count_instructions(("true",), tmp_path)
    assert here.available == (count is not None)
    assert bool(reason) != here.available
