"""Scheduled events: which days, which times, and the queue that fires them in Lean's order."""
