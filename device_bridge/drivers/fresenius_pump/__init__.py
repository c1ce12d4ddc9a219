"""Fresenius Base Primea and Agilia, 19200 7E1: rate, volume, mode and alarm words are read, nothing is set."""
