"""ISO/IEEE 11073-10101 terms (as HL7 codes: partition * 65536 + term) → canonical codes.

Names (REFID) are a second key: some senders use a wrong number with the right name.
"""

TERMS: dict[str, tuple[str, str]] = {
    "147842": ("HR", "MDC_ECG_HEART_RATE"),
    "147850": ("HR", "MDC_ECG_CARD_BEAT_RATE_BTB"),
    "149530": ("PR", "MDC_PULS_OXIM_PULS_RATE"),
    "149538": ("PR", "MDC_PULS_RATE_NON_INV"),
    "149514": ("PR", "MDC_PULS_RATE_ART"),
    "149522": ("PR", "MDC_PULS_RATE"),
    "148065": ("PVC", "MDC_ECG_V_P_C_CNT"),
    "150456": ("SpO2", "MDC_PULS_OXIM_SAT_O2"),
    "150448": ("PI", "MDC_PULS_OXIM_PERF_REL"),
    "150488": ("PI", "MDC_BLD_PERF_INDEX"),
    "151562": ("RR", "MDC_RESP_RATE"),
    "151578": ("RR", "MDC_TTHOR_RESP_RATE"),
    "151658": ("RR", "MDC_PULS_OXIM_PLETH_RESP_RATE"),
    "151570": ("awRR", "MDC_AWAY_RESP_RATE"),
    "151594": ("awRR", "MDC_CO2_RESP_RATE"),
    "151586": ("awRR", "MDC_VENT_RESP_RATE"),
    "150021": ("NIBP_S", "MDC_PRESS_BLD_NONINV_SYS"),
    "150022": ("NIBP_D", "MDC_PRESS_BLD_NONINV_DIA"),
    "150023": ("NIBP_M", "MDC_PRESS_BLD_NONINV_MEAN"),
    "150301": ("NIBP_S", "MDC_PRESS_CUFF_SYS"),
    "150302": ("NIBP_D", "MDC_PRESS_CUFF_DIA"),
    "150303": ("NIBP_M", "MDC_PRESS_CUFF_MEAN"),
    "150033": ("ART_S", "MDC_PRESS_BLD_ART_SYS"),
    "150034": ("ART_D", "MDC_PRESS_BLD_ART_DIA"),
    "150035": ("ART_M", "MDC_PRESS_BLD_ART_MEAN"),
    "150037": ("ART_S", "MDC_PRESS_BLD_ART_ABP_SYS"),
    "150038": ("ART_D", "MDC_PRESS_BLD_ART_ABP_DIA"),
    "150039": ("ART_M", "MDC_PRESS_BLD_ART_ABP_MEAN"),
    "150087": ("CVP", "MDC_PRESS_BLD_VEN_CENT_MEAN"),
    "150084": ("CVP", "MDC_PRESS_BLD_VEN_CENT"),
    "150045": ("PAP_S", "MDC_PRESS_BLD_ART_PULM_SYS"),
    "150046": ("PAP_D", "MDC_PRESS_BLD_ART_PULM_DIA"),
    "150047": ("PAP_M", "MDC_PRESS_BLD_ART_PULM_MEAN"),
    "150052": ("PCWP", "MDC_PRESS_BLD_ART_PULM_WEDGE"),
    "153608": ("ICP", "MDC_PRESS_INTRA_CRAN"),
    "153611": ("ICP", "MDC_PRESS_INTRA_CRAN_MEAN"),
    "150344": ("T1", "MDC_TEMP"),
    "150368": ("T1", "MDC_TEMP_CORE"),
    "150388": ("T2", "MDC_TEMP_SKIN"),
    "151708": ("EtCO2", "MDC_CONC_AWAY_CO2_ET"),
    "151728": ("EtCO2", "MDC_AWAY_CO2_ET"),
    "151712": ("EtCO2", "MDC_CONC_AWAY_CO2_EXP"),
    "151716": ("FiCO2", "MDC_CONC_AWAY_CO2_INSP"),
    "152196": ("FiO2", "MDC_CONC_AWAY_O2_INSP"),
    "160920": ("FiO2", "MDC_VENT_CONC_AWAY_O2_INSP"),
    "152440": ("EtO2", "MDC_CONC_AWAY_O2_ET"),
    "152192": ("FiN2O", "MDC_CONC_AWAY_N2O_INSP"),
    "152108": ("EtN2O", "MDC_CONC_AWAY_N2O_ET"),
    "152180": ("FiSEV", "MDC_CONC_AWAY_SEVOFL_INSP"),
    "152096": ("EtSEV", "MDC_CONC_AWAY_SEVOFL_ET"),
    "152168": ("FiDES", "MDC_CONC_AWAY_DESFL_INSP"),
    "152084": ("EtDES", "MDC_CONC_AWAY_DESFL_ET"),
    "152184": ("FiISO", "MDC_CONC_AWAY_ISOFL_INSP"),
    "152100": ("EtISO", "MDC_CONC_AWAY_ISOFL_ET"),
    "152872": ("MAC", "MDC_CONC_MAC"),
    "151957": ("Ppeak", "MDC_PRESS_AWAY_INSP_PEAK"),
    "151817": ("Ppeak", "MDC_PRESS_AWAY_INSP_MAX"),
    "151784": ("Pplat", "MDC_PRESS_RESP_PLAT"),
    "151819": ("Pmean", "MDC_PRESS_AWAY_INSP_MEAN"),
    "151976": ("PEEP", "MDC_PRESS_AWAY_END_EXP_POS"),
    "151868": ("TVe", "MDC_VOL_AWAY_TIDAL"),
    "151880": ("MV", "MDC_VOL_MINUTE_AWAY"),
    "151884": ("MV", "MDC_VOL_MINUTE_AWAY_EXP"),
    "151688": ("Compl", "MDC_COMPL_LUNG"),
    "151840": ("Raw", "MDC_RES_AWAY"),
    "150276": ("CO", "MDC_OUTPUT_CARD"),
    "150492": ("CO", "MDC_OUTPUT_CARD_CTS"),
    "149772": ("CI", "MDC_OUTPUT_CARD_INDEX"),
    "150404": ("SV", "MDC_VOL_BLD_STROKE"),
    "150017": ("ART_S", "MDC_PRESS_BLD_SYS"),
    "150018": ("ART_D", "MDC_PRESS_BLD_DIA"),
    "150019": ("ART_M", "MDC_PRESS_BLD_MEAN"),
    "150029": ("ART_S", "MDC_PRESS_BLD_AORT_SYS"),
    "150030": ("ART_D", "MDC_PRESS_BLD_AORT_DIA"),
    "150067": ("LAP", "MDC_PRESS_BLD_ATR_LEFT_MEAN"),
    "150071": ("RAP", "MDC_PRESS_BLD_ATR_RIGHT_MEAN"),
    "150372": ("T1", "MDC_TEMP_ESOPH"),
    "150380": ("T1", "MDC_TEMP_NASOPH"),
    "150392": ("T1", "MDC_TEMP_TYMP"),
    "188420": ("T1", "MDC_TEMP_RECT"),
    "188496": ("T1", "MDC_TEMP_AXIL"),
    "151738": ("FiCO2", "MDC_AWAY_CO2_INSP_MIN"),
    "152172": ("FiENF", "MDC_CONC_AWAY_ENFL_INSP"),
    "152088": ("EtENF", "MDC_CONC_AWAY_ENFL_ET"),
    "152176": ("FiHAL", "MDC_CONC_AWAY_HALOTH_INSP"),
    "152092": ("EtHAL", "MDC_CONC_AWAY_HALOTH_ET"),
    "151692": ("Compl", "MDC_COMPL_LUNG_DYN"),
    "151696": ("Compl", "MDC_COMPL_LUNG_STATIC"),
    "131841": ("ST_I", "MDC_ECG_AMPL_ST_I"),
    "131842": ("ST_II", "MDC_ECG_AMPL_ST_II"),
    "131843": ("ST_V1", "MDC_ECG_AMPL_ST_V1"),
    "131844": ("ST_V2", "MDC_ECG_AMPL_ST_V2"),
    "131845": ("ST_V3", "MDC_ECG_AMPL_ST_V3"),
    "131846": ("ST_V4", "MDC_ECG_AMPL_ST_V4"),
    "131847": ("ST_V5", "MDC_ECG_AMPL_ST_V5"),
    "131848": ("ST_V6", "MDC_ECG_AMPL_ST_V6"),
    "131901": ("ST_III", "MDC_ECG_AMPL_ST_III"),
    "131902": ("ST_aVR", "MDC_ECG_AMPL_ST_AVR"),
    "131903": ("ST_aVL", "MDC_ECG_AMPL_ST_AVL"),
    "131904": ("ST_aVF", "MDC_ECG_AMPL_ST_AVF"),
    "151832": ("IE", "MDC_RATIO_IE"),
    "150064": ("LAP", "MDC_PRESS_BLD_ATR_LEFT"),
    "150068": ("RAP", "MDC_PRESS_BLD_ATR_RIGHT"),
}
# Fresh gas has names but no number that is certain.
FRESH_GAS: dict[str, str] = {
    "MDC_FLOW_O2_FG": "FG_O2",
    "MDC_FLOW_AIR_FG": "FG_Air",
    "MDC_FLOW_N2O_FG": "FG_N2O",
}
# Manufacturers' own codes by (number, coding system).
PRIVATE: dict[tuple[str, str], str] = {("478", "99MNDRY"): "PVI", ("153", "99MNDRY"): "PPV"}
NAMES: dict[str, str] = {name: code for code, name in TERMS.values()} | FRESH_GAS

