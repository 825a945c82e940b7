"""What is told once, and again only when it has been so for long: what is found at every look."""

from __future__ import annotations

from collections import OrderedDict

from fairlead.scaling.words import same

TOLD = 16
"""Messages that are remembered."""
AGAIN = 900.0
"""Seconds before what has been told is told again."""


class News:
    """Messages that differ only in their numbers are one."""

    def __init__(self) -> None:
        self._told: OrderedDict[str, float] = OrderedDict()

    def is_new(self, message: str, now: float) -> bool:
        """Whether such a thing has not been told for a while; `now` is monotonic."""
        key = same(message)
        new = key not in self._told or now - self._told[key] >= AGAIN
        if new:
            self._told[key] = now
            self._told.move_to_end(key)
        while len(self._told) > TOLD:
            self._told.popitem(last=False)
        return new

    def __len__(self) -> int:
        return len(self._told)
