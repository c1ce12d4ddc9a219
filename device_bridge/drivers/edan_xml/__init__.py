"""Edan elite V8: TCP 9100; each connection gives one message of XML encoded HL7 2.3.1 and is then closed."""
