"""Deciding whether one variant of an algorithm is faster than another: plan, session, statistics, verdict."""
