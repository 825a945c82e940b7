"""A trace: how many requests came in each period, and the rates a replay makes of it."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, replace

from fairlead.core.errors import BadInput

DAY = 86400
LONGEST = 400 * DAY
"""Seconds of the longest trace."""
MOST_COUNT = 1e12
"""Requests in a period, at most."""
BINS = (1, 5, 15, 60)
ENOUGH = 100.0
"""Requests that a bin must hold on average to be more than chance."""


@dataclass(frozen=True, slots=True)
class Trace:
    """`counts` are the requests of each `period` (whole seconds), the first from `start` on (epoch
    seconds, None where the trace has no times). `filled` are the periods (their numbers) that were missing and are interpolated;
    `skipped` lines could not be read."""

    name: str
    counts: array[float]
    period: int
    start: float | None = None
    filled: tuple[int, ...] = ()
    skipped: int = 0

    @property
    def seconds(self) -> int:
        return len(self.counts) * self.period


def checked(trace: Trace) -> Trace:
    """BadInput for what no backtest can be made of."""
    if len(trace.counts) < 2:
        raise BadInput(f"{trace.name}: a backtest needs at least two periods with their requests")
    if trace.seconds > LONGEST:
        raise BadInput(
            f"{trace.name} is {trace.seconds / DAY:,.0f} days long; at most {LONGEST // DAY} fit"
        )
    if not any(trace.counts):
        raise BadInput(f"{trace.name} holds no requests: there is nothing to scale by")
    return trace


def part(trace: Trace, begin: float, days: float | None) -> Trace:
    """From `begin` seconds after its beginning on, so many days; whole periods."""
    first = round(begin / trace.period)
    last = len(trace.counts) if days is None else first + round(days * DAY / trace.period)
    if not 0 <= first < len(trace.counts):
        raise BadInput(
            f"{trace.name} is {trace.seconds / DAY:.2f} days long: nothing is left of it from"
            f" {begin / DAY:.2f} days on"
        )
    start = None if trace.start is None else trace.start + first * trace.period
    filled = tuple(at - first for at in trace.filled if first <= at < last)
    return checked(replace(trace, counts=trace.counts[first:last], start=start, filled=filled))


def bin_of(trace: Trace) -> int:
    """Seconds over which its counts are averaged: single seconds are themselves a Poisson sample,
    and no rate yet."""
    mean = sum(trace.counts) / trace.seconds
    fitting = [b for b in BINS if b >= trace.period and b % trace.period == 0]
    enough = (b for b in fitting if b * mean >= ENOUGH)
    return next(enough, fitting[-1] if fitting else trace.period)


def rates(trace: Trace, peak: float | None) -> array[float]:
    """Requests a second, for each second; scaled so that the largest is `peak`, if one is given."""
    span = bin_of(trace)
    step = span // trace.period
    means = [
        sum(counts) / (len(counts) * trace.period)
        for at in range(0, len(trace.counts), step)
        if (counts := trace.counts[at : at + step])
    ]
    factor = 1.0 if peak is None else peak / max(means)
    found = array("d")
    for mean in means:
        found.extend(array("d", [mean * factor]) * span)
    return found[: trace.seconds]


def interpolated(points: list[tuple[int, float]]) -> tuple[array[float], tuple[int, ...]]:
    """Counts of all periods from the first point's on, and which of them were missing: those are on
    the line between their neighbours. Points are (period's number, count), in order."""
    found, missing = array("d"), list[int]()
    before, last = points[0]
    found.append(last)
    for at, count in points[1:]:
        gap = at - before
        found.extend(last + (count - last) * n / gap for n in range(1, gap))
        found.append(count)
        missing += range(before + 1, at)
        before, last = at, count
    return found, tuple(missing)
