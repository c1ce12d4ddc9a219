"""Patients and their encounters, as the HIS tells them; merges move pointers and can be undone."""
