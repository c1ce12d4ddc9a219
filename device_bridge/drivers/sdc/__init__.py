"""IEEE 11073 SDC (service-oriented device connectivity): Draeger and others. Subscribes and reads, never sets.

The transport `device_bridge.transports.sdc` holds the subscription through the optional package `sdc11073`; what the
device says comes to the codec as the XML of its messages, one after the other, each ended by a NUL.
"""
