"""The anesthesia record as a drawing: data → primitives on a time axis → SVG and ReportLab."""
