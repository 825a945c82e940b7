"""The largest of the last values, kept in order so that each costs no more than a few steps."""

from __future__ import annotations

from collections import deque


class Highest:
    """The largest value of the last `span` seconds. A time before the last one forgets all that was
    before: the clock was set back, and nothing is known of how long ago it is."""

    __slots__ = ("_kept", "span")

    def __init__(self, span: float) -> None:
        self.span = span
        self._kept: deque[tuple[float, float]] = deque()

    def add(self, at: float, value: float) -> float:
        """Take a value in; the largest one now."""
        kept = self._kept
        if kept and kept[-1][0] > at:
            kept.clear()
        while kept and kept[-1][1] <= value:
            kept.pop()
        kept.append((at, value))
        oldest = at - self.span
        while kept[0][0] < oldest:
            kept.popleft()
        return kept[0][1]

    @property
    def top(self) -> float | None:
        """The largest as of the last value; None before the first."""
        return self._kept[0][1] if self._kept else None
