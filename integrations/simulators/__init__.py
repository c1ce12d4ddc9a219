"""Simulated peers for demonstration, training and tests. None of their people exist."""
