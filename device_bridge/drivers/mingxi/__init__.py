"""Mingxi (名希) MNIR-P100 cerebral oximeter: prints lines on its serial port; nothing is sent."""
