"""Clinical arithmetic: pure functions with explicit units, each with the source of its rule."""
