"""The public members of Lean's classes that algorithms touch most, by the names that Python sees.

Names only: a misspelt member is answered with those that pythonnet would suggest (:mod:`harness.embedded.hints`).
Source: the classes' public members in Lean, its base classes' included, in the spelling of pythonnet's ``ToSnakeCase``.
"""

# ruff: noqa: RUF001 (Lean names some indicators by Greek letters)
from __future__ import annotations

# Class -> (Lean's name of the instances that algorithms see, methods, fields and properties).
MEMBERS: dict[str, tuple[str, str, str]] = {
    "QCAlgorithm": (
        "QCAlgorithm",
        """
        a abands ad add_alpha add_cfd add_chart add_command add_crypto add_crypto_future add_data add_equity
        add_forex add_future add_future_contract add_future_option add_future_option_contract add_index
        add_index_option add_index_option_contract add_option add_option_contract add_risk_management
        add_security add_security_initializer add_series add_tag add_universe add_universe_options
        add_universe_selection addiff adosc adr advr adx adxr alma ao apo aps ar arima aroon asi atr b bb
        bop broadcast_command buy c calculate_order_quantity cc cci chop cik cks cmf cmo co
        combo_leg_limit_order combo_limit_order combo_market_order composite_figi consolidate cov
        create_consolidator create_indicator_name crsi cusip d dch debug dem dema deregister_indicator do
        download dpo ema emit_insights emv equals error exercise_option fi filtered_identity fish frama
        framework_post_initialize fundamentals future_chain future_chains futures_chain futures_chains g
        get_chart_updates get_hash_code get_last_known_price get_last_known_prices get_lifetime_service
        get_locked get_parameter get_parameters get_type he heikin_ashi history hma ht ibs ichimoku identity
        indicator_history initialize initialize_lifetime_service is_market_open isin iv kama kch ker kst kvo
        limit_if_touched_order limit_order link liquidate log logr lsma lwma macd mad mama
        market_on_close_order market_on_open_order market_order mass max mfi mgd midpoint midprice min mom
        momersion momp mosc msi natr nhnl nhnlv obv on_assignment_order_event on_brokerage_disconnect
        on_brokerage_message on_brokerage_reconnect on_command on_data on_delistings on_dividends
        on_end_of_algorithm on_end_of_day on_end_of_time_step on_framework_data
        on_framework_securities_changed on_margin_call on_margin_call_warning on_order_event
        on_securities_changed on_splits on_symbol_changed_events on_warmup_finished option_chain
        option_chains order plot plot_indicator post_initialize pphl ppo psar pso quit r rc rdv record
        reference_equals register_indicator remove_option_contract remove_security resolve_consolidator rma
        roc rocp rocr rsi rsv run_command rvi sarext sedol sell set_account_currency set_algorithm_id
        set_algorithm_mode set_alpha set_api set_available_data_types set_benchmark
        set_brokerage_message_handler set_brokerage_model set_cash set_current_slice set_date_time
        set_deployment_target set_end_date set_execution set_finished_warming_up set_future_chain_provider
        set_history_provider set_holdings set_live_mode set_locked set_maximum_orders set_name
        set_object_store set_option_chain_provider set_pandas_converter set_parameters
        set_portfolio_construction set_quit set_risk_free_interest_rate_model set_risk_management
        set_run_time_error set_runtime_statistic set_security_initializer set_start_date
        set_statistics_service set_status set_summary_statistic set_tags set_time_zone set_trade_builder
        set_universe_selection set_warm_up set_warmup shortable shortable_quantity si sm sma sobv sortino sr
        srsi stc std sto stop_limit_order stop_market_order str submit_order_request sum swiss symbol t t3
        tdd tds tema ticker to_string tp tr trailing_stop_order train trima trin trix tsf tsi ultosc
        unregister_indicator v var vidya vp vtx vwap vwma warm_up_indicator wilr wto wwma zlema zz γ δ θ ρ
        """,
        """
        account_currency active_securities algorithm_id algorithm_mode alpha benchmark
        brokerage_message_handler brokerage_model brokerage_name candlestick_patterns current_slice
        date_rules debug_messages debug_mode default_order_properties deployment_target
        enable_automatic_indicator_warm_up end_date error_messages execution future_chain_provider
        history_provider insights insights_generated is_warming_up live_mode log_messages name name_updated
        notify object_store option_chain_provider pandas_converter portfolio portfolio_construction
        project_id risk_free_interest_rate_model risk_management run_time_error runtime_statistics schedule
        securities security_initializer settings signal_export start_date statistics status
        subscription_manager tags tags_updated time time_keeper time_rules time_zone trade_builder
        trading_calendar transactions universe universe_manager universe_selection universe_settings
        utc_time
        """,
    ),
    "Slice": (
        "Slice",
        """
        clear contains_key copy equals fromkeys get get_enumerator get_hash_code get_items get_type items
        keys merge_slice pop popitem reference_equals remove setdefault to_string try_get_value update
        values
        """,
        """
        all_data bars count delistings dividends future_chains futures_chains has_data is_read_only item
        keys margin_interest_rates option_chains quote_bars splits symbol_changed_events ticks time utc_time
        values
        """,
    ),
    "TradeBar": (
        "TradeBar",
        """
        clone data_time_zone default_resolution deserialize_message equals get_hash_code get_source get_type
        is_sparse_data parse parse_cfd parse_crypto parse_equity parse_forex parse_future parse_index
        parse_option reader reference_equals requires_mapping should_cache_to_security supported_resolutions
        to_string update update_ask update_bid update_quote update_trade
        """,
        """
        close data_type end_time high is_fill_forward low open period price symbol time value volume
        """,
    ),
    "QuoteBar": (
        "QuoteBar",
        """
        clone collapse data_time_zone default_resolution deserialize_message equals get_hash_code get_source
        get_type is_sparse_data parse_cfd parse_equity parse_forex parse_future parse_option reader
        reference_equals requires_mapping should_cache_to_security supported_resolutions to_string update
        update_ask update_bid update_quote update_trade
        """,
        """
        ask bid close data_type end_time high is_fill_forward last_ask_size last_bid_size low open period
        price symbol time value
        """,
    ),
    "Security": (
        "Equity",
        """
        add clear equals get get_hash_code get_last_data get_type is_custom_data reference_equals
        refresh_data_normalization_mode_property remove reset set set_buying_power_model set_data_filter
        set_data_normalization_mode set_fee_model set_fill_model set_leverage set_local_time_keeper
        set_margin_interest_rate_model set_margin_model set_market_price set_settlement_model
        set_shortable_provider set_slippage_model set_volatility_model to_string try_get try_get_member
        try_invoke_member try_set_member update
        """,
        """
        DEFAULT_SETTLEMENT_TIME NULL_LEVERAGE ask_price ask_size bid_price bid_size buying_power_model cache
        close data data_filter data_normalization_mode default_settlement_days exchange fee_model fill_model
        fundamentals has_data high hold_stock holdings invested is_delisted is_extended_market_hours
        is_fill_data_forward is_tradable item leverage local_time low margin_interest_rate_model
        margin_model open open_interest portfolio_model price price_variation_model primary_exchange
        quote_currency resolution session settlement_model shortable shortable_provider slippage_model
        subscription_data_config subscriptions symbol symbol_properties total_shortable_quantity type
        volatility_model volume
        """,
    ),
    "SecurityHolding": (
        "EquityHolding",
        """
        add_new_dividend add_new_fee add_new_profit add_new_sale equals get_hash_code get_quantity_value
        get_type reference_equals set_holdings set_last_trade_profit to_string total_close_profit
        update_market_price
        """,
        """
        absolute_holdings_cost absolute_holdings_value absolute_quantity average_price hold_stock
        holdings_cost holdings_value invested is_long is_short last_trade_profit leverage net_profit price
        profit quantity quantity_changed symbol target total_dividends total_fees total_sale_volume type
        unlevered_absolute_holdings_cost unlevered_holdings_cost unrealized_profit unrealized_profit_percent
        """,
    ),
    "SecurityPortfolioManager": (
        "SecurityPortfolioManager",
        """
        add add_transaction_record apply_dividend apply_split clear contains contains_key copy copy_to
        equals fromkeys get get_buying_power get_hash_code get_items get_margin_remaining get_type
        has_sufficient_buying_power_for_order invalidate_total_portfolio_value items keys
        log_margin_information pop popitem process_fills reference_equals remove set_account_currency
        set_cash set_margin_call_model set_positions setdefault to_string try_get_value update values
        """,
        """
        cash cash_book count default_order_properties hold_stock invested is_read_only item keys
        margin_call_model margin_remaining positions securities total_absolute_holdings_cost total_fees
        total_holdings_value total_margin_used total_net_profit total_portfolio_value
        total_portfolio_value_less_free_buffer total_profit total_sale_volume
        total_unlevered_absolute_holdings_cost total_unrealised_profit total_unrealized_profit transactions
        unsettled_cash unsettled_cash_book values
        """,
    ),
    "SecurityManager": (
        "SecurityManager",
        """
        add clear contains contains_key copy copy_to create_benchmark_security create_security equals
        fromkeys get get_hash_code get_items get_type items keys pop popitem reference_equals remove
        set_live_mode set_security_service setdefault to_string try_get_value update values
        """,
        """
        collection_changed count is_read_only item keys total utc_time values
        """,
    ),
    "OrderTicket": (
        "OrderTicket",
        """
        cancel equals get get_hash_code get_most_recent_order_request get_most_recent_order_response
        get_type invalid_cancel_order_id invalid_submit_request invalid_update_order_id reference_equals
        to_string update update_limit_price update_quantity update_stop_price update_stop_trailing_amount
        update_tag update_trigger_price
        """,
        """
        average_fill_price cancel_request has_order order_closed order_events order_id order_set order_type
        quantity quantity_filled quantity_remaining security_type status submit_request symbol tag time
        update_requests
        """,
    ),
    "OrderEvent": (
        "OrderEvent",
        """
        clone equals from_serialized get_hash_code get_type reference_equals short_to_string to_string
        """,
        """
        absolute_fill_quantity direction fill_price fill_price_currency fill_quantity id is_assignment
        is_in_the_money limit_price message order_fee order_id quantity status stop_price symbol ticket
        trailing_amount trailing_as_percentage trigger_price utc_time
        """,
    ),
    "Symbol": (
        "Symbol",
        """
        compare_to contains create create_base create_canonical_option create_future create_option ends_with
        equals get_alias get_hash_code get_option_type_from_underlying get_type
        get_underlying_from_option_type has_canonical has_underlying_symbol is_canonical reference_equals
        starts_with to_lower to_string to_upper update_mapped_symbol
        """,
        """
        EMPTY NONE canonical cik composite_figi cusip has_underlying id isin security_type sedol underlying
        value
        """,
    ),
}
