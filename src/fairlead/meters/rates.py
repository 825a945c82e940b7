"""What was counted between two reads of counters, as rates.

Counters only grow while an endpoint stays in a proxy's table; one that is smaller than before began
anew at zero. A proxy counts a request when it ends: what has arrived is what has ended and what is
in flight more than before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from fairlead.core.model import LATENCY_BOUNDS, Counters

_SERVER_ERRORS = 4
NOTHING = Counters()


@dataclass(frozen=True, slots=True)
class Rates:
    """Counts a second. `latency`: answers by bucket of LATENCY_BOUNDS, and above the last."""

    arrivals: float = 0.0
    answers: float = 0.0
    errors: float = 0.0
    failures: float = 0.0
    latency: tuple[float, ...] = ()


def between(before: Counters, now: Counters, span: float) -> Rates:
    """`span` in seconds, more than 0."""
    if _began_anew(before, now):
        before = NOTHING
    statuses = _grown(before.statuses, now.statuses)
    ended = now.requests - before.requests
    return Rates(
        (ended + now.in_flight - before.in_flight) / span,
        sum(statuses) / span,
        (statuses[_SERVER_ERRORS] if len(statuses) > _SERVER_ERRORS else 0) / span,
        (now.failures - before.failures) / span,
        tuple(n / span for n in _grown(before.latency, now.latency)),
    )


def total(rates: Iterable[Rates]) -> Rates:
    of_rows = tuple(rates)
    return Rates(
        sum(r.arrivals for r in of_rows),
        sum(r.answers for r in of_rows),
        sum(r.errors for r in of_rows),
        sum(r.failures for r in of_rows),
        tuple(map(sum, zip_longest(*(r.latency for r in of_rows), fillvalue=0.0))),
    )


def above(latency: Sequence[float], limit: float) -> float:
    """How many of the answers took longer than `limit` seconds; within a bucket they are taken to
    be spread evenly, and those above the last bound to be slower than any limit."""
    slow = 0.0
    for (low, high), count in zip(_BUCKETS, latency, strict=False):
        share = (high - limit) / (high - low)
        slow += count * min(1.0, max(0.0, share))
    return slow + sum(latency[len(_BUCKETS) :])


def percentile(latency: Sequence[float], share: float) -> float | None:
    """The latency in seconds that `share` (0 to 1) of the answers do not exceed, by the same
    reckoning; the last bound for what lies above it. None without answers."""
    answers = sum(latency)
    if answers <= 0:
        return None
    left = share * answers
    for (low, high), count in zip(_BUCKETS, latency, strict=False):
        if count > 0 and left <= count:
            return low + (high - low) * max(0.0, left) / count
        left -= count
    return LATENCY_BOUNDS[-1]


_BUCKETS = tuple(zip((0.0, *LATENCY_BOUNDS), LATENCY_BOUNDS, strict=False))


def _began_anew(before: Counters, now: Counters) -> bool:
    pairs = (
        (before.requests, now.requests),
        (before.failures, now.failures),
        *zip_longest(before.statuses, now.statuses, fillvalue=0),
        *zip_longest(before.latency, now.latency, fillvalue=0),
    )
    return any(later < earlier for earlier, later in pairs)


def _grown(before: Sequence[int], now: Sequence[int]) -> tuple[int, ...]:
    return tuple(b - a for a, b in zip_longest(before, now, fillvalue=0))
