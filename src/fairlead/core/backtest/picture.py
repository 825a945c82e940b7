"""What a picture of a replay shows: the seconds, brought together into columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil

COLUMNS = 900


@dataclass(slots=True)
class Column:
    """Of some seconds: the largest demand (requests a second), the fewest ready and the most
    launched endpoints, requests, and those of them that were slow or dropped."""

    demand: float = 0.0
    ready: int = 1 << 30
    launched: int = 0
    requests: float = 0.0
    slow: float = 0.0


@dataclass(slots=True)
class Film:
    """Implements replay.Watch."""

    seconds: int
    columns: list[Column] = field(default_factory=list)
    seen: int = 0

    @property
    def width(self) -> int:
        """Seconds of a column."""
        return max(1, ceil(self.seconds / COLUMNS))

    def __call__(self, rate: float, ready: int, launched: int, slow: float) -> None:
        if self.seen % self.width == 0:
            self.columns.append(Column())
        self.seen += 1
        column = self.columns[-1]
        column.demand = max(column.demand, rate)
        column.ready = min(column.ready, ready)
        column.launched = max(column.launched, launched)
        column.requests += rate
        column.slow += slow
