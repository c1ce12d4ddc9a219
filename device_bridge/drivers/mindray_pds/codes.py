"""Mindray 2.3.1 identifiers → canonical codes.

Keys are the numeric parameter ids; the labels that come with them are never used, because some firmwares
send them shifted into another character set. ART is systolic 500, *mean* 501, diastolic 502; NIBP is
systolic 170, diastolic 171, mean 172.
"""

PARAMETER_IDS: dict[str, str] = {
    "101": "HR",
    "102": "PVC",
    "105": "ST_I",
    "106": "ST_II",
    "107": "ST_III",
    "108": "ST_aVR",
    "109": "ST_aVL",
    "110": "ST_aVF",
    "111": "ST_V1",
    "112": "ST_V2",
    "113": "ST_V3",
    "114": "ST_V4",
    "115": "ST_V5",
    "116": "ST_V6",
    "117": "ST_V",
    "151": "RR",
    "160": "SpO2",
    "161": "PR",
    "162": "PI",
    "170": "NIBP_S",
    "171": "NIBP_D",
    "172": "NIBP_M",
    "200": "T1",
    "201": "T2",
    "202": "TD",
    "210": "CO",
    "212": "CI",
    "213": "TB",
    "220": "EtCO2",
    "250": "EtCO2",
    "251": "FiCO2",
    "253": "EtO2",
    "254": "FiO2",
    "256": "EtN2O",
    "257": "FiN2O",
    "268": "EtISO",
    "269": "FiISO",
    "280": "awRR",
    "281": "MAC",
    "301": "Pmean",
    "302": "PEEP",
    "303": "Pplat",
    "304": "Ppeak",
    "305": "MV",
    "306": "TVe",
    "308": "IE",
    "309": "awRR",
    "311": "Compl",
    "312": "Raw",
    "500": "ART_S",
    "501": "ART_M",
    "502": "ART_D",
    "503": "PAP_S",
    "504": "PAP_M",
    "505": "PAP_D",
    "587": "PPV",
    "600": "PR",
    "605": "CVP",
}

MODULES: dict[str, str] = {
    "HR": "2101",
    "PVC": "2101",
    "RR": "2102",
    "SpO2": "2103",
    "PI": "2103",
    "T1": "2104",
    "T2": "2104",
    "TD": "2104",
    "NIBP_S": "2105",
    "NIBP_D": "2105",
    "NIBP_M": "2105",
    "EtCO2": "2106",
    "FiCO2": "2106",
    "EtO2": "2106",
    "FiO2": "2106",
    "EtN2O": "2106",
    "FiN2O": "2106",
    "EtISO": "2106",
    "FiISO": "2106",
    "awRR": "2106",
    "MAC": "2106",
    "CO": "2108",
    "CI": "2108",
    "TB": "2108",
    "PR": "2115",
    "ART_S": "2116",
    "ART_M": "2116",
    "ART_D": "2116",
    "PPV": "2116",
    "PAP_S": "2117",
    "PAP_M": "2117",
    "PAP_D": "2117",
}

# Two ids can carry the same parameter. The first one that is valid is used, the other is its stand-in.
STAND_INS: dict[str, str] = {"600": "161", "220": "250", "309": "280"}

# -100, -1000 and -10000 all mean "no value"; they are compared as numbers, with or without decimals.
SENTINELS: frozenset[float] = frozenset({-100.0, -1000.0, -10000.0})

GAS_PARTIAL_PRESSURE: frozenset[str] = frozenset({"EtO2", "FiO2", "EtN2O", "FiN2O"})

CONNECTED = "101"
PATIENT = "103"
HEARTBEAT = "106"
PERIODIC = "204"
STATES = "205"
APERIODIC = "503"
PHYSIOLOGICAL_ALARMS = "54"
TECHNICAL_ALARMS = "56"
WAVEFORMS = "157"
QUERY = "1203"

STATE_ID = "2037"
STATE_INVALID = "2"
STATE_VALID = "3"
