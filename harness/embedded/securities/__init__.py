"""Securities, positions, cash and the portfolio, with Lean's names.

Names load their module when first used, so that securities and models can use each other.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "BrokerageModelSecurityInitializer": "initializers",
    "Cash": "cash",
    "CashBook": "cash",
    "CompositeSecurityInitializer": "initializers",
    "ConvertibleCashAmount": "cash",
    "Equity": "security",
    "EquityExchange": "exchange",
    "EquityHolding": "holding",
    "FuncSecurityInitializer": "initializers",
    "FuncSecuritySeeder": "initializers",
    "NullSecurityInitializer": "initializers",
    "NullSecuritySeeder": "initializers",
    "Position": "positions",
    "PositionGroup": "positions",
    "Security": "security",
    "SecurityExchange": "exchange",
    "SecurityHolding": "holding",
    "SecurityInitializer": "initializers",
    "SecurityManager": "manager",
    "SecurityPortfolioManager": "portfolio",
    "SecurityPortfolioModel": "portfolio_model",
    "SecurityPositionGroupModel": "positions",
    "SecuritySeeder": "initializers",
    "security_initializer_of": "initializers",
}

__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    module = _HOME.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{module}"), name)


def __dir__() -> list[str]:
    return list(_HOME)