# Philips information centre and Efficia: "0002-4182^HR^MDIL" is partition and term as hexadecimal digits; some senders
# leave the term out, then the label counts.
MDIL = "MDIL"
MDIL_ALERT = "MDIL-ALERT"
MDIL_LABELS: dict[str, str] = {
    "HR": "HR",
    "SpO2": "SpO2",
    "Pulse": "PR",
    "Resp": "RR",
    "RR": "RR",
    "NBPs": "NIBP_S",
    "NBPd": "NIBP_D",
    "NBPm": "NIBP_M",
    "ABPs": "ART_S",
    "ABPd": "ART_D",
    "ABPm": "ART_M",
    "Tcore": "T1",
    "etCO2": "EtCO2",
}
MDIL_LEVELS: dict[str, str] = {"Red": "high", "Yellow": "medium", "ShortYellow": "low", "Short Yellow": "low"}

# What an infusion pump behind a gateway says; the pump's place in the rack is the second part of OBX-4.
PUMP_NUMBERS: dict[str, str] = {"157784": "RATE", "157864": "VOL", "157948": "VOL", "157993": "VOL"}
PUMP_NAMES: dict[str, str] = {
    "MDC_FLOW_FLUID_PUMP": "RATE",
    "MDC_VOL_FLUID_DELIV": "VOL",
    "MDC_VOL_FLUID_DELIV_TOTAL": "VOL",
    "MDC_VOL_INFUS_ACTUAL_TOTAL": "VOL",
}

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
