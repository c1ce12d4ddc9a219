"""Documents of a case: declared once as data; filled, checked, signed, printed, archived, sealed and exported."""
