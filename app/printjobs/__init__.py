"""The print queue: what goes to which printer, printed once, told when it failed."""
