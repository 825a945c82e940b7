"""The closed forms that say how many requests are slow: M/M/1 for each endpoint, M/M/c over all.

Both have tails of one shape, P(time > t) = weight * exp(-slack * t); see any book on queues, such
as Kleinrock, Queueing Systems I (1975), sections 3.2 and 3.5.
"""

from __future__ import annotations

from functools import lru_cache
from math import exp, log
from typing import NamedTuple

from fairlead.core.backtest.model import WORKERS, Queue
from fairlead.core.errors import BadInput
from fairlead.core.rounding import whole

FULL = 0.95
"""Utilisation at which the requests in an unstable queue are counted: those beyond are backlog."""


class Tail(NamedTuple):
    """P(time > t) = weight * exp(-slack * t); `slack` is in 1/s, 0 where the queue only grows."""

    weight: float
    slack: float

    def beyond(self, seconds: float) -> float:
        """The share of requests that take longer."""
        return self.weight * exp(-self.slack * seconds) if seconds > 0 else 1.0


class _Erlang:
    """Erlang's formulas for one load, in erlangs, by the recursion of his B formula, which does not
    overflow. What was worked out for few servers is the way to more."""

    __slots__ = ("blocked", "load")

    def __init__(self, load: float) -> None:
        self.load = load
        self.blocked = [1.0]

    def waits(self, servers: int) -> float:
        """Erlang's C."""
        load, blocked = self.load, self.blocked
        if load >= servers:
            return 1.0
        last = blocked[-1]
        for n in range(len(blocked), servers + 1):
            last = load * last / (n + load * last)
            blocked.append(last)
        return blocked[servers] / (1.0 - load / servers * (1.0 - blocked[servers]))


_erlang = lru_cache(maxsize=64)(_Erlang)


def erlang_c(servers: int, load: float) -> float:
    """The probability that a request waits: `load` is arrivals times service time, in erlangs."""
    return _erlang(load).waits(servers)


def tail(queue: Queue, rate: float, ready: int, capacity: float) -> Tail:
    """Of `rate` requests a second over `ready` endpoints of `capacity` requests a second each.

    SEPARATE tells of the total time, POOLED of the waiting time.
    """
    spare = ready * capacity - rate
    if spare <= 0:
        return Tail(1.0, 0.0)
    if queue is Queue.SEPARATE:
        return Tail(1.0, spare / ready)
    return Tail(erlang_c(ready * WORKERS, rate * WORKERS / capacity), spare)


def in_service(queue: Queue, rate: float, ready: int, capacity: float) -> float:
    """The mean number of requests in the service when it is at rest, without a backlog."""
    if ready == 0:
        return 0.0
    load = min(FULL * ready * WORKERS, rate * WORKERS / capacity)
    busy = load / (ready * WORKERS)
    if queue is Queue.SEPARATE:
        return ready * busy / (1.0 - busy)
    return load + erlang_c(ready * WORKERS, load) * busy / (1.0 - busy)


def need(queue: Queue, rate: float, capacity: float, objective: float, budget: float) -> int:
    """The fewest endpoints of which at most `budget` (a share) of the requests exceed `objective`
    seconds; at least 1. BadInput where an idle endpoint alone is too slow for that."""
    if queue is Queue.SEPARATE:
        return _need_separate(rate, capacity - log(1.0 / budget) / objective, capacity * objective)
    erlang = _erlang(rate * WORKERS / capacity)
    ready = int(rate / capacity) + 1
    while erlang.waits(ready * WORKERS) * exp((rate - ready * capacity) * objective) > budget:
        ready += 1
    return ready


def _need_separate(rate: float, usable: float, work: float) -> int:
    """`usable` is what one endpoint may get; `work` what it can answer in the objective's time."""
    if usable <= 0:
        raise BadInput(
            f"{exp(-work):.0%} of the requests take longer than the objective at an idle endpoint:"
            " more endpoints do not help; give a longer objective, a larger capacity, or the"
            " pooled queue"
        )
    return max(1, whole(rate / usable))
