"""A trace: how many requests came in each period, and the rates a replay makes of it."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, replace
from itertools import pairwise

from fairlead.core.errors import BadInput

DAY = 86400
LONGEST = 400 * DAY
"""Seconds of the longest trace."""
MOST_COUNT = 1e12
"""Requests in a period, at most."""
BINS = (1, 5, 15, 60)
STEPS = 12
"""Of a bin, in which the rate goes from one mean to the next."""
ENOUGH = 100.0
"""Requests that a bin must hold on average to be more than chance."""


@dataclass(frozen=True, slots=True)
class Trace:
    """`counts` are the requests of each `period` (whole seconds), the first from `start` on (epoch
    seconds, None where the trace has no times). `filled` are the periods (their numbers) that were
    missing and are interpolated; `skipped` lines could not be read."""

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
    """Requests a second, for each second; scaled so that the largest mean of a bin is `peak`, if
    one is given.

    A count says how many came in its bin, not that each bin begins with a jump: the rate runs in a
    line from the middle of one bin to that of the next, in steps of a twelfth of a bin.
    """
    step = bin_of(trace) // trace.period
    bins = [trace.counts[at : at + step] for at in range(0, len(trace.counts), step)]
    spans = [len(counts) * trace.period for counts in bins]
    means = [sum(counts) / span for counts, span in zip(bins, spans, strict=True)]
    factor = 1.0 if peak is None else peak / max(means)
    return _joined([mean * factor for mean in means], spans)


def _joined(means: list[float], spans: list[int]) -> array[float]:
    """Each bin in steps on the lines between the bins' middles."""
    found, steps = array("d"), dict[int, list[tuple[int, float]]]()
    for at, (mean, span) in enumerate(zip(means, spans, strict=True)):
        if span not in steps:
            steps[span] = _steps(span)
        before, after = means[max(0, at - 1)], means[min(len(means) - 1, at + 1)]
        for long, off in steps[span]:
            other = after if off > 0 else before
            found.extend(array("d", [mean + abs(off) * (other - mean)]) * long)
    return found


def _steps(span: int) -> list[tuple[int, float]]:
    """Seconds of each step, and how far its middle is from the bin's, as a share of the bin."""
    count = min(STEPS, span)
    edges = [span * n // count for n in range(count + 1)]
    return [(last - first, (first + last) / (2 * span) - 0.5) for first, last in pairwise(edges)]


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
