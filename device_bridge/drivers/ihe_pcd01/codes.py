"""Fixed words of PCD-01 messages. What the codes of measurements mean is in the profile (`profiles/shared/mdc.toml`)."""

# Philips information centre and Efficia: "0002-4182^HR^MDIL" is partition and term as hexadecimal digits; some senders
# leave the term out, then the label counts.
MDIL = "MDIL"
MDIL_ALERT = "MDIL-ALERT"
MDIL_LEVELS: dict[str, str] = {"Red": "high", "Yellow": "medium", "ShortYellow": "low", "Short Yellow": "low"}

SCADA = 131_072
MDC_SYSTEMS = frozenset({"", "MDC"})
SENTINELS = frozenset({-999.0, -99.9, -100.0, -1.0, 8_388_607.0})

WAVES: dict[str, str] = {
    "131328": "ECG",
    "131329": "ECG_I",
    "131330": "ECG_II",
    "131389": "ECG_III",
    "150452": "PLETH",
    "151780": "RESP",
    "151776": "RESP",
    "151704": "CO2",
    "150032": "ART",
    "150036": "ART",
}
RATE = "MDC_ATTR_SAMP_RATE"
RESOLUTION = "MDC_ATTR_NU_MSMT_RES"
NO_SAMPLE_RAW = 32_767

PRIORITIES = {"PH": "high", "PM": "medium", "PL": "low", "PN": "low"}
PHASES = {"start": "start", "continue": "continue", "end": "end", "update": "continue"}
