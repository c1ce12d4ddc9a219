"""Aiqin EGOS-600 cerebral oximeter: a serial line with checksummed records; nothing is sent."""
