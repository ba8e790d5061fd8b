"""Where the time and the memory go: sampled, counted and traced runs, apart from every timed run."""
