"""Devices that answer one question at a time: asks in turn, waits, goes on after a silence."""

from collections.abc import Sequence

from device_bridge.drivers.base import Clocks, Fault, Output, Send


class Inquiry:
    """`questions` are asked one after another; after the last one there is a pause of `every_s`."""

    def __init__(self, questions: Sequence[bytes], *, first: Sequence[bytes] = (), every_s: float = 1.0) -> None:
        self._first, self._questions, self._every_s = tuple(first), tuple(questions), every_s
        self._place = 0
        self._preparing = len(self._first)
        self._open = False
        self._asked_at = 0.0
        self._next: float | None = None
        self._silent = 0

    def start(self, now: Clocks) -> list[Output]:
        """Ask the first question."""
        self._next, self._open, self._place, self._preparing = now.mono_s, False, 0, len(self._first)
        return self.poll(now)

    def answered(self, now: Clocks) -> None:
        """An answer came; the next question may follow."""
        if not self._open:
            return
        self._open, self._silent = False, 0
        cycle_over = not self._preparing and self._place == 0
        self._next = now.mono_s + (self._every_s if cycle_over else 0.0)

    def poll(self, now: Clocks, patience_s: float = 3.0) -> list[Output]:
        """The next question when it is due; a question that stays without answer is counted."""
        if self._next is None:
            return []
        out: list[Output] = []
        if self._open:
            if now.mono_s - self._asked_at < patience_s:
                return []
            self._open = False
            self._silent += 1
            out.append(Fault("no_answer"))
            if self._silent >= 3:  # the device was restarted: begin anew
                self._silent, self._place, self._preparing = 0, 0, len(self._first)
        elif now.mono_s < self._next:
            return []
        self._open, self._asked_at = True, now.mono_s
        if self._preparing:
            question = self._first[len(self._first) - self._preparing]
            self._preparing -= 1
        else:
            question = self._questions[self._place]
            self._place = (self._place + 1) % len(self._questions)
        return [*out, Send(question, "data request")]
