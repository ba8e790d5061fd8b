"""Positions as groups of one security each. Source: Lean's ``SecurityPositionGroupModel`` and its resolver for shares.

Options make larger groups in Lean; this engine covers stocks, of which every position is a group of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from harness.embedded.clr import ZERO, div
from harness.embedded.models.parameters import MaintenanceMarginParameters
from harness.embedded.naming import lean_api
from harness.embedded.securities.arithmetic import shown

if TYPE_CHECKING:
    from harness.embedded.reference.symbols import Symbol
    from harness.embedded.securities.manager import SecurityManager
    from harness.embedded.securities.security import Security


@lean_api
class Position:
    """A quantity of one security; ``unit_quantity`` is its lot size."""

    __slots__ = ("_quantity", "_security", "_unit_quantity", "symbol")

    def __init__(self, security: Security) -> None:
        self._security = security
        self.symbol: Symbol = security.symbol
        self._quantity = security.holdings._quantity
        self._unit_quantity = security.symbol_properties._lot_size

    quantity = shown("_quantity")
    unit_quantity = shown("_unit_quantity")

    def __str__(self) -> str:
        return f"{self.symbol}: {self._quantity}"


@lean_api
class PositionGroup:
    """One position."""

    __slots__ = ("_quantity", "position")

    def __init__(self, security: Security) -> None:
        self.position = Position(security)
        lot = self.position._unit_quantity
        self._quantity = self.position._quantity if lot == 1 else div(self.position._quantity, lot)

    quantity = shown("_quantity")

    @property
    def positions(self) -> list[Position]:
        return [self.position]

    @property
    def count(self) -> int:
        return 1

    def __iter__(self) -> Iterator[Position]:
        return iter((self.position,))

    def _reserved_buying_power(self) -> Decimal:
        """Maintenance margin of the position at the current price."""
        security = self.position._security
        parameters = MaintenanceMarginParameters.for_quantity_at_current_price(security, self.position._quantity)
        return security._buying_power_model._get_maintenance_margin(parameters)


@lean_api
class SecurityPositionGroupModel:
    """Groups of the positions held, made anew after a position or the list of securities has changed."""

    def __init__(self, securities: SecurityManager, changed: Callable[[], None]) -> None:
        self._securities = securities
        self._changed = changed
        self._groups: list[PositionGroup] = []
        self.held: list[Security] = []
        """Securities with at least one lot, in the order of the securities."""
        self.not_flat: list[Security] = []
        """Securities with any quantity."""
        for security in securities.values():
            self._watch(security, True)
        securities.changed.append(self._watch)

    def _watch(self, security: Security, added: bool) -> None:
        security.holdings.quantity_changed = self._resolve if added else None
        if security.holdings._quantity:
            self._resolve()

    def _resolve(self) -> None:
        self.not_flat = [item for item in self._securities._securities.values() if item.holdings._quantity]
        self.held = [item for item in self.not_flat if item.holdings._invested]
        self._groups = [PositionGroup(security) for security in self.held]
        self._changed()

    @property
    def groups(self) -> list[PositionGroup]:
        return self._groups

    @property
    def is_only_default_groups(self) -> bool:
        return True

    @property
    def _total_margin_used(self) -> Decimal:
        total = ZERO
        for group in self.groups:
            total = total + group._reserved_buying_power()
        return total
