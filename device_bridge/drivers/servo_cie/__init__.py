"""Maquet Servo-i, Servo-s, Servo-u and Flow-i by the computer interface (CIE), 9600 or 19200, usually 8E1."""
