"""The registry of devices, what they are bound to, and how they are doing."""
