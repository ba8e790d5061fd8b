"""Closed trades, portfolio and trade statistics, rolling windows and capacity, as Lean computes them."""
