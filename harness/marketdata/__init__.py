"""Market data in Lean's folder format: formats, synthetic data, checks."""
