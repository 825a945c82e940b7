"""AWS Application Auto Scaling: target tracking on an ECS service.

The rules are those of the Application Auto Scaling user guide (target tracking: how it works, and
its cooldowns), of the ECS developer guide (service-autoscaling-targettracking, and
target-tracking-faster-auto-scaling for metrics of 20 seconds), and, for the points that its alarms
ask for, of aws/containers-roadmap#1208. How the new count is worked out is not published: here it
is what would bring the newest point to its target, with the tasks that ran then.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum

from fairlead.core.backtest.model import History
from fairlead.core.rounding import whole

OUT_POINTS, IN_SECONDS = 3, 900
"""All of so many points in a row, and all points of so long a time: 15 of a minute. Of the faster
metric only scaling out is told to be faster."""
IN_BELOW = 0.9
"""Share of the target below which points speak for scaling in."""
MINUTE, FAST = 60, 20
"""Seconds that a point covers; a point is published so much later, too."""


class Tracked(Enum):
    CPU = "cpu"
    REQUESTS = "requests"


@dataclass(frozen=True, slots=True)
class _Point:
    """`load` is the value by its target, `tasks` those that ran on average."""

    load: float
    tasks: float


@dataclass(slots=True)
class TargetTracking:
    """One policy. `target` is a share of CPU, or requests a second of one task; both cooldowns are
    of `cooldown` seconds."""

    name: str
    tracked: Tracked
    target: float
    cooldown: int
    interval: int = MINUTE
    points: deque[_Point] = field(default_factory=deque)
    in_at: int | None = None

    def look(self, now: int, wanted: int, ready: int, history: History) -> int:  # noqa: ARG002
        seen = now - self.interval
        if seen < self.interval:
            return max(1, wanted)
        point = self._point(seen, history)
        if point is None:
            self.points.clear()
            return max(1, wanted)
        self.points.append(point)
        if len(self.points) > self._in_points:
            self.points.popleft()
        asked = max(1, whole(point.tasks * point.load))
        if self._alarmed(OUT_POINTS, high=True):
            return self._out(wanted, asked)
        if self._alarmed(self._in_points, high=False) and asked < wanted:
            return self._in(now, wanted, asked)
        return wanted

    @property
    def _in_points(self) -> int:
        return IN_SECONDS // self.interval

    def _point(self, until: int, history: History) -> _Point | None:
        """None where nothing ran: that is insufficient data."""
        tasks = history.ready(self.interval, until)
        if tasks <= 0:
            return None
        if self.tracked is Tracked.CPU:
            return _Point(history.busy(self.interval, until) / self.target, tasks)
        return _Point(history.arrivals(self.interval, until) / tasks / self.target, tasks)

    def _alarmed(self, count: int, *, high: bool) -> bool:
        if len(self.points) < count:
            return False
        last = list(self.points)[-count:]
        return all(each.load > 1.0 if high else each.load < IN_BELOW for each in last)

    def _out(self, wanted: int, asked: int) -> int:
        """Only beyond what was added already, which `wanted` holds: so within the cooldown a larger
        scale-out alone acts, and after it the same rule does no harm. It ends the cooldown of
        scaling in."""
        if asked <= wanted:
            return wanted
        self.in_at = None
        return asked

    def _in(self, now: int, wanted: int, asked: int) -> int:
        if self.in_at is not None and now < self.in_at + self.cooldown:
            return wanted
        self.in_at = now
        return asked
