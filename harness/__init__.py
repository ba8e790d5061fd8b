"""A benchmark and regression harness around QuantConnect Lean backtests."""

__version__ = "0.1.0"
