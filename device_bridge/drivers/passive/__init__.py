"""A device whose protocol is not known: its bytes are kept so that they can be decoded later. Sends nothing."""
