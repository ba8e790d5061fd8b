"""The algorithm's models as the engine calls them."""

from __future__ import annotations

from typing import Any


def brokerage_model(algorithm: Any) -> Any:
    """The brokerage model with the engine's methods, whatever user code has set."""
    from harness.embedded.models.brokerage import engine_brokerage_model

    return engine_brokerage_model(algorithm.brokerage_model)
