"""One report model, and what renders it."""
