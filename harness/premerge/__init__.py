"""Before a merge: the performance checklist, decided by evidence, and the log of decisions."""
