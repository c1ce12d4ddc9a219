"""Hamilton ventilators (C1, C2, C3, C6, G5, T1, MR1), 38400: one question, one value."""
