"""Masimo Radical-7 and Rad-8, serial output "ASCII 1", 9600 8N1: prints a line a second; nothing is sent."""
