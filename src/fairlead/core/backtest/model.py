"""A backtest's words: scenario, what an autoscaler is shown, and what came of it.

Time is in whole seconds from the beginning of the trace.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol


class Queue(IntEnum):
    """SEPARATE: an M/M/1 for each endpoint, total time counts. POOLED: one M/M/c over five workers
    of each endpoint, waiting time counts."""

    SEPARATE = 0
    POOLED = 1


WORKERS = 5
"""Workers of an endpoint in the pooled model."""
LONGEST_BACKLOG = 10.0
"""Seconds of work that wait at most; what exceeds them is dropped."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A service under a trace. `rates` holds the mean arrivals a second, one for each second.

    `capacity`: requests a second of one endpoint at 100 %. `start_time`: seconds from launch to
    ready. `objective`: seconds a request may take. `seed` is that of the arrivals.
    """

    name: str
    rates: Sequence[float]
    capacity: float = 50.0
    start_time: int = 30
    min: int = 1
    max: int = 40
    objective: float = 0.25
    queue: Queue = Queue.SEPARATE
    seed: int = 1


class History(Protocol):
    """What was measured until now, each as a mean over the `span` seconds that end at `until`
    (both in seconds; before the beginning there is nothing, and 0.0 is the answer)."""

    def arrivals(self, span: int, until: int) -> float:
        """Requests a second that came."""

    def busy(self, span: int, until: int) -> float:
        """Share (0 to 1) of the ready endpoints' capacity that was used: their CPU."""

    def in_flight(self, span: int, until: int) -> float:
        """Requests in the service, waiting ones included."""

    def ready(self, span: int, until: int) -> float:
        """Endpoints that were ready."""

    def slow(self, span: int, until: int) -> float:
        """Requests a second that took longer than the objective, or were dropped."""

    def dropped(self, span: int, until: int) -> float:
        """Requests a second that were dropped."""

    def backlog(self) -> float:
        """Requests that wait now."""


class Autoscaler(Protocol):
    """A policy under test. `interval`: seconds between two looks."""

    name: str
    interval: int

    def look(self, now: int, wanted: int, ready: int, history: History) -> int:
        """The count to ask for from now on; `wanted` is the one asked for until now, so that
        `wanted - ready` are starting."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a policy did in a scenario.

    `violations`: share of the requests slower than the objective or dropped; `worst_hour` that of
    the worst hour; `hours` are endpoint-hours from launch; `changes` are those a day. `under` and
    `over` (SPEC-RG-2016-01): shares of time, and mean depths as shares of the need.
    """

    violations: float
    worst_hour: float
    hours: float
    changes: float
    dropped: float
    seconds_in_violation: int
    under_time: float
    under_depth: float
    over_time: float
    over_depth: float
