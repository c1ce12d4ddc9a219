"""GE / Datex-Ohmeda S/5 computer interface (DRI): B20/B40/B105/B125/B450/B650/B850, S/5 AM and CAM.

Serial 19200 8E1, directly or through a serial server. The bridge sends one kind of message only: the request
that starts (or stops) the transmission of numbers or curves.
"""
