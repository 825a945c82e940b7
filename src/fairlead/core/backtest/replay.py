"""The backtest itself: a trace through a policy, second by second.

A fluid queue carries what cannot be answered at once, up to ten seconds of work; what comes while
it is longer than the objective is slow, of the rest the closed forms say how much (queues.py).
"""

from __future__ import annotations

from array import array
from collections import deque
from dataclasses import dataclass, field
from math import ceil
from typing import Final, Protocol

from fairlead.core.backtest.arrivals import stream
from fairlead.core.backtest.model import (
    LONGEST_BACKLOG,
    Autoscaler,
    Outcome,
    Scenario,
)
from fairlead.core.backtest.queues import Tail, in_service, need, tail

KEPT: Final = 2048
"""Seconds that the history holds; a power of two."""
BUDGET = 0.01
"""Share of slow requests up to which endpoints are enough: the need of the elasticity metrics."""
IN_VIOLATION = 0.05
"""Share of slow requests in a second from which on it counts as one in violation (a p95)."""
FIRST = 0.6
"""Utilisation at which a replay begins."""
GRID = 2000
HOUR, DAY = 3600, 86400
_MASK = KEPT - 1


def _sums() -> array[float]:
    return array("d", bytes(8 * KEPT))


@dataclass(slots=True)
class Past:
    """Implements model.History: sums up to each second, of the last KEPT seconds."""

    sums: dict[str, array[float]] = field(
        default_factory=lambda: {
            name: _sums() for name in ("arrivals", "busy", "in_flight", "ready", "slow", "dropped")
        }
    )
    now: int = 0
    waiting: float = 0.0

    def _mean(self, name: str, span: int, until: int) -> float:
        last = min(until, self.now)
        first = max(0, last - span, self.now - _MASK)
        if last <= first:
            return 0.0
        sums = self.sums[name]
        return (sums[last & _MASK] - sums[first & _MASK]) / (last - first)

    def arrivals(self, span: int, until: int) -> float:
        return self._mean("arrivals", span, until)

    def busy(self, span: int, until: int) -> float:
        return self._mean("busy", span, until)

    def in_flight(self, span: int, until: int) -> float:
        return self._mean("in_flight", span, until)

    def ready(self, span: int, until: int) -> float:
        return self._mean("ready", span, until)

    def slow(self, span: int, until: int) -> float:
        return self._mean("slow", span, until)

    def dropped(self, span: int, until: int) -> float:
        return self._mean("dropped", span, until)

    def backlog(self) -> float:
        return self.waiting


class Watch(Protocol):
    """May look on: called after each second with rate, ready, launched and slow requests."""

    def __call__(self, rate: float, ready: int, launched: int, slow: float) -> None: ...


class _Copies:
    """The endpoints: those that are ready, and when each of the others will be."""

    __slots__ = ("changes", "ready", "start_time", "starting", "wanted")

    def __init__(self, count: int, start_time: int) -> None:
        self.wanted = self.ready = count
        self.start_time, self.changes = start_time, 0
        self.starting: deque[int] = deque()

    def ask(self, count: int, now: int) -> None:
        """The youngest go first."""
        self.changes += count != self.wanted
        while self.wanted < count:
            self.starting.append(now + self.start_time)
            self.wanted += 1
        while self.wanted > count:
            if self.starting:
                self.starting.pop()
            else:
                self.ready -= 1
            self.wanted -= 1

    def advance(self, now: int) -> None:
        while self.starting and self.starting[0] <= now:
            self.starting.popleft()
            self.ready += 1


class _Rate:
    """What follows from a rate of arrivals, worked out once for each number of endpoints. Rates are
    told apart in GRID steps up to the largest: a second of a new rate costs as much as hundreds."""

    __slots__ = ("at_step", "grid", "known", "need", "scenario", "tails", "value")

    def __init__(self, scenario: Scenario) -> None:
        self.scenario, self.grid = scenario, GRID / (max(scenario.rates, default=0.0) or 1.0)
        self.at_step, self.value, self.need = -1, 0.0, 1
        self.tails: dict[int, tuple[Tail, float, float]] = {}
        self.known: dict[int, tuple[float, int, dict[int, tuple[Tail, float, float]]]] = {}

    def become(self, rate: float) -> None:
        step = round(rate * self.grid)
        if step == self.at_step:
            return
        if step not in self.known:
            of, value = self.scenario, step / self.grid
            count = need(of.queue, value, of.capacity, of.objective, BUDGET)
            self.known[step] = value, count, {}
        self.at_step = step
        self.value, self.need, self.tails = self.known[step]

    def at(self, ready: int) -> tuple[Tail, float, float]:
        """The tail of times, the share that is slow without a backlog, the requests inside."""
        known = self.tails.get(ready)
        if known is None:
            of = self.scenario
            found = tail(of.queue, self.value, ready, of.capacity)
            inside = in_service(of.queue, self.value, ready, of.capacity)
            known = self.tails[ready] = (found, found.beyond(of.objective), inside)
        return known


