"""The device bridge: reads monitors, anesthesia machines and analysers; it never controls one."""
