"""What the autoscaler is told of a service, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of a metric; `at` is when it was true, seconds since the epoch."""

    value: float
    at: float


@dataclass(frozen=True, slots=True)
class Load:
    """What the proxies saw of a service in the `span` seconds up to `at` (epoch seconds).

    `arrivals` and `answers` are counts, `slow` those of the answers that took longer than the
    objective, `failed` answers of 5xx and attempts without one. `in_flight` is now, requests that
    wait for an endpoint (`held`) included.
    """

    at: float
    span: float
    arrivals: float
    answers: float
    slow: float = 0.0
    failed: float = 0.0
    in_flight: float = 0.0
    held: float = 0.0


@dataclass(frozen=True, slots=True)
class Sight:
    """A service at one moment. `wanted` is the count that is asked for now; `ready` endpoints take
    requests, `starting` ones will. `surge` are those that a roll runs beyond the count.

    `load` is None and a target is not in `readings` where nothing fresh is known. `placeable` is
    the most that the cluster can place, None when unknown. `start_time`: seconds from launch to
    ready, as seen of late; 0 when never seen.
    """

    now: float
    wanted: int
    ready: int
    starting: int = 0
    surge: int = 0
    load: Load | None = None
    readings: Mapping[str, Reading] = field(default_factory=dict)
    placeable: int | None = None
    start_time: float = 0.0


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one metric asks for. `count` is None where it has no say (`why` tells the reason)."""

    metric: str
    value: float | None
    target: float
    count: int | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The count to ask for, and why.

    `opinions` come from each metric, `winner` is the metric that set `desired`, the count before
    anything held it back; `held` says, in order, what did. `missing` is how many were wanted beyond
    what can be placed.
    """

    count: int
    desired: int
    opinions: tuple[Opinion, ...] = ()
    winner: str = ""
    held: tuple[str, ...] = ()
    missing: int = 0
