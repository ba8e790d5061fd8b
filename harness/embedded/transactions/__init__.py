"""From an order request to its fills: transaction manager, transaction handler and backtesting brokerage."""
