"""Ground that every room of the domain stands on: settings, database, clock, errors, audit, permissions."""
