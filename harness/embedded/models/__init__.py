"""Models of what brokers and markets do with an order: fees, slippage, buying power, settlement, margin calls.

Each module holds one kind of model, with Lean's names. Import from the modules; this package imports none of them, so
that securities and models can use each other.
"""
