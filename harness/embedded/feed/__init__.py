"""Market data, from files to time steps: subscriptions, fill-forward, the day's timeline, security caches."""
