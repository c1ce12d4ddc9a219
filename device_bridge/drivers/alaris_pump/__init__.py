"""Alaris (Asena) syringe pumps, 38400 8N1: serial number, rate and volume are read, nothing else is asked."""
