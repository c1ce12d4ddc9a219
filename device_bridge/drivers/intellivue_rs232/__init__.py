"""Philips IntelliVue MP/MX by the MIB/RS-232 port, 115200 8N1."""
