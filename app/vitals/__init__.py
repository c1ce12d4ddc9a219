"""The raw layer: everything that devices sent, at their own rate, append-only, exactly once."""
