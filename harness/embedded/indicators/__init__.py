"""Lean's indicators, in exact decimal arithmetic."""
