"""Devices that are not there: believable patients behind our own encoders, for training, demonstration and
tests. A simulator answers like the real device: it waits for the request and ends without a sign of life."""
