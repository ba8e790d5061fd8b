"""Market data from CSV, Parquet or Lean's folder into clean columns, with a report in which the rows add up."""
