"""The status document, as the API sends it and the CLI shows it.

`since` is seconds since the epoch. `problem` and `reason` say in words why something is not as
wanted; they are absent or empty when all is well.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict

from fairlead.api.scaling_document import ScaledDoc


class EndpointDoc(TypedDict):
    """`cpu` is a share of what it may use (1 is its limit, or one core without one), over the last
    seconds, or over its life where it is measured for the first time; `memory` is in bytes. Both
    are absent where the platform does not know them.
    """

    id: str
    node: str
    address: str
    port: int
    pid: int | None
    state: str
    in_flight: int
    requests: int
    failures: int
    since: float
    cpu: NotRequired[float]
    memory: NotRequired[int]
    reason: NotRequired[str]


class ServiceDoc(TypedDict):
    """`strategy` is `dynamic` for services that are run, `fixed` for listed endpoints.

    `health_path` is the path of an HTTP health check, and absent for other checks. `given_up`: it
    crashed so often that no start is tried before a restart or apply. `asleep`: a request starts
    it.
    `scale` is absent where nothing scales the service.
    """

    name: str
    strategy: str
    desired: int
    ready: int
    routes: list[str]
    endpoints: list[EndpointDoc]
    problem: NotRequired[str]
    given_up: NotRequired[bool]
    asleep: NotRequired[bool]
    scale: NotRequired[ScaledDoc]
    health_path: NotRequired[str]


class ProxyDoc(TypedDict):
    kind: str
    generation: int
    reloads: int
    pid: int | None


class NodeDoc(TypedDict):
    """`cpu` (units, 1,024 a core) and `memory` (MiB) are what the platform may still place there,
    absent where that is not known."""

    id: str
    address: str
    state: str
    cpu: NotRequired[int]
    memory: NotRequired[int]


class EventsDoc(TypedDict):
    """What came out of `queue`; `problem` is why it cannot be read, empty when it can."""

    queue: str
    received: int
    taken: int
    malformed: int
    problem: str


class ApiDoc(TypedDict):
    """How much is asked of the platform's API. `actions` counts calls since the daemon began,
    `per_second` is over the last minute, `bound` the most that it may be in the long run;
    `throttled` is how often the API refused because there were too many.

    `events` is absent without a queue.
    """

    per_second: float
    bound: float
    throttled: int
    actions: dict[str, int]
    events: NotRequired[EventsDoc]


class AgentDoc(TypedDict):
    """`state` is serves, leaving, broken (its proxy does not serve) or away; `generation` is that
    of the tables which its proxy follows."""

    node: str
    version: str
    state: str
    generation: int
    problem: str


class FollowedDoc(TypedDict):
    """The controller that an agent follows; `problem` is why it follows none now."""

    url: str
    generation: int
    problem: str


class StatusDoc(TypedDict):
    """`api` is absent for platforms without an API that limits calls, `agents` is there for a
    controller, `controller` for an agent."""

    cluster: str
    listen: list[str]
    proxy: ProxyDoc
    nodes: list[NodeDoc]
    api: NotRequired[ApiDoc]
    agents: NotRequired[list[AgentDoc]]
    controller: NotRequired[FollowedDoc]
    services: list[ServiceDoc]


class EventDoc(TypedDict):
    seq: int
    at: float
    kind: str
    service: str
    message: str
    endpoint: str
