"""Does the embedded engine equal real Lean? Recordings, and Lean's own regression algorithms, run and compared."""
