"""Members of ``QCAlgorithm`` that exist in Lean and that the embedded engine does not cover, with the reason.

Read by ``QCAlgorithm.__getattr__`` (a call raises ``NotSupportedError``) and by the coverage page.
"""

from __future__ import annotations

_REASONS = {
    "options": (
        "add_option add_option_contract add_index_option add_index_option_contract add_future_option "
        "add_future_option_contract option_chain option_chains option_chain_provider option_factory option_exercise "
        "exercise_option combo_market_order combo_limit_order combo_leg_limit_order set_option_chain_provider "
        "filters greeks"
    ),
    "futures": "add_future add_future_contract future_chain futures_chain futures_chains future_chain_provider",
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
        "signal_export"
    ),
    "live mode": (
        "notify command link broadcast_command add_command on_command set_live_mode set_brokerage_message_handler "
        "set_history_provider"
    ),
    "identifiers": "cusip isin sedol cik composite_figi",
}

MESSAGE_BY_MEMBER: dict[str, str] = {
    member: f"{reason} are outside its part of Lean"
    for reason, members in _REASONS.items()
    for member in members.split()
}
