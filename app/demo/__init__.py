"""The demonstration hospital: invented people, rooms and devices, and a department that works by itself."""
