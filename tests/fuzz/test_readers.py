"""A short, seeded set of the inputs that ``make fuzz`` gives by the million."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.mutate import mutated
from tests.fuzz.targets import TARGETS, call

SEED = 20251001


@pytest.mark.parametrize("name", TARGETS)
def test_a_damaged_input_is_told_in_one_line_or_read_right(name: str, tmp_path: Path) -> None:
    target = TARGETS[name]
    if name in ("api", "guard", "watch_message"):
        pytest.importorskip("fastapi")
    seeds = target.seeds(tmp_path)
    random = Random(SEED)
    for data in (*seeds, *(mutated(random, seeds) for _ in range(150))):
        call(target, data, tmp_path)


@pytest.mark.parametrize("name", ["document", "rows", "baseline", "column_cache"])
def test_truncation_at_every_length_and_one_flipped_bit_at_every_offset(name: str, tmp_path: Path) -> None:
    target = TARGETS[name]
    for seed in target.seeds(tmp_path):
        for length in range(0, len(seed), max(1, len(seed) // 400)):
            call(target, seed[:length], tmp_path)
        for offset in range(0, len(seed), max(1, len(seed) // 400)):
            flipped = bytearray(seed)
            flipped[offset] ^= 1 << (offset % 8)
            call(target, bytes(flipped), tmp_path)


@pytest.mark.parametrize("name", ["bars_trade_minute", "bars_quote_second", "decoding", "document"])
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.binary(max_size=300) | st.text(alphabet='0123456789.,-eE \n{}[]":', max_size=200).map(str.encode))
def test_anything_at_all_is_told_in_one_line_or_read_right(
    name: str, data: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    call(TARGETS[name], data, tmp_path_factory.getbasetemp())
