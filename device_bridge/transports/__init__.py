"""Ways to reach a device. A transport moves bytes, knows nothing of their meaning, and writes only bytes that
the outbound gate has cleared."""
