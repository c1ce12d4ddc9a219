"""Dates a cuff reading that a device repeats without saying when it was taken."""

from dataclasses import replace

from device_bridge.drivers.base import Observation, Output
from device_bridge.parameters import EPISODIC


class CuffWatch:
    """A reading belongs to the moment at which it first appeared.

    The one that is already there when the connection begins is of unknown age and gets no moment, so that it
    is never charted.
    """

    def __init__(self) -> None:
        self._reading: tuple[tuple[str, float], ...] | None = None
        self._since: int | None = None
        self._started = False

    def date(self, outputs: list[Output], at_ms: int) -> list[Output]:
        """The same outputs, with undated cuff readings dated. `at_ms` is the time of this message."""
        cuff = [
            one
            for one in outputs
            if isinstance(one, Observation)
            and one.code in EPISODIC
            and one.value is not None
            and one.episode_ms is None
        ]
        reading = tuple(sorted((one.code, one.value or 0.0) for one in cuff))
        if reading and reading != self._reading:
            self._since = at_ms if self._started else None
            self._reading = reading
        self._started = True
        if self._since is None or not cuff:
            return outputs
        dated = {id(one): replace(one, episode_ms=self._since, episode_inferred=True) for one in cuff}
        return [dated.get(id(one), one) for one in outputs]
