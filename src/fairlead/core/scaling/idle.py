"""When an idle service is worth being kept warm, learned from its own arrivals.

The idea is that of Shahrad et al., Serverless in the Wild (USENIX ATC 2020): what a service's idle
times were says how long it is to be kept after a request, and when it is to be warm again before
the next one. Theirs reads two percentiles off a histogram; here the last idle times themselves are
kept, and those spans of time are warm in which a request costs less to wait for than it is worth.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

MINUTE = 60
KEPT = 64
"""Idle times that are remembered."""
SHORTEST = 60.0
"""Seconds: no service sleeps sooner, and shorter idle times teach nothing."""
ENOUGH, UNKNOWN = 4, 600.0
"""Until so many idle times are known a service is kept for UNKNOWN seconds."""
WORTH = 900.0
"""Warm seconds that one request which need not wait is worth."""
GRAIN = 10.0
"""Seconds by which the beginning of an idle time may be wrong: the scaler looks every 5 s."""
LOOSE = 0.1
"""Share of an idle time that a span reaches beyond it at most."""


@dataclass(frozen=True, slots=True)
class Idle:
    """`gaps` are the last idle times, oldest first; `since` is when a request was there last, or
    the service was first looked at (both in seconds, the latter since the epoch)."""

    gaps: tuple[float, ...] = ()
    since: float | None = None


class Span(NamedTuple):
    """Seconds since the last request, between which an endpoint is to be ready or starting."""

    begin: float
    end: float


class _Way(NamedTuple):
    """The spans up to here, and what they have earned: seconds of warm time."""

    earned: float
    spans: tuple[Span, ...]


def heard(idle: Idle, now: float, *, busy: bool) -> Idle:
    """After a look at the service: `busy` when requests have come, or are there. A clock that was
    set back begins the idle time anew, and teaches nothing."""
    if idle.since is None or now < idle.since:
        return replace(idle, since=now)
    if not busy:
        return idle
    gap = now - idle.since
    gaps = (*idle.gaps, gap)[-KEPT:] if gap > SHORTEST else idle.gaps
    return Idle(gaps, now)


def recalled(minutes: Iterable[tuple[int, int]]) -> Idle:
    """From what was counted before, as (epoch seconds, requests) a minute: idle times to the
    minute. What lies over minutes that nobody counted teaches nothing."""
    gaps: tuple[float, ...] = ()
    since = counted = 0
    for at, requests in minutes:
        if at - counted > MINUTE:
            since = 0
        if requests:
            gap = float(at - since)
            gaps = (*gaps, gap)[-KEPT:] if since and gap > SHORTEST else gaps
            since = at
        counted = at
    return Idle(gaps)


def spans(gaps: Sequence[float], start: float, worth: float = WORTH) -> tuple[Span, ...]:
    """When it is to be warm after a request, in order; the first span begins at 0.

    `start`: seconds from launch to ready. The best of all ways through the sorted idle times, by
    dynamic programming: a request that is met earns `worth` and spares a start, each second costs
    the requests that are still awaited then. The first idle time of a later span earns nothing, so
    that chance is not taken for a rule.
    """
    if len(gaps) < ENOUGH:
        return (Span(0.0, UNKNOWN),)
    ordered = sorted(gaps)
    warm = cold = _Way(0.0, (Span(0.0, SHORTEST),))
    for n, gap in enumerate(ordered):
        left, before, after = len(ordered) - n, _at(ordered, n - 1), _at(ordered, n + 1)
        stayed = _Way(warm.earned + worth + start - left * (gap - before), _to(warm, gap))
        early = start + _margin(gap, after - gap)
        opened = _Way(cold.earned - left * early, (*cold.spans, Span(gap - early, gap)))
        warm = max(stayed, opened, key=_earned)
        late = _margin(gap, gap - before)
        closed = _Way(warm.earned - (left - 1) * late, _to(warm, gap + late))
        cold = max(closed, cold, key=_earned)
    return _merged(cold.spans)


def is_warm(of: Sequence[Span], idle_for: float) -> bool:
    return any(begin <= idle_for < end for begin, end in of)


def _at(ordered: Sequence[float], n: int) -> float:
    if n < 0:
        return SHORTEST
    return ordered[min(n, len(ordered) - 1)]


def _margin(gap: float, spacing: float) -> float:
    """By what a span reaches beyond an idle time: as far as its neighbour is away."""
    return GRAIN + min(spacing, gap * LOOSE)


def _to(way: _Way, end: float) -> tuple[Span, ...]:
    return (*way.spans[:-1], Span(way.spans[-1].begin, end))


def _earned(way: _Way) -> float:
    return way.earned


def _merged(found: Sequence[Span]) -> tuple[Span, ...]:
    """In order, without overlaps."""
    whole: list[Span] = []
    for begin, end in found:
        if whole and begin <= whole[-1].end:
            whole[-1] = Span(whole[-1].begin, max(end, whole[-1].end))
        else:
            whole.append(Span(begin, end))
    return tuple(whole)
