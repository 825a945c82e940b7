"""Requests that had to wait for a start, and what it cost to spare them: learned spans of warm time
against keep-alives of 5 and of 15 min, on sparse arrivals that are generated from seeds.

python -m bench.idle

The learned policy has one knob, what a request that need not wait is worth; it is turned until its
warm time is that of the fixed keep-alive. Patterns that were shown are those that the policy was
made with, patterns kept back those that it was not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import pi, sin
from random import Random
from typing import Protocol

from bench.row import Row, show
from fairlead.core.scaling.idle import WORTH, Idle, Span, heard, spans

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
DAYS = 14
START = 20.0
FIXED = (5 * MINUTE, 15 * MINUTE)
TURNS = 7
"""Bisections of the knob."""

Arrivals = list[float]
Traces = Mapping[str, Sequence[Arrivals]]
Pattern = Callable[[Random], Arrivals]


class Policy(Protocol):
    def heard(self, at: float) -> None:
        """A request has come."""

    def warm(self) -> Sequence[Span]:
        """When it is warm after the last one."""


@dataclass
class Fixed:
    seconds: float

    def heard(self, at: float) -> None:
        """It learns nothing."""

    def warm(self) -> Sequence[Span]:
        return (Span(0.0, self.seconds),)


@dataclass
class Learned:
    worth: float = WORTH
    idle: Idle = field(default_factory=Idle)
    known: tuple[float, ...] | None = None
    spans: tuple[Span, ...] = ()

    def heard(self, at: float) -> None:
        self.idle = heard(self.idle, at, busy=True)

    def warm(self) -> Sequence[Span]:
        if self.idle.gaps != self.known:
            self.known, self.spans = self.idle.gaps, spans(self.idle.gaps, START, self.worth)
        return self.spans


@dataclass(frozen=True)
class Cost:
    """`warm` in seconds, from launch."""

    requests: int = 0
    cold: int = 0
    warm: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        cold, warm = self.cold + other.cold, self.warm + other.warm
        return Cost(self.requests + other.requests, cold, warm)


def run(arrivals: Arrivals, policy: Policy) -> Cost:
    """A request waits where nothing is ready: none was launched, or its start goes on. It is idle
    from the moment at which the last one was answered, which takes no time."""
    cold, warm, last = 0, 0.0, float("-inf")
    for at in arrivals:
        if at < last:
            cold += 1
            continue
        met, spent = _gap(policy.warm(), at - last)
        cold, warm = cold + (not met), warm + spent + (0.0 if met else START)
        policy.heard(at)
        last = at if met else at + START
        policy.heard(last)
    return Cost(len(arrivals), cold, warm)


def _gap(warm: Sequence[Span], gap: float) -> tuple[bool, float]:
    """Whether the request that ends this idle time finds an endpoint ready, and the warm seconds
    up to it; the first request of all finds none."""
    if gap == float("inf"):
        return False, 0.0
    met = any((b + START if b else 0.0) <= gap < e for b, e in warm)
    return met, sum(max(0.0, min(e, gap) - b) for b, e in warm)


def _until(end: float, step: Callable[[float], float], begin: float = 0.0) -> Arrivals:
    at, found = begin, []
    while (at := at + step(at)) < end:
        found.append(at)
    return found


def cron(period: float, jitter: float) -> Pattern:
    def make(draw: Random) -> Arrivals:
        phase, number = draw.random() * period, int(DAYS * DAY / period)
        return sorted(phase + n * period + draw.uniform(0, jitter) for n in range(number))

    return make


def poisson(mean: float, days: float = DAYS) -> Pattern:
    return lambda draw: _until(days * DAY, lambda _: draw.expovariate(1 / mean))


def thinned(of: Pattern, share: Callable[[float], float]) -> Pattern:
    """Of the arrivals those that a draw leaves, by a share that depends on the time."""
    return lambda draw: [at for at in of(draw) if draw.random() < share(at)]


def bursts(between: float, size: int, inside: float) -> Pattern:
    """Geometric numbers of requests, so far apart inside."""

    def make(draw: Random) -> Arrivals:
        def step(_: float) -> float:
            ends = draw.random() < 1 / size
            return draw.expovariate(1 / between) if ends else draw.expovariate(1 / inside)

        return _until(DAYS * DAY, step)

    return make


def pareto(least: float, shape: float) -> Pattern:
    def step(draw: Random) -> float:
        return float(least * (1.0 - draw.random()) ** (-1 / shape))

    return lambda draw: _until(DAYS * DAY, lambda _: step(draw))


def weibull(scale: float, shape: float) -> Pattern:
    return lambda draw: _until(DAYS * DAY, lambda _: draw.weibullvariate(scale, shape))


def changed(first: Pattern, second: Pattern) -> Pattern:
    """The first pattern in the first week, the second one afterwards."""

    def make(draw: Random) -> Arrivals:
        before = [at for at in first(draw) if at < DAYS * DAY / 2]
        return before + [at for at in second(draw) if at >= DAYS * DAY / 2]

    return make


def both(first: Pattern, second: Pattern) -> Pattern:
    return lambda draw: sorted(first(draw) + second(draw))


def _sun(at: float) -> float:
    hour = at % DAY / HOUR
    return max(0.02, sin(pi * (hour - 7) / 12)) if 7 < hour < 19 else 0.02


def _office(at: float) -> float:
    return float(int(at // DAY) % 7 < 5 and 8 < at % DAY / HOUR < 18)


SHOWN: Mapping[str, Pattern] = {
    "cron 10 m": cron(10 * MINUTE, 10),
    "cron 30 m": cron(30 * MINUTE, 30),
    "cron 1 h": cron(HOUR, 60),
    "cron 6 h": cron(6 * HOUR, 120),
    "cron 1 d": cron(DAY, 120),
    "poisson 5 m": poisson(5 * MINUTE),
    "poisson 15 m": poisson(15 * MINUTE),
    "poisson 1 h": poisson(HOUR),
    "poisson 4 h": poisson(4 * HOUR),
    "diurnal 5 m": thinned(poisson(5 * MINUTE), _sun),
    "diurnal 20 m": thinned(poisson(20 * MINUTE), _sun),
    "bursts 1 h": bursts(HOUR, 8, 60),
    "bursts 4 h": bursts(4 * HOUR, 15, 120),
}
KEPT_BACK: Mapping[str, Pattern] = {
    "cron 7 m, ragged": cron(7 * MINUTE, 90),
    "cron 2 h": cron(2 * HOUR, 300),
    "cron 12 h": cron(12 * HOUR, 60),
    "cron, then another": changed(cron(25 * MINUTE, 30), cron(90 * MINUTE, 30)),
    "cron and poisson": both(cron(45 * MINUTE, 20), poisson(90 * MINUTE)),
    "pareto": pareto(120, 1.1),
    "weibull, bursty": weibull(40 * MINUTE, 0.6),
    "weibull, even": weibull(30 * MINUTE, 3.0),
    "poisson 30 m": poisson(30 * MINUTE),
    "office 15 m": thinned(poisson(15 * MINUTE), _office),
    "office 1 h": thinned(poisson(HOUR), _office),
    "bursts 2 h": bursts(2 * HOUR, 5, 300),
}


def costs(traces: Traces, make: Callable[[], Policy]) -> dict[str, Cost]:
    """By pattern, over its seeds."""
    return {
        name: sum((run(arrivals, make()) for arrivals in seeds), Cost())
        for name, seeds in traces.items()
    }


def whole(of: Mapping[str, Cost]) -> Cost:
    return sum(of.values(), Cost())


def at_same_warm_time(traces: Traces, warm: float) -> Cost:
    """The learned policy with the knob at which it is warm for no longer than that."""
    low, high = 100.0, 20_000.0
    best = whole(costs(traces, lambda: Learned(low)))
    for _ in range(TURNS):
        worth = (low * high) ** 0.5
        found = whole(costs(traces, partial(Learned, worth)))
        if found.warm <= warm:
            low, best = worth, found
        else:
            high = worth
    return best


def _against(title: str, traces: Traces, seconds: float) -> Row:
    fixed = whole(costs(traces, lambda: Fixed(seconds)))
    ours = at_same_warm_time(traces, fixed.warm)
    name = f"{title}: cold requests, against {seconds / MINUTE:.0f} m of keep-alive"
    goal = f"< {fixed.cold:,} ({fixed.warm / HOUR:,.0f} h warm)"
    told = f"{ours.cold:,} ({ours.warm / HOUR:,.0f} h warm)"
    better = ours.cold < fixed.cold and ours.warm <= fixed.warm
    return Row(name, goal, told, better, ours.cold)


def _rows(title: str, patterns: Mapping[str, Pattern], seeds: int) -> list[Row]:
    traces = {
        name: [make(Random(f"{name} {seed}")) for seed in range(seeds)]
        for name, make in patterns.items()
    }
    own = whole(costs(traces, Learned))
    told = f"{own.cold:,} of {own.requests:,} ({own.warm / HOUR:,.0f} h warm)"
    against = [_against(title, traces, seconds) for seconds in FIXED]
    return [*against, Row(f"{title}: cold requests, as it is set", "", told, None, own.cold)]


def measure(*, quick: bool = False) -> list[Row]:
    seeds = 1 if quick else 2
    everything = {**SHOWN, **KEPT_BACK}
    groups = {
        "patterns that were shown": SHOWN,
        "patterns kept back": KEPT_BACK,
        "all that have no period": {n: p for n, p in everything.items() if "cron" not in n},
    }
    return [row for title, group in groups.items() for row in _rows(title, group, seeds)]


if __name__ == "__main__":
    show(measure())
