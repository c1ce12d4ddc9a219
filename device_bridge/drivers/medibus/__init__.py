"""Draeger MEDIBUS: Fabius, Tiro, Primus, Apollo, Zeus, Evita, Savina. Serial 9600 8E1 (some 8N1).

Two dialects exist whose code tables differ: which one a machine speaks is the choice of the driver
(`medibus` or `medibus_x`), never a guess.
"""
