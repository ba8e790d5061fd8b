"""A Lean-compatible backtesting engine for US equities that needs only Python.

It runs the same algorithm file as real Lean and writes the same files. For the part of Lean it covers, orders, fills,
fees, portfolio values and statistics are equal to real Lean's; what it does not cover raises an error that names the
member and the engine to use instead. See ``docs/embedded-engine.md``.
"""
