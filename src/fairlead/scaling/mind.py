"""What the scaler keeps of one service between two looks, bounded."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fairlead.core.scaling.policy import Scale
from fairlead.core.scaling.verdict import Sight, Verdict
from fairlead.scaling.news import News

CHANGES = 20

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
    news: News = field(default_factory=News)

    def note(self, change: Change) -> None:
        """Remember it; one that is only thought of, once."""
        last = self.changes[-1] if self.changes else None
        thought = last is not None and not (last.done or change.done)
        if not (thought and last and last.after == change.after):
            self.changes.append(change)
