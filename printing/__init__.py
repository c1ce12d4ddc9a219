"""Paper: fonts, PDF rendering, the anesthesia record sheet, the print station."""
