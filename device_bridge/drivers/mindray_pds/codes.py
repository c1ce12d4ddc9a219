"""Mindray 2.3.1: message numbers, modules, sentinels. What a parameter id means is in the profile.

The labels that come with the ids are never used, because some firmwares send them shifted into another character set.
"""

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
