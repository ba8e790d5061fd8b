"""Look-ups of orders and tickets, bound as pythonnet binds ``SecurityTransactionManager``'s overloads."""

from __future__ import annotations

from typing import Any

import pytest

from harness.embedded.transactions.manager import SecurityTransactionManager


class Nothing:
    """A transaction handler without orders."""

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: []


@pytest.fixture
def transactions() -> SecurityTransactionManager:
    manager = SecurityTransactionManager(None)
    manager.set_order_processor(Nothing())
    return manager


_BY_SYMBOL = ("get_open_orders", "get_open_order_tickets", "get_open_orders_remaining_quantity")


@pytest.mark.parametrize("method", [*_BY_SYMBOL, "get_orders", "get_order_tickets"])
def test_a_look_up_takes_one_selection_by_its_names(transactions: SecurityTransactionManager, method: str) -> None:
    """``SecurityTransactionManager.cs``: overloads of ``Symbol symbol`` and of ``filter``, and of nothing."""
    look_up = getattr(transactions, method)
    for arguments in ((), (None,), (lambda order: True,)):
        assert not look_up(*arguments)
    assert not look_up(filter=lambda order: True)
    if method in _BY_SYMBOL:
        assert not look_up(symbol=None)
    else:
        with pytest.raises(TypeError, match="Got an unexpected keyword argument 'symbol'"):
            look_up(symbol=None)
    with pytest.raises(TypeError, match=rf"No method matches given arguments for {method}: \(<class 'int'>, <class"):
        look_up(1, 2)
    with pytest.raises(TypeError, match="Got an unexpected keyword argument 'wanted'"):
        look_up(wanted=1)


@pytest.mark.parametrize("method", ["get_projected_holdings", "get_orders_by_brokerage_id", "get_order_by_id"])
def test_a_look_up_of_one_thing_takes_its_type(transactions: SecurityTransactionManager, method: str) -> None:
    for arguments in ((), (3.5,), (1, 2)):
        with pytest.raises(TypeError, match=f"No method matches given arguments for {method}"):
            getattr(transactions, method)(*arguments)


def test_what_is_no_function_selects_nothing_and_is_refused(transactions: SecurityTransactionManager) -> None:
    """The overload of ``PyObject`` takes it and cannot make a ``Func`` of it, whether there are orders or not."""
    with pytest.raises(TypeError):
        transactions.get_open_orders(7)
