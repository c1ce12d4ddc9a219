"""Labels and curves of the data export protocol. What the identifiers of measurements mean is in
`profiles/shared/philips.toml`: above F000 they are private, below they are the terms of ISO/IEEE 11073."""

# A pressure module whose label is P1 … P4 keeps the general identifiers; the label says which it is.
GENERAL_PRESSURE = {0x4A01: "S", 0x4A02: "D", 0x4A03: "M"}
PRESSURE_LABELS: dict[int, str] = {
    0xF0A4: "P1", 0xF0A8: "P2", 0xF0AC: "P3", 0xF0B0: "P4", 0x4A10: "ART", 0x4A14: "ART", 0x4A1C: "PAP",
}  # fmt: skip

WAVES: dict[int, str] = {
    0x0100: "ECG", 0x0101: "ECG_I", 0x0102: "ECG_II", 0x013D: "ECG_III", 0x013E: "ECG_aVR", 0x013F: "ECG_aVL",
    0x0140: "ECG_aVF", 0x0143: "ECG_V", 0x0103: "ECG_V1", 0x4BB4: "PLETH", 0x5000: "RESP", 0x50AC: "CO2",
    0x4A10: "ART", 0x4A14: "ART", 0x4A1C: "PAP", 0x4A44: "CVP", 0x5808: "ICP", 0x50F0: "PAW", 0x50D4: "FLOW",
}  # fmt: skip
