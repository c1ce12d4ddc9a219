"""Physiological identifiers, units and curves of the data export protocol → canonical codes.

Identifiers below F000 are the ISO/IEEE 11073 terms that PCD-01 uses as well (plus 131072); above they are
private to the manufacturer.
"""

from device_bridge.drivers.ihe_pcd01.codes import TERMS

_SCADA = 131_072
_OWN: dict[int, str] = {
    0x0301: "ST_I", 0x0302: "ST_II", 0x033D: "ST_III", 0x033E: "ST_aVR", 0x033F: "ST_aVL", 0x0340: "ST_aVF",
    0x0303: "ST_V1", 0x0304: "ST_V2", 0x0305: "ST_V3", 0x0306: "ST_V4", 0x0307: "ST_V5", 0x0308: "ST_V6",
    0x0343: "ST_V",
    0x4A01: "P1_S", 0x4A02: "P1_D", 0x4A03: "P1_M",
    0x4A0D: "ART_S", 0x4A0E: "ART_D", 0x4A0F: "ART_M",
    0x4A33: "LAP", 0x4A37: "RAP",
    0x4B2C: "SaO2", 0x4B3C: "SvO2", 0xF100: "SvO2",
    0x4B60: "T1", 0x4B64: "T1", 0x4B6C: "T1", 0x4B78: "T1", 0xE004: "T1", 0x4B74: "T2", 0xE014: "TB",
    0xF0C7: "T1", 0xF0C8: "T2", 0xF0C9: "T3", 0xF0CA: "T4", 0xE018: "TD",
    0x508C: "Compl", 0x5090: "Compl", 0x5160: "FiCO2",
    0x5214: "EtDES", 0x5218: "EtENF", 0x521C: "EtHAL", 0x5220: "EtSEV", 0x5224: "EtISO",
    0x5268: "FiDES", 0x526C: "FiENF", 0x5270: "FiHAL", 0x5274: "FiSEV", 0x5278: "FiISO",
    0x538C: "EtAA", 0x5390: "FiAA",
    0xF049: "SVV", 0xF04A: "SR", 0xF04D: "SQI", 0xF04E: "BIS", 0xF05E: "MAC", 0xF099: "MAC",
    0xF0A5: "P1_S", 0xF0A6: "P1_D", 0xF0A7: "P1_M", 0xF0A9: "P2_S", 0xF0AA: "P2_D", 0xF0AB: "P2_M",
    0xF0AD: "P3_S", 0xF0AE: "P3_D", 0xF0AF: "P3_M", 0xF0B1: "P4_S", 0xF0B2: "P4_D", 0xF0B3: "P4_M",
    0xF0E1: "TVe", 0xF0E3: "PPV", 0xF0E5: "NIBP_PR", 0xF897: "TOF", 0xF8AB: "PTC",
}  # fmt: skip
PHYSIO: dict[int, str] = {
    int(number) - _SCADA: code for number, (code, _) in TERMS.items() if 0 < int(number) - _SCADA < 0xF000
} | _OWN

# A pressure module whose label is P1 … P4 keeps the general identifiers; the label says which it is.
GENERAL_PRESSURE = {0x4A01: "S", 0x4A02: "D", 0x4A03: "M"}
PRESSURE_LABELS: dict[int, str] = {
    0xF0A4: "P1", 0xF0A8: "P2", 0xF0AC: "P3", 0xF0B0: "P4", 0x4A10: "ART", 0x4A14: "ART", 0x4A1C: "PAP",
}  # fmt: skip

UNITS: dict[int, str] = {
    0x0200: "1", 0x0220: "%", 0x0512: "mm", 0x0640: "L", 0x0652: "mL", 0x0AA0: "/min", 0x0AE0: "/min",
    0x0F03: "kPa", 0x0F20: "mmHg", 0x0F40: "cmH2O", 0x1780: "°F", 0x17A0: "°C",
    0x0C00: "L/min", 0x0C12: "mL/min", 0x10B2: "mV",
}  # fmt: skip
MILLIVOLT_IS_MM = 10.0

WAVES: dict[int, str] = {
    0x0100: "ECG", 0x0101: "ECG_I", 0x0102: "ECG_II", 0x013D: "ECG_III", 0x013E: "ECG_aVR", 0x013F: "ECG_aVL",
    0x0140: "ECG_aVF", 0x0143: "ECG_V", 0x0103: "ECG_V1", 0x4BB4: "PLETH", 0x5000: "RESP", 0x50AC: "CO2",
    0x4A10: "ART", 0x4A14: "ART", 0x4A1C: "PAP", 0x4A44: "CVP", 0x5808: "ICP", 0x50F0: "PAW", 0x50D4: "FLOW",
}  # fmt: skip
