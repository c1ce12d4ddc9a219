"""Nellcor N-595, serial ASCII output, 9600 8N1: prints a line every few seconds; nothing is sent.

The interactive menu of the same port can set the date: the bridge never opens it.
"""
