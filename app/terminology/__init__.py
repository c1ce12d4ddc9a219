"""Basic dictionaries: drugs, fluids, events, methods, positions. A record keeps the text of its day."""
