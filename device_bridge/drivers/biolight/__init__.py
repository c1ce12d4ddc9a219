"""Biolight A8 patient monitor over UDP: one request to port 8002, data arrive on port 45679.

Known from recordings only; the manufacturer's document is not public. Blocks that are not in the table are
counted as unmapped and stay in the raw store.
"""
