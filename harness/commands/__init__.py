"""What the commands do with the packages: reading settings, showing progress, printing results."""
