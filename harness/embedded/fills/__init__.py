"""Fill models: when, how much and at which price an order fills."""

from harness.embedded.fills.equity_fill_model import EquityFillModel
from harness.embedded.fills.fill_model import FillModel
from harness.embedded.fills.immediate_fill_model import ImmediateFillModel, LatestPriceFillModel
from harness.embedded.fills.prices import Fill, FillModelParameters, Prices

__all__ = [
    "EquityFillModel",
    "Fill",
    "FillModel",
    "FillModelParameters",
    "ImmediateFillModel",
    "LatestPriceFillModel",
    "Prices",
]
