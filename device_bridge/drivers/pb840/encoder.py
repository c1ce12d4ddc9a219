"""The ventilator's own report, for simulators and tests."""

from collections.abc import Mapping

from device_bridge.drivers.pb840.codec import FIELDS, FIRST_FIELD

_COUNT = {"MISCF": 169, "MISCA": 97}


def report(values: Mapping[str, float], kind: str = "MISCF") -> bytes:
    """One report; missing codes are blank."""
    fields = ["      "] * _COUNT[kind]
    for number, (code, factor) in FIELDS[kind].items():
        if code in values:
            fields[number - FIRST_FIELD] = f"{values[code] / factor:<6.6g}"
    text = f"{kind},1225 ,{_COUNT[kind]}  ,\x02,{','.join(fields)},\x03,\r"
    return text.encode("ascii")
