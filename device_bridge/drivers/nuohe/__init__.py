"""Nuohe NW9002S depth of anaesthesia monitor: pushes datagrams to UDP port 45677; nothing is sent."""
