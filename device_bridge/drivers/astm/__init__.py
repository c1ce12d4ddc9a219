"""Blood gas analysers by ASTM E1381 (LIS1-A) framing and E1394 (LIS2-A2) records.

Radiometer ABL800/90/80/9, GEM Premier, cobas b. The analyser pushes; the bridge answers each frame with one
byte, ACK or NAK, and never asks, orders or opens a session of its own.
"""
