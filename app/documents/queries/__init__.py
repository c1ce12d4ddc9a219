"""Reads on documents for pages, paper and exchange."""
