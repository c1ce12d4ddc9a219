"""Aeonmed 8700A anaesthesia machine: pushes HL7 2.4 in MLLP marks over UDP port 9101; nothing is sent."""
