"""Measuring one child process: wall, CPU, peak memory; and the machine it ran on."""
