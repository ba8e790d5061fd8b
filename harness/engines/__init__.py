"""How one backtest is started, and what it leaves."""
