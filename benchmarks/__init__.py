"""Measured comparisons with a baseline in the same run; never timed tests."""
