"""Background work: a plain loop with a lease row, runnable in the foreground."""
