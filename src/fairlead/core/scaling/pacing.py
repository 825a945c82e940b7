"""How fast a count may move: steps, cooldowns, stabilisation."""

from __future__ import annotations

from collections import deque
from math import floor

from fairlead.core.scaling.policy import Pace
from fairlead.core.scaling.sliding import Highest


class Pacing:
    """Remembers the changes of one service's count, and what was wanted of late."""

    def __init__(self) -> None:
        self._changes: deque[tuple[float, int]] = deque(maxlen=256)
        self._least, self._most = Highest(0.0), Highest(0.0)

    def steady(self, now: float, wanted: int, desired: int, out: Pace, inward: Pace) -> int:
        """The mildest of what was desired within the stabilisation of its way."""
        self._most.span, self._least.span = inward.stabilisation, out.stabilisation
        highest = int(self._most.add(now, desired))
        lowest = int(-self._least.add(now, -desired))
        if desired > wanted:
            return max(wanted, lowest)
        return min(wanted, highest)

    def within(self, now: float, wanted: int, asked: int, pace: Pace) -> tuple[int, str]:
        """The count that the pace allows, and what holds the rest back."""
        way = 1 if asked > wanted else -1
        same = [(at, moved) for at, moved in self._changes if moved * way > 0 and at <= now]
        if same and now - same[-1][0] < pace.cooldown:
            left = pace.cooldown - (now - same[-1][0])
            return wanted, f"cooldown, {left:.0f} s more"
        if not pace.most and not pace.percent:
            return asked, ""
        recent = sum(moved for at, moved in same if now - at < pace.period)
        begun = wanted - recent
        allowed = max(pace.most, floor(begun * pace.percent / 100.0), 1)
        room = max(0, allowed - abs(recent))
        if abs(asked - wanted) <= room:
            return asked, ""
        return wanted + way * room, f"at most {allowed} in {pace.period:g} s"

    def note(self, now: float, moved: int) -> None:
        """The count has been changed by so many."""
        if moved:
            self._changes.append((now, moved))
