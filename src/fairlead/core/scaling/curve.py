"""How many requests are slow at what utilisation: learned from the service itself."""

from __future__ import annotations

from math import exp

BINS = 50
"""Of utilisations from 0 to 1."""
PRIOR = 20.0
"""What is believed before anything is seen counts like so many ticks of mean load."""


class Curve:
    """Begins as that of an M/M/1, whose share of slow requests is exp(-(1 - u) x), where x is how
    many requests an endpoint answers within the objective. Old ticks fade."""

    __slots__ = ("_prior", "_seen", "_slow", "_within", "fade")

    def __init__(self, fade: float) -> None:
        """`fade`: the share of its weight that a tick keeps from one tick of its kind to the
        next."""
        self._seen, self._slow, self.fade = [0.0] * BINS, [0.0] * BINS, fade
        self._prior, self._within = [0.0] * BINS, -1.0

    def learn(self, used: float, weight: float, slow: float) -> None:
        """A tick at utilisation `used` in which the share `slow` was; `weight` is its part of the
        requests, 1 for a mean one."""
        if 0.0 <= used < 1.0:
            at = int(used * BINS)
            self._seen[at] = self._seen[at] * self.fade + weight
            self._slow[at] = self._slow[at] * self.fade + weight * slow

    def believe(self, within: float) -> None:
        """What is to be believed before anything is seen; `within` is the x of the class."""
        if within != self._within:
            self._within = within
            used = [(at + 0.5) / BINS for at in range(BINS)]
            self._prior = [PRIOR * exp(-within * (1.0 - u)) for u in used]

    def slow(self, used: float) -> float:
        """The share to expect."""
        if used >= 1.0:
            return 1.0
        at = int(used * BINS)
        return (self._slow[at] + self._prior[at]) / (self._seen[at] + PRIOR)
