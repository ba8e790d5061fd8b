"""Versions of the algorithm from git: each in its own worktree, and the search for the commit that broke something."""
