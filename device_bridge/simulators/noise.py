"""A device of an unknown protocol: bytes without meaning, for the recorder that only keeps them."""

import random

from device_bridge.simulators.streaming import StreamingDevice, Telegram

_SHORTEST, _LONGEST = 8, 200


class UnknownDevice(StreamingDevice):
    """Some bytes every `interval_s`, the same for a seed; no value can be found in them."""

    def telegram(self, second: int) -> Telegram:
        chance = random.Random(self.settings.seed * 1_000_003 + second)  # noqa: S311 - nothing secret
        return Telegram(chance.randbytes(chance.randint(_SHORTEST, _LONGEST)), {}, has_time=False)
