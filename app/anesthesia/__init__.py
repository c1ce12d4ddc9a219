"""The anesthesia record: charted readings, drugs, fluids, losses, procedures, their corrections and its lock."""
