"""What the scaler keeps of one service between two looks, bounded."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fairlead.core.scaling.policy import Scale
from fairlead.core.scaling.verdict import Sight, Verdict
from fairlead.scaling.words import same

CHANGES, TOLD = 20, 16
AGAIN = 900.0
"""Seconds before a refusal that has been told is told again."""

Think = Callable[[Scale, Sight], Verdict]
"""The policy, with the memory that it keeps of one service."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the count; `at` in epoch seconds. Not `done`: it would have been made."""

    at: float
    before: int
    after: int
    why: str
    done: bool


@dataclass(slots=True)
class Mind:
    """`block` says why the verdict is not carried out. `limit`: what keeps `placeable` from being
    larger. `gaps`: why a metric is not known, by its name; `gap_since` is when the first of them
    began (monotonic), None while all are known."""

    think: Think
    policy: Scale = field(default_factory=Scale)
    sight: Sight | None = None
    verdict: Verdict | None = None
    block: str = ""
    limit: str = ""
    gaps: Mapping[str, str] = field(default_factory=dict)
    gap_since: float | None = None
    changes: deque[Change] = field(default_factory=lambda: deque(maxlen=CHANGES))
    told: OrderedDict[str, float] = field(default_factory=OrderedDict)

    def is_news(self, message: str, now: float) -> bool:
        """Whether such a thing has not been told for a while; `now` is monotonic."""
        key = same(message)
        news = key not in self.told or now - self.told[key] >= AGAIN
        if news:
            self.told[key] = now
            self.told.move_to_end(key)
        while len(self.told) > TOLD:
            self.told.popitem(last=False)
        return news

    def note(self, change: Change) -> None:
        """Remember it; one that is only thought of, once."""
        last = self.changes[-1] if self.changes else None
        thought = last is not None and not (last.done or change.done)
        if not (thought and last and last.after == change.after):
            self.changes.append(change)
