"""What a backtest leaves: charts, log, result files and the statistics it prints."""
