"""Whether two backtests are the same backtest: order by order, figure by figure."""
