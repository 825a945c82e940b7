"""How many endpoints keep the share of slow requests where the objective wants it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from math import ceil

from fairlead.core.rounding import whole
from fairlead.core.scaling.capacity import BUSY, FEWEST, Capacity
from fairlead.core.scaling.curve import Curve
from fairlead.core.scaling.experts import (
    BUSIEST,
    MEMORY,
    SPARE,
    STEADY,
    Ahead,
    Panel,
    Tick,
)
from fairlead.core.scaling.forecast import Season, Trend
from fairlead.core.scaling.policy import Objective, Scale
from fairlead.core.scaling.sliding import Highest
from fairlead.core.scaling.verdict import Load, Opinion, Sight

NAME = "objective"
AIM = 0.2
"""The share of the budget that is spent: the rest is for what nobody could foresee."""
SHORT = 10.0
"""Seconds of load that are taken for what it is now."""
EDGE = 10.0
"""Seconds beyond a start-up that are looked ahead."""
DRAIN = 15.0
"""Seconds in which a backlog is to be answered."""
LONGEST = 60.0
"""Seconds of waiting beyond which nobody waits."""
USUAL_START = 30.0
"""Seconds of a start-up that was never seen."""
TICK, MINUTE = 5.0, 60.0
UNUSED, BACK = 0.5, 600.0
"""Where nothing else is known: with so few requests in flight an endpoint is not needed, once that
was so for as many seconds."""
_KEPT = 0.999
"""What the curve keeps of a tick: it forgets half in an hour of ticks."""


class ByObjective:
    """Remembers the load of one service, and what it has taught."""

    def __init__(self) -> None:
        self._curve, self._capacity = Curve(_KEPT), Capacity()
        self._trend, self._season = Trend(), Season()
        self._panel = Panel(USUAL_START)
        self._last: deque[tuple[float, float]] = deque()
        self._mean: float | None = None
        self._inside = Highest(BACK)
        self._unknown_since: float | None = None

    def recall(self, minutes: Iterable[tuple[int, int]]) -> None:
        """Of days before, as (epoch seconds, requests) a minute."""
        for at, count in minutes:
            self._season.add(float(at), count / MINUTE)

    def look(self, scale: Scale, objective: Objective, load: Load, sight: Sight) -> Opinion:
        """Its opinion; `load` is of a tick and not older."""
        rate, now = load.arrivals / load.span, self._short(load)
        slow = _slow(load)
        backlog = max(0.0, load.in_flight - now * objective.latency)
        capacity = self._learn_capacity(scale, objective, load, sight, slow)
        self._trend.add(rate)
        self._season.add(load.at, now)
        if capacity == 0.0:
            return self._unknown(objective, load, sight, slow)
        weight = self._weight(rate, load.span)
        if sight.ready and backlog < 1.0 and _may_help(load, sight, slow, objective):
            self._curve.learn(now / capacity / sight.ready, weight, slow)
        start_time = sight.start_time or USUAL_START
        rates = self._rates(scale, load, now, start_time + EDGE)
        tick = _tick(load, objective.latency, rates, weight, capacity)
        self._curve.believe(objective.latency * capacity)
        self._panel.starts_in(start_time)
        aim, horizon = AIM * objective.budget, start_time + EDGE
        expert = self._panel.look(tick, self._curve, aim, horizon, scale.max)
        asked = max(1, whole(expert.asks()))
        if backlog > 1.0:
            queued = _queued(backlog / capacity, now / capacity, sight.ready, start_time)
            asked = max(asked, ceil(now / capacity + queued / DRAIN + SPARE))
        why = _words(expert.ahead, expert.back, expert.headroom, capacity, backlog)
        if sight.wanted * (1.0 - STEADY) < asked < sight.wanted:
            asked, why = sight.wanted, f"{why}, one less would save too little"
        return Opinion(NAME, rate, capacity, asked, why)

    def _short(self, load: Load) -> float:
        """Requests a second of the last seconds."""
        last = self._last
        last.append((load.span, load.arrivals))
        seconds = sum([span for span, _ in last])
        while len(last) > 1 and seconds - last[0][0] >= SHORT - 0.5:
            seconds -= last.popleft()[0]
        return sum([count for _, count in last]) / seconds

    def _learn_capacity(
        self, scale: Scale, objective: Objective, load: Load, sight: Sight, slow: float
    ) -> float:
        if scale.capacity:
            return scale.capacity
        if sight.ready and not sight.surge and load.answers >= FEWEST:
            each = load.answers / load.span / sight.ready
            self._capacity.learn(each, load.in_flight / sight.ready, slow, objective.budget)
        return self._capacity.value

    def _unknown(self, objective: Objective, load: Load, sight: Sight, slow: float) -> Opinion:
        """What an endpoint can take is not known before it was too much, but that some have nothing
        to do is seen all the same."""
        self._unknown_since = self._unknown_since or load.at
        inside = self._inside.add(load.at, load.in_flight)
        asked = sight.wanted
        if slow <= objective.budget and load.at - self._unknown_since >= BACK:
            asked = min(asked, ceil(inside / UNUSED))
        why = (
            f"share of slow requests; at most {inside:g} in flight, and no endpoint at its end yet"
        )
        return Opinion(NAME, slow, objective.budget, max(1, asked), why)

    def _weight(self, rate: float, span: float) -> float:
        if self._mean is None:
            self._mean = rate
        self._mean += span / MEMORY * (rate - self._mean)
        return min(BUSIEST, rate / self._mean) * span / TICK if self._mean > 0.0 else 0.0

    def _rates(self, scale: Scale, load: Load, now: float, horizon: float) -> dict[Ahead, float]:
        if not scale.predictive:
            return dict.fromkeys(Ahead, now)
        return {
            Ahead.NOW: now,
            Ahead.TREND: max(now, self._trend.ahead(horizon / TICK)),
            Ahead.SEASON: max(now, self._season.ahead(load.at, horizon)),
        }


def _tick(
    load: Load, latency: float, rates: dict[Ahead, float], weight: float, capacity: float
) -> Tick:
    own, now = load.arrivals / load.span / capacity, rates[Ahead.NOW] / capacity
    return Tick(load.at, load.span, own, now, weight, latency, capacity, rates)


def _may_help(load: Load, sight: Sight, slow: float, objective: Objective) -> bool:
    """Whether more endpoints could: not where requests are slow at endpoints that have nothing else
    to do."""
    return slow <= objective.budget or load.in_flight >= BUSY * sight.ready


def _queued(backlog: float, load: float, ready: int, start_time: float) -> float:
    """Seconds of work of one endpoint that will wait when those that are launched now are ready.
    `backlog` and `load` are those of the capacity of one endpoint."""
    return min(backlog + max(0.0, load - ready) * start_time, LONGEST * max(1, ready))


def _slow(load: Load) -> float:
    """The share of slow requests; all are where some wait and none is answered."""
    if load.answers > 0.0:
        return min(1.0, load.slow / load.answers)
    return 1.0 if load.in_flight > 0.0 else 0.0


_AHEAD = {
    Ahead.NOW: "",
    Ahead.TREND: " and where it is going",
    Ahead.SEASON: " and what days before had",
}


def _words(ahead: Ahead, back: float, headroom: float, capacity: float, backlog: float) -> str:
    waiting = f", {backlog:.0f} requests wait" if backlog > 1.0 else ""
    return (
        f"requests a second; {capacity:.4g} fit an endpoint, by the most of {back:.0f} s"
        f"{_AHEAD[ahead]} with {headroom:+.0%}{waiting}"
    )
