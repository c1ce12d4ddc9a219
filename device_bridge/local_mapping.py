"""Codes that people of the hospital have mapped: `{"<source code>": ["HR", 1.0]}` in a device's options."""

from device_bridge.drivers.base import Output, Unmapped, observe
from device_bridge.drivers.mllp import parse_number
from device_bridge.parameters import PARAMETERS


class LocalMapping:
    """Turns measurements that the driver does not know into observations. An unusable entry is ignored."""

    def __init__(self, entries: object) -> None:
        self._known: dict[str, tuple[str, float]] = {}
        for source, entry in entries.items() if isinstance(entries, dict) else ():
            if isinstance(entry, list | tuple) and len(entry) == 2 and entry[0] in PARAMETERS:
                self._known[str(source)] = (str(entry[0]), float(entry[1]))

    def apply(self, outputs: list[Output]) -> list[Output]:
        """The same outputs, with mapped ones as observations. They carry no time of the device: the arrival counts."""
        if not self._known:
            return outputs
        return [self._one(one) if isinstance(one, Unmapped) else one for one in outputs]

    def _one(self, one: Unmapped) -> Output:
        found = self._known.get(one.source_code)
        if found is None:
            return one
        code, factor = found
        number = parse_number(one.value)
        return observe(code, None if number is None else number * factor)
