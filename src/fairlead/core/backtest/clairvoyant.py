"""The measure of endpoint-hours: a policy that sees the load of the next start-up and a minute."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil, exp, log

from fairlead.core.backtest.model import History, Outcome, Scenario
from fairlead.core.backtest.replay import replay
from fairlead.core.rounding import whole

AHEAD = 60
"""Seconds that it sees beyond the start-up."""
STEP = 5
GOAL = 0.01
"""Share of the requests that its set-point is chosen to have in violation."""
NEAR = 0.0003
LOWEST, HIGHEST = 0.02, 1.2
TRIES = 12


@dataclass(slots=True)
class Clairvoyant:
    """At every moment as many endpoints as hold the largest rate in sight at `set_point` of their
    capacity. `sight` has that rate for every STEP seconds."""

    sight: Sequence[float]
    capacity: float
    set_point: float = 0.6
    name: str = "clairvoyant"
    interval: int = field(default=STEP, init=False)

    def look(self, now: int, wanted: int, ready: int, history: History) -> int:  # noqa: ARG002
        return whole(self.sight[now // STEP] / (self.set_point * self.capacity))


def sight(rates: Sequence[float], ahead: int) -> array[float]:
    """The largest rate of the next `ahead` seconds (rounded up to steps), for every STEP."""
    steps = [max(rates[at : at + STEP]) for at in range(0, len(rates), STEP)]
    width = ceil(ahead / STEP) + 1
    found, falling = array("d", bytes(8 * len(steps))), deque[tuple[int, float]]()
    for at in range(len(steps) - 1, -1, -1):
        while falling and falling[-1][1] <= steps[at]:
            falling.pop()
        falling.append((at, steps[at]))
        if falling[0][0] >= at + width:
            falling.popleft()
        found[at] = falling[0][1]
    return found


def sized(scenario: Scenario) -> tuple[float, Outcome]:
    """The set-point at which one request in a hundred is in violation, and what comes of it.

    The nearest one that can be had where the bounds of the count allow none.
    """
    seen = sight(scenario.rates, scenario.start_time + AHEAD)
    tried: dict[float, Outcome] = {}
    point = 0.6
    for _ in range(TRIES):
        tried[point] = replay(scenario, Clairvoyant(seen, scenario.capacity, point))
        following = _next(tried)
        if following is None:
            break
        point = following
    best = min(tried, key=lambda each: abs(tried[each].violations - GOAL))
    return best, tried[best]


def _next(tried: dict[float, Outcome]) -> float | None:
    """The set-point to try next: the logarithm of the violations is nearly a line over it, and what
    does not fit it is halved. None when it is found."""
    if any(abs(outcome.violations - GOAL) <= NEAR for outcome in tried.values()):
        return None
    below = max((p for p in tried if tried[p].violations < GOAL), default=LOWEST)
    above = min((p for p in tried if tried[p].violations > GOAL), default=HIGHEST)
    if above - below < 0.002:
        return None
    if below in tried and above in tried and len(tried) % 3:
        low, high = (_log(tried[p].violations) for p in (below, above))
        share = (log(GOAL) - low) / (high - low)
        return below + (above - below) * min(0.95, max(0.05, share))
    return (below + above) / 2


def _log(share: float) -> float:
    return log(max(share, exp(-20)))
