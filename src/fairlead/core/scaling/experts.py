"""How many endpoints a load needs, by experts that each scale the service in thought.

Each expert looks back differently far, and may look ahead; each learns by itself how much more than
that it has to ask for, so that the share of slow requests would have come to what is aimed at. The
one that would have paid least is followed. So nothing has to be tuned to a service: a smooth load
is followed closely, a bursty one keeps what its bursts need, and how much depends on how long a
start takes.

The headroom's rule is that of adaptive conformal inference (Gibbs and Candès, 2021): up by each
violation, down by its absence, in the ratio of the aim. Following the best of several is prediction
with expert advice (Littlestone and Warmuth, 1994).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from operator import attrgetter

from fairlead.core.rounding import whole
from fairlead.core.scaling.curve import Curve
from fairlead.core.scaling.sliding import Highest

STEP = 0.005
"""By how much a violation of all requests moves a headroom in a tick of mean load."""
FIRST, LEAST, MOST = 0.6, -0.15, 4.0
"""Headrooms: shares of the load that are asked for beyond it, were an endpoint used to the full."""
STEADY = 0.2
"""A share of the count: what would be saved by less of a change is not worth it."""
CHANGE = 90.0
"""Seconds of an endpoint that a change of the count by one must earn."""
LEAD = 0.03
"""The share by which another expert must be cheaper to be followed."""
MEMORY = 6 * 3600.0
"""Seconds over which costs are averaged."""
BUSIEST = 5.0
"""The most that a tick of many requests counts, in ticks of mean load."""
SPARE = 0.3
"""Of an endpoint, beside what a backlog needs."""
LONGEST = 10.0
"""Seconds of work that a backlog in thought holds at most: who waits longer has left."""


class Ahead(StrEnum):
    """What an expert takes the load to become."""

    NOW = "now"
    TREND = "trend"
    SEASON = "season"


KINDS: tuple[tuple[float, Ahead], ...] = (
    (180.0, Ahead.NOW),
    (600.0, Ahead.NOW),
    (1800.0, Ahead.NOW),
    (7200.0, Ahead.NOW),
    (180.0, Ahead.TREND),
    (600.0, Ahead.TREND),
    (180.0, Ahead.SEASON),
)
"""Seconds that each looks back, and what it takes the load to become."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Some seconds of load. `rates` are requests a second: what each kind of expert goes by.

    `load` is that of the tick's own `span` seconds and `now` that of the last few, as the number of
    endpoints of this `capacity` that they would use to the full. `weight` is the tick's part of the
    requests, 1 for a mean one; `objective` is in seconds.
    """

    at: float
    span: float
    load: float
    now: float
    weight: float
    objective: float
    capacity: float
    rates: Mapping[Ahead, float]


class Expert:
    """One that scales in thought. `headroom` is learned; `cost` is its mean count, changes
    included."""

    __slots__ = ("_backlog", "_fewest", "_highest", "ahead", "cost", "count", "headroom", "load")

    def __init__(self, back: float, ahead: Ahead, start_time: float) -> None:
        self.ahead, self.headroom = ahead, FIRST
        self._highest, self._fewest = Highest(back), Highest(start_time)
        self.count, self.load = 0, 0.0
        self.cost = self._backlog = 0.0

    @property
    def back(self) -> float:
        return self._highest.span

    def starts_in(self, seconds: float) -> None:
        self._fewest.span = seconds

    def learn(self, tick: Tick, curve: Curve, aim: float) -> None:
        """Move the headroom by what this tick would have been under its own counts: ready are the
        fewest of the last start-up."""
        fewest = self._fewest.top
        ready = -fewest if fewest is not None else self.count or 1.0
        queued = self._backlog + (tick.load - ready) * tick.span
        if queued <= 0.0:
            self._backlog = 0.0
            slow = curve.slow(tick.now / ready)
        else:
            self._backlog = queued = min(queued, LONGEST * ready)
            late = queued > tick.objective * ready
            slow = 1.0 if late else curve.slow(tick.now / ready)
        moved = self.headroom + STEP * (slow - aim) * tick.weight
        self.headroom = LEAST if moved < LEAST else min(moved, MOST)

    def decide(self, tick: Tick, horizon: float, most: int) -> None:
        """Its own count from now on, and what that costs."""
        self.load = self._highest.add(tick.at, tick.rates[self.ahead]) / tick.capacity
        asked = whole(self.asks())
        if self._backlog > 0.0:
            asked = max(asked, ceil(tick.now + self._backlog / horizon + SPARE))
        asked = 1 if asked < 1 else min(asked, most)
        if self.count * (1.0 - STEADY) < asked < self.count:
            asked = self.count
        self._pay(asked, tick.span)
        self.count = asked
        self._fewest.add(tick.at, -float(asked))

    def _pay(self, asked: int, span: float) -> None:
        if not self.cost:
            self.cost = float(asked)
        moved = CHANGE * abs(asked - self.count) if self.count else 0.0
        self.cost += (span * (asked - self.cost) + moved) / MEMORY

    def asks(self) -> float:
        """Endpoints, not rounded."""
        return self.load * (1.0 + self.headroom)


class Panel:
    """The experts of one service, and the one that is followed."""

    def __init__(self, start_time: float, kinds: Sequence[tuple[float, Ahead]] = KINDS) -> None:
        self.experts = tuple(Expert(back, ahead, start_time) for back, ahead in kinds)
        self.followed = self.experts[0]

    def starts_in(self, seconds: float) -> None:
        for expert in self.experts:
            expert.starts_in(seconds)

    def look(self, tick: Tick, curve: Curve, aim: float, horizon: float, most: int) -> Expert:
        """The expert to follow from now on."""
        for expert in self.experts:
            expert.learn(tick, curve, aim)
            expert.decide(tick, horizon, most)
        cheapest = min(self.experts, key=_cost)
        if cheapest.cost < self.followed.cost * (1.0 - LEAD):
            self.followed = cheapest
        return self.followed


_cost = attrgetter("cost")
