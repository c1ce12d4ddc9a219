"""The ventilator's own report, for simulators and tests."""

from collections.abc import Mapping

from device_bridge.drivers.pb840.codec import FIRST_FIELD, IN_USE
from device_bridge.profiles.store import shipped

_COUNT = {"MISCF": 169, "MISCA": 97}


def report(values: Mapping[str, float], kind: str = "MISCF") -> bytes:
    """One report; missing codes are blank."""
    fields = ["      "] * _COUNT[kind]
    for line in shipped("pb840").lines.values():
        name, _, number = line.native.partition(".")
        if name == kind and line.code in values:
            litres = 1000 if line.unit == "L" else 1
            decider, breath = IN_USE.get(line.native, (0, ""))
            if decider:
                fields[decider - FIRST_FIELD] = f"{breath:<6}"
            fields[int(number) - FIRST_FIELD] = f"{values[line.code] / litres:<6.6g}"
    text = f"{kind},1225 ,{_COUNT[kind]}  ,\x02,{','.join(fields)},\x03,\r"
    return text.encode("ascii")
