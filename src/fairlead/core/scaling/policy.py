"""What the user wants of the autoscaler, for one service: the words of `scale:` as frozen types."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Source(StrEnum):
    """Where a target's metric comes from. The first six cost nothing: they are fairlead's own."""

    REQUESTS = "requests"
    IN_FLIGHT = "in-flight"
    LATENCY = "latency"
    ERRORS = "errors"
    CPU = "cpu"
    MEMORY = "memory"
    CLOUDWATCH = "cloudwatch"
    PROMETHEUS = "prometheus"
    HTTP = "http"
    SQS = "sqs"


class Share(StrEnum):
    """How a metric's value and its target belong together.

    `endpoint`: the value is a sum over the service, the target is for one endpoint (requests a
    second, a queue's depth). `average`: both are for one endpoint already (CPU, a latency).
    """

    ENDPOINT = "endpoint"
    AVERAGE = "average"


@dataclass(frozen=True, slots=True)
class CloudWatchQuery:
    """One of CloudWatch's metric data queries: a metric, or an expression over others' ids."""

    id: str
    expression: str = ""
    namespace: str = ""
    metric: str = ""
    dimensions: tuple[tuple[str, str], ...] = ()
    statistic: str = "Average"
    period: int = 60


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `percentile` (0 to 1) is of latencies; `url` that of an HTTP document, of a
    Prometheus server or of a queue; `query` a Prometheus query; `path` leads to a number in a JSON
    document (`data.0.value`); of `queries` the last one is the answer.

    Values are in the metric's own unit; fairlead's own are requests a second, requests in flight,
    seconds of latency, and shares (1 is all) of CPU, memory and errors. `max_age`: seconds after
    which a value is missing.
    """

    source: Source
    percentile: float = 0.95
    url: str = ""
    query: str = ""
    path: str = ""
    queries: tuple[CloudWatchQuery, ...] = ()
    region: str = ""
    token_file: str = ""
    max_age: float = 60.0


@dataclass(frozen=True, slots=True)
class Target:
    """What a metric is to be kept at, by the number of endpoints. `name` is unique in a service."""

    name: str
    metric: Metric
    value: float
    share: Share = Share.ENDPOINT


@dataclass(frozen=True, slots=True)
class Objective:
    """At most `budget` (a share) of the requests may take longer than `latency` seconds."""

    latency: float = 0.25
    budget: float = 0.05


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the count may move one way.

    In `period` seconds at most `most` endpoints or `percent` of them (100 is all), whichever is
    more (0 and 0: no bound). `cooldown`: least seconds between two changes this way.
    `stabilisation`: a move is made to the mildest of what was wanted in so many seconds.
    """

    most: int = 0
    percent: float = 0.0
    period: float = 60.0
    cooldown: float = 0.0
    stabilisation: float = 0.0


@dataclass(frozen=True, slots=True)
class Schedule:
    """From each time that `cron` (five fields, in the time `zone`) names, for `lasts` seconds, the
    bounds are these; None leaves the service's own."""

    cron: str
    lasts: float
    zone: str = "UTC"
    min: int | None = None
    max: int | None = None


@dataclass(frozen=True, slots=True)
class Scale:
    """How a service is scaled. `min` 0 lets it sleep: `keep_alive` seconds after its last request,
    0 for what its own arrivals teach.

    Without targets the objective rules; with targets the largest answer wins on the way out and all
    must agree on the way in, the objective too where `objective` is given. `capacity`: requests a
    second that one endpoint can answer, 0 for what is learned. `predictive`: a trend and the
    profile of days and weeks raise the count before the load comes.
    """

    min: int = 1
    max: int = 10
    objective: Objective | None = field(default_factory=Objective)
    targets: tuple[Target, ...] = ()
    capacity: float = 0.0
    out: Pace = field(default_factory=Pace)
    inward: Pace = field(default_factory=lambda: Pace(stabilisation=180.0))
    schedules: tuple[Schedule, ...] = ()
    predictive: bool = True
    keep_alive: float = 0.0
