"""Public members of Lean's classes that the embedded engine does not cover, with the reason.

Only names and reasons are here. A class decorated with :func:`refuses_uncovered` raises ``NotSupportedError`` for them
under either spelling, and ``AttributeError`` with the nearest name for anything else; the coverage page lists them.
"""

from __future__ import annotations

from typing import Any, TypeVar

from harness.embedded.naming import snake_case
from harness.embedded.not_supported import NotSupportedError

T = TypeVar("T", bound=type)

_ENGINE_SIDE = "what Lean's engine calls on itself"
_DICTIONARY = "changing a collection that the engine keeps"
_DATA_FILES = "reading data files by hand"

UNCOVERED: dict[str, dict[str, str]] = {
    "QCAlgorithm": {
        "options": (
            "add_option add_option_contract add_index_option add_index_option_contract add_future_option "
            "add_future_option_contract option_chain option_chains option_chain_provider option_factory "
            "option_exercise exercise_option combo_market_order combo_limit_order combo_leg_limit_order "
            "set_option_chain_provider filters greeks remove_option_contract"
        ),
        "futures": (
            "add_future add_future_contract future_chain futures_chain futures_chains future_chains "
            "future_chain_provider set_future_chain_provider"
        ),
        "forex, CFD and crypto": "add_forex add_cfd add_crypto add_crypto_future",
        "indices": "add_index",
        "custom data": "add_data download",
        "universe selection": (
            "add_universe add_universe_selection set_universe_selection universe universe_manager universe_selection "
            "add_universe_options add_chained_equity_options fundamentals coarse etf index_members"
        ),
        "the framework models": (
            "add_alpha set_alpha add_risk_management set_risk_management set_execution set_portfolio_construction "
            "emit_insights insights alpha portfolio_construction execution risk_management insights_generated "
            "signal_export framework_post_initialize on_framework_data on_framework_securities_changed"
        ),
        "live mode": (
            "notify command link broadcast_command add_command on_command run_command set_live_mode "
            "set_history_provider"
        ),
        "the trading calendar": "trading_calendar",
        _ENGINE_SIDE: (
            "debug_messages debug_mode error_messages log_messages get_chart_updates name_updated tags_updated "
            "on_end_of_time_step pandas_converter set_pandas_converter post_initialize set_algorithm_id "
            "set_algorithm_mode set_api set_available_data_types set_current_slice set_date_time "
            "set_deployment_target set_finished_warming_up set_locked set_object_store set_run_time_error "
            "set_statistics_service time_keeper"
        ),
    },
    "Security": {
        _ENGINE_SIDE: (
            "refresh_data_normalization_mode_property set_local_time_keeper update try_get_member try_invoke_member "
            "try_set_member"
        ),
    },
    "SecurityPortfolioManager": {
        _DICTIONARY: "add clear remove copy_to get_items is_read_only contains",
        _ENGINE_SIDE: "default_order_properties",
    },
    "SecurityTransactionManager": {
        _ENGINE_SIDE: "get_increment_group_order_manager_id set_live_mode",
        "obsolete in Lean": "minimum_order_quantity minimum_order_size",
    },
    "SecurityManager": {
        _DICTIONARY: "clear copy_to get_items is_read_only contains collection_changed",
        _ENGINE_SIDE: "create_security create_benchmark_security set_live_mode set_security_service",
    },
    "Slice": {
        "crypto futures": "margin_interest_rates",
        _ENGINE_SIDE: "merge_slice get_enumerator get_items",
    },
    "Symbol": {
        "options": "create_option create_canonical_option get_alternative_symbol is_option",
        "custom data": "create_base",
    },
    "SecurityIdentifier": {
        "options": (
            "option_right option_style strike_price generate_option generate_index_option generate_future_option"
        ),
        "futures": "generate_future",
        "indices": "generate_index",
        "forex, CFD and crypto": "generate_forex generate_cfd generate_crypto generate_crypto_future",
        "custom data": "generate_base generate_constituent_identifier",
    },
    "SecurityExchange": {_ENGINE_SIDE: "set_local_date_time_frontier_provider set_market_hours"},
    "SubscriptionManager": {
        _ENGINE_SIDE: (
            "add available_data_types default_data_types get_data_types_for_security set_data_manager "
            "is_subscription_valid_for_consolidator lookup_subscription_config_data_types"
        ),
    },
    "OrderTicket": {_ENGINE_SIDE: "order_closed order_set"},
    "ObjectStore": {
        "XML": "read_xml save_xml",
        _ENGINE_SIDE: "dispose error_raised get_enumerator initialize max_files max_size",
    },
    "ScheduleManager": {_ENGINE_SIDE: "set_event_schedule"},
    "CashBook": {
        _DICTIONARY: "clear contains copy_to get_enumerator get_items is_read_only remove try_get_value updated",
        "several currencies": "ensure_currency_data_feeds",
    },
    "Cash": {
        "several currencies": (
            "currency_conversion currency_conversion_updated ensure_currency_data_feed security_symbols update updated"
        ),
    },
    "SecurityCache": {
        _ENGINE_SIDE: (
            "add_data_list get_all set_local_time_keeper share_type_cache_instance store_data try_get_value session"
        ),
        "futures": "open_interest",
    },
    "TradeBar": {
        _DATA_FILES: (
            "get_source reader parse parse_cfd parse_crypto parse_equity parse_forex parse_future parse_index "
            "parse_option"
        ),
    },
    "QuoteBar": {
        _DATA_FILES: "get_source reader parse_cfd parse_equity parse_forex parse_future parse_option",
        "ticks": "update",
    },
}
"""Class -> reason -> snake_case members, separated by blanks."""

_MESSAGES: dict[str, dict[str, str]] = {
    class_name: {member: reason for reason, members in reasons.items() for member in members.split()}
    for class_name, reasons in UNCOVERED.items()
}


class MissingMemberError(AttributeError):
    """A member that Lean does not have either; what is like it is looked for when the text is asked for."""

    def __init__(self, kind: type, class_name: str, name: str) -> None:
        super().__init__(kind, class_name, name)
        self.kind = kind
        self.class_name = class_name
        self.member = name

    def __str__(self) -> str:
        from harness.embedded.hints import hint, lean_name

        shown = lean_name(self.class_name, self.kind)
        return f"{shown!r} object has no attribute {self.member!r}{hint(self.class_name, self.kind, self.member)}"


def missing_member(target: object, class_name: str, name: str) -> Exception:
    """The error for a member that ``target`` does not have: ``class_name`` is Lean's name of its class."""
    kind = type(target)
    if name.startswith("__"):
        return AttributeError(f"{kind.__name__!r} object has no attribute {name!r}")
    plain = snake_case(name) if name[:1].isupper() else name
    reason = _MESSAGES[class_name].get(plain)
    if reason is not None:
        return NotSupportedError(f"{class_name}.{plain}", f"{reason} is outside its part of Lean")
    return MissingMemberError(kind, class_name, name)


def refuses_uncovered(class_name: str) -> Any:
    """Class decorator: a member that is missing is refused by name, or a typo told with the nearest name.

    ``__getattr__`` runs only where normal lookup found nothing, so members that exist cost no more.
    """

    def decorate(target: T) -> T:
        def __getattr__(self: object, name: str) -> Any:  # noqa: N807 (Python calls it)
            raise missing_member(self, class_name, name)

        target.__getattr__ = __getattr__  # type: ignore[attr-defined]
        return target

    return decorate
