"""What sessions found, over time: a small store, change points, and the nightly check."""
