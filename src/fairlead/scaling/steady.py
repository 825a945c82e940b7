"""Whether the machine's clock has been set: spans between its times say nothing then."""

from __future__ import annotations

from fairlead.ports import Clock

JUMP = 10.0
"""Seconds that the clock may gain or lose from look to look, against one that nobody sets."""


class Steady:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset = clock.wall() - clock.now()

    def jumped(self) -> float:
        """Seconds by which the clock was set since this was last asked, 0.0 for a mere drift."""
        offset = self._clock.wall() - self._clock.now()
        jump, self._offset = offset - self._offset, offset
        return jump if abs(jump) > JUMP else 0.0
