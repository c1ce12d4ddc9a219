"""Pearlcare (普可) YY106 depth of anaesthesia monitor: pushes to UDP 45678; nothing is sent."""