class _Fit:
    """How well the count fits the need, second by second. `seconds` are those of endpoints."""

    __slots__ = ("over", "over_depth", "seconds", "under", "under_depth")

    def __init__(self) -> None:
        self.seconds = self.under = self.over = 0
        self.under_depth = self.over_depth = 0.0

    def take(self, ready: int, wanted: int, need: int) -> None:
        self.seconds += wanted
        if ready < need:
            self.under += 1
            self.under_depth += (need - ready) / need
        elif wanted > need:
            self.over += 1
            self.over_depth += (wanted - need) / need


class _WorstHour:
    """The largest share of slow requests of an hour."""

    __slots__ = ("_came", "_slow", "share")

    def __init__(self) -> None:
        self._came = self._slow = self.share = 0.0

    def end(self, came: float, slow: float) -> float:
        """Of all requests until the hour's end; the share of the worst until then."""
        this = (slow - self._slow) / max(1.0, came - self._came)
        self._came, self._slow, self.share = came, slow, max(self.share, this)
        return self.share


def replay(scenario: Scenario, scaler: Autoscaler, watch: Watch | None = None) -> Outcome:
    """What the policy does under the trace. Takes some microseconds a second of the trace."""
    copies = _Copies(_first(scenario), scenario.start_time)
    past, rate, draw = Past(), _Rate(scenario), stream(scenario.seed)
    came, busy, inside, ready_sum, slow_sum, dropped_sum = past.sums.values()
    capacity, objective, interval = scenario.capacity, scenario.objective, scaler.interval
    a = b = c = d = e = f = 0.0
    backlog, violated = 0.0, 0
    worst, fit = _WorstHour(), _Fit()
    for now, mean in enumerate(scenario.rates):
        if now % interval == 0:
            past.now, past.waiting = now, backlog
            asked = scaler.look(now, copies.wanted, copies.ready, past)
            copies.ask(min(scenario.max, max(scenario.min, asked)), now)
        if copies.starting:
            copies.advance(now)
        ready = copies.ready
        rate.become(mean)
        arrived = draw(mean)
        supply = ready * capacity
        times, share, at_rest = rate.at(ready) if ready else _NOTHING
        if backlog > 0.0:
            share = times.beyond(objective - backlog / supply) if supply else 1.0
        work = backlog + arrived
        used = min(1.0, work / supply) if supply else 0.0
        backlog = max(0.0, work - supply)
        lost = max(0.0, backlog - LONGEST_BACKLOG * max(supply, capacity))
        backlog -= lost
        slow = share * arrived
        a, b, c = a + arrived, b + used, c + at_rest + backlog
        d, e, f = d + ready, e + slow, f + lost
        at = (now + 1) & _MASK
        came[at], busy[at], inside[at] = a, b, c
        ready_sum[at], slow_sum[at], dropped_sum[at] = d, e, f
        violated += share > IN_VIOLATION
        fit.take(ready, copies.wanted, rate.need)
        if watch is not None:
            watch(mean, ready, copies.wanted, slow)
        if now % HOUR == HOUR - 1:
            worst.end(a, e)
    seconds = len(scenario.rates)
    return Outcome(
        violations=e / max(1.0, a),
        worst_hour=worst.end(a, e),
        hours=fit.seconds / HOUR,
        changes=copies.changes * DAY / seconds,
        dropped=f / max(1.0, a),
        seconds_in_violation=violated,
        under_time=fit.under / seconds,
        under_depth=fit.under_depth / seconds,
        over_time=fit.over / seconds,
        over_depth=fit.over_depth / seconds,
    )


_NOTHING = (Tail(1.0, 0.0), 1.0, 0.0)


def _first(scenario: Scenario) -> int:
    asked = ceil(scenario.rates[0] / (FIRST * scenario.capacity))
    return min(scenario.max, max(scenario.min, 1, asked))
