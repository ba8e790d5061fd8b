"""What is on disk: stored documents and rows, Lean result folders, baselines, labels, lazy results."""
