"""Reference data of the embedded engine: symbols, market hours, corporate actions, properties, interest rates."""
