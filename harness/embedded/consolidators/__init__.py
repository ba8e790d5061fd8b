"""Lean's consolidators: bars made of smaller bars, and what feeds them."""
