"""The engine's decimal context for the tests of this folder."""

from __future__ import annotations

import decimal
from collections.abc import Iterator

import pytest

from harness.embedded import clr


@pytest.fixture(autouse=True)
def engine_context() -> Iterator[None]:
    before = decimal.getcontext()
    clr.use_engine_context()
    yield
    decimal.setcontext(before)
