"""What the two Philips IntelliVue drivers share: the data export protocol above the line.

Everything is big endian. The bridge associates, confirms the monitor's creation event and polls; it never sets
anything (`outbound`), not even the list of curves: that is configured on the monitor.
"""
