"""Draeger MEDIBUS.X: Atlan, Perseus, newer Primus IE and Evita V. Serial 19200 8E1; other code tables."""
