"""Models of what brokers and markets do with an order, with Lean's names: fees, slippage, margin, settlement.

Names load their module when first used, so that securities and models can use each other.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "AccountCurrencyImmediateSettlementModel": "settlement",
    "AlpacaBrokerageModel": "brokerage",
    "AlpacaFeeModel": "fees",
    "AlphaStreamsBrokerageModel": "brokerage",
    "AlphaStreamsFeeModel": "fees",
    "AlphaStreamsSlippageModel": "slippage",
    "ApplyFundsSettlementModelParameters": "parameters",
    "AxosClearingBrokerageModel": "brokerage",
    "AxosFeeModel": "fees",
    "BaseVolatilityModel": "volatility",
    "BloombergFixBrokerageModel": "brokerage",
    "BrokerageMessageEvent": "brokerage",
    "BrokerageMessageType": "brokerage",
    "BuyingPower": "parameters",
    "BuyingPowerModel": "buying_power",
    "BuyingPowerParameters": "parameters",
    "CashBuyingPowerModel": "buying_power",
    "CharlesSchwabBrokerageModel": "brokerage",
    "CharlesSchwabFeeModel": "fees",
    "ConstantBuyingPowerModel": "buying_power",
    "ConstantFeeModel": "fees",
    "ConstantSlippageModel": "slippage",
    "DefaultBrokerageMessageHandler": "brokerage",
    "DefaultBrokerageModel": "brokerage",
    "DefaultMarginCallModel": "margin_call",
    "DelayedSettlementModel": "settlement",
    "ExanteBrokerageModel": "brokerage",
    "ExanteFeeModel": "fees",
    "EzeBrokerageModel": "brokerage",
    "EzeFeeModel": "fees",
    "FeeModel": "fees",
    "GetMaximumOrderQuantityForDeltaBuyingPowerParameters": "parameters",
    "GetMaximumOrderQuantityForTargetBuyingPowerParameters": "parameters",
    "GetMaximumOrderQuantityResult": "parameters",
    "HasSufficientBuyingPowerForOrderParameters": "parameters",
    "HasSufficientBuyingPowerForOrderResult": "parameters",
    "ImmediateSettlementModel": "settlement",
    "IndicatorVolatilityModel": "volatility",
    "InitialMargin": "parameters",
    "InitialMarginParameters": "parameters",
    "InitialMarginRequiredForOrderParameters": "parameters",
    "InteractiveBrokersBrokerageModel": "brokerage",
    "InteractiveBrokersFeeModel": "fees",
    "InteractiveBrokersFixModel": "brokerage",
    "InteractiveBrokersShortableProvider": "shortable",
    "LocalDiskShortableProvider": "shortable",
    "MaintenanceMargin": "parameters",
    "MaintenanceMarginParameters": "parameters",
    "MarginCallModel": "margin_call",
    "MarginCallOrdersParameters": "parameters",
    "MarginInterestRateModel": "margin_interest",
    "MarginInterestRateParameters": "parameters",
    "MarketImpactSlippageModel": "slippage",
    "NullBuyingPowerModel": "buying_power",
    "NullMarginCallModel": "margin_call",
    "NullMarginInterestRateModel": "margin_interest",
    "NullShortableProvider": "shortable",
    "NullSlippageModel": "slippage",
    "OptionInitialMargin": "parameters",
    "PatternDayTradingMarginModel": "buying_power",
    "PublicBrokerageModel": "brokerage",
    "PublicFeeModel": "fees",
    "RBIBrokerageModel": "brokerage",
    "RBIFeeModel": "fees",
    "Random": "random_numbers",
    "RelativeStandardDeviationVolatilityModel": "volatility",
    "ReservedBuyingPowerForPosition": "parameters",
    "ReservedBuyingPowerForPositionParameters": "parameters",
    "ScanSettlementModelParameters": "parameters",
    "SecurityMarginModel": "buying_power",
    "ShortMarginInterestRateModel": "margin_interest",
    "StandardDeviationOfReturnsVolatilityModel": "volatility",
    "TDAmeritradeBrokerageModel": "brokerage",
    "TDAmeritradeFeeModel": "fees",
    "TastytradeBrokerageModel": "brokerage",
    "TastytradeFeeModel": "fees",
    "TerminalLinkBrokerageModel": "brokerage",
    "TradeStationBrokerageModel": "brokerage",
    "TradeStationFeeModel": "fees",
    "TradierBrokerageModel": "brokerage",
    "TradingTechnologiesBrokerageModel": "brokerage",
    "UnsettledCashAmount": "settlement",
    "VolatilityModel": "volatility",
    "VolatilityModelExtensions": "volatility",
    "VolumeShareSlippageModel": "slippage",
    "WebullBrokerageModel": "brokerage",
    "WebullFeeModel": "fees",
    "WolverineBrokerageModel": "brokerage",
    "WolverineFeeModel": "fees",
    "create_brokerage_model": "brokerage",
}

__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    module = _HOME.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{module}"), name)


def __dir__() -> list[str]:
    return list(_HOME)
