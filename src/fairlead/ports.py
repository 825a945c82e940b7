"""What the edges implement: small async Protocols over the types of core.

Adapters raise only errors of core.errors: foreign ones are mapped where they come in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from fairlead.core.dns import Change, Problem, Record
from fairlead.core.health import Health
from fairlead.core.lease import Lease
from fairlead.core.model import (
    Counters,
    Decision,
    Endpoint,
    Front,
    HealthCheck,
    Node,
    RoutingTable,
    Service,
    ServiceTable,
    Sighting,
    Waits,
)
from fairlead.core.scaling.nodes_model import NodesSight
from fairlead.core.scaling.policy import Metric
from fairlead.core.scaling.verdict import Reading

Notify = Callable[[str], None]
"""Called by an edge, from the loop's thread, with the name of a service whose state has changed
(or "" for all): the loop wakes and observes it."""

Wake = Callable[[str], None]
"""Called by a proxy, from the loop's thread, with the name of a service that is asleep and that a
request waits for: at once, and again every second while it waits."""


class Platform(Protocol):
    """What runs endpoints."""

    async def nodes(self) -> tuple[Node, ...]: ...

    async def observe(self, services: Collection[Service]) -> Sighting:
        """The endpoints of these services, exited ones included until forgotten.

        A read that failed or is partial says so in the sighting; it does not raise.
        """

    async def start(self, service: Service) -> Endpoint:
        """Begin one more endpoint. PlatformError when it cannot be started at all."""

    async def stop(self, endpoint: Endpoint, timeout: float) -> None:
        """Ask it to end, force it after `timeout` seconds; returns at once, the end is notified."""

    async def forget(self, endpoint: Endpoint) -> None:
        """Drop what is kept of an exited endpoint."""

    def reset(self, service: str) -> None:
        """Take stopped endpoints into use again, where new ones cannot be started."""

    async def close(self) -> None:
        """Let go of everything and leave the endpoints running."""


class Runner(Protocol):
    """A platform whose endpoints fairlead itself has started, and ends with itself."""

    def all(self) -> tuple[Endpoint, ...]:
        """Every endpoint that it started, also of services that nobody knows any more."""

    async def stop_all(self, timeout: float) -> None:
        """End and forget every one of them. PlatformError when one survives."""


class Orchestrator(Protocol):
    """A platform that keeps a count of copies by itself: it starts and replaces them. Its
    sightings say the count; `start` is of no use on it, and what `stop` stops it replaces."""

    async def resize(self, service: Service, count: int) -> None:
        """Ask for another count: a larger one, or one that no endpoint has to go for.

        PlatformError when it is refused.
        """

    async def retire(self, endpoint: Endpoint, timeout: float) -> None:
        """Take one off the count, and see to it that this endpoint is the one that goes.

        Returns at once, as `stop` does; from then on the endpoint is seen as stopping.
        """

    async def mark(self, endpoint: Endpoint, reason: str) -> None:
        """Remember in the cluster itself that the endpoint is being drained; empty: no more."""

    async def note(self, service: Service, paused: str) -> None:
        """Remember in the cluster itself why the service's scaler is paused; empty: no more."""


class Room(Protocol):
    """A platform that can say how many copies it has room for. Cheap: asked every few seconds."""

    async def most(self, service: Service) -> tuple[int | None, str]:
        """The largest count of this service that fits beside what the others hold or are about to,
        and what keeps it from being larger, in a few words (`memory on i-1`, `ports 20000-20003`).

        Copies that run or start count as placed. None where nothing is known, with the reason. It
        is counted no further than the service's own `scale` could ever ask for: that number with
        no reason says that all of them fit. Raises nothing but cancellation.
        """


class NodeGroup(Protocol):
    """An auto scaling group that a platform's nodes are of. Nodes go by their ARN. PlatformError
    when something cannot be read, or is refused."""

    async def look(self, now: float) -> NodesSight:
        """Group, nodes, what is on them and what is wanted; `now` is monotonic."""

    async def conflict(self, now: float) -> str:
        """Who else moves the group, so that nobody else may; empty for nobody."""

    async def grow(self, desired: int) -> None:
        """Have so many nodes."""

    async def give_up(self, node: str) -> None:
        """Drain it, and remember in the cluster itself that this was so decided."""

    async def take_back(self, node: str) -> None:
        """Use one again that was given up."""

    async def terminate(self, node: str) -> None:
        """End it, and have one node less."""


class Discovery(Protocol):
    """A platform that knows services which no settings file names."""

    async def services(self) -> tuple[Service, ...]:
        """Those discovered now, each with `found` set. PlatformError when it cannot be read."""


@dataclass(frozen=True, slots=True)
class Calls:
    """What was asked of an API: counts by action, calls a second over the last minute, throttled
    ones. `bound` is the most calls a second that are made in the long run, as it is now."""

    by_action: Mapping[str, int] = field(default_factory=dict)
    per_second: float = 0.0
    throttled: int = 0
    bound: float = 0.0


@dataclass(frozen=True, slots=True)
class Heard:
    """How many events came; of the taken ones something was new, the rest tells of other things.

    `queue` is where they come from, empty for nowhere; `problem` is why it cannot be read now.
    """

    queue: str = ""
    received: int = 0
    taken: int = 0
    malformed: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Capacity:
    """What may still be placed on a node: CPU units (1,024 a core) and MiB."""

    cpu: int = 0
    memory: int = 0


class Metered(Protocol):
    """A platform that is read through an API with limits."""

    def calls(self) -> Calls: ...

    def heard(self) -> Heard: ...

    def capacity(self) -> Mapping[str, Capacity]:
        """By node id."""


@dataclass(frozen=True, slots=True)
class ProxyInfo:
    """`generation` grows with each accepted push; `reloads` counts since the proxy was set up."""

    kind: str
    generation: int = 0
    reloads: int = 0
    pid: int | None = None
    listen: tuple[str, ...] = ()


class Proxy(Protocol):
    """What balances over the endpoints of a node."""

    async def start(self, tables: Collection[ServiceTable] = ()) -> None:
        """Start or adopt it, so that it serves its last table and takes pushes.

        `tables` are of services that it may not know yet: it is to hold their requests, from its
        first moment on, rather than to refuse them.
        """

    async def configure(self, front: Front) -> None:
        """Follow changed settings of the proxy itself. Busy, ProxyError: the old ones stay."""

    async def info(self) -> ProxyInfo: ...

    async def read(self) -> RoutingTable:
        """The table it serves from now. ProxyError when it cannot be asked."""

    async def push(self, table: ServiceTable) -> int:
        """Replace one service's table; returns the generation from which all requests follow it."""

    async def drop(self, service: str) -> int:
        """Forget a service and its routes."""

    async def follows(self, service: str) -> bool:
        """Whether all that a table says no more is really out of use, wherever it was in use."""

    async def counters(self, service: str) -> dict[str, Counters]:
        """By endpoint id, for every entry of the service's table."""

    async def waits(self, service: str) -> Waits:
        """Of its requests that found no endpoint."""

    async def close(self) -> None:
        """Let go of it and leave it serving."""

    async def stop(self) -> None:
        """End it: requests in flight are finished."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What one node's proxy had counted for a service `at` (monotonic seconds), by endpoint id.

    `held`: requests that waited there for an endpoint; `refused`: those that had got none, ever.
    """

    at: float
    counters: Mapping[str, Counters]
    held: int = 0
    refused: int = 0


class Tallies(Protocol):
    """The proxies of all nodes, each with what it counts."""

    async def tallies(self, service: str) -> Mapping[str, Tally | None]:
        """By node; None for a node that has not said yet what it counts. ProxyError."""


@dataclass(frozen=True, slots=True)
class Used:
    """What an endpoint uses `at` (monotonic seconds): `cpu` are seconds of CPU since its start,
    `memory` bytes. `cores` is how many it may use, 0 for no limit; `memory_limit` (bytes) is its
    own or the machine's, 0 for unknown."""

    at: float
    cpu: float
    memory: int
    cores: float = 0.0
    memory_limit: int = 0


class Gauged(Protocol):
    """A platform that can tell what each of its endpoints uses."""

    async def used(self, endpoints: Collection[Endpoint]) -> Mapping[str, Used]:
        """By endpoint id; one that has ended, or cannot be measured, is absent. PlatformError."""


class Meter(Protocol):
    """Where metrics of some sources come from."""

    def period(self, metric: Metric) -> float:
        """The seconds that one value stands for, 0 for a value of the moment. It is not read more
        often, and is known only after them."""

    async def read(self, service: str, metric: Metric) -> Reading:
        """The newest value, with the time at which it was true. Whether that is too long ago is
        for the caller to say. MeterError when there is no value, or none that can be used."""


class Prober(Protocol):
    """One health check against one endpoint."""

    async def probe(self, check: HealthCheck, endpoint: Endpoint) -> str:
        """Empty when it passed, else why not, in a few words. Raises nothing but cancellation."""


class Checks(Protocol):
    """Probes the endpoints it is told of, each on a schedule of its own, and reports changes."""

    def watch(self, endpoint: Endpoint, check: HealthCheck, initial: Health) -> None:
        """Begin, or go on with another check; `initial` counts for an endpoint not yet watched."""

    def unwatch(self, endpoint_id: str) -> None: ...


Fence = Callable[[], Awaitable[None]]
"""Awaited before each write: an error of core.errors when this process may not write any more."""


class DnsProvider(Protocol):
    """Where DNS records are kept."""

    async def read(self, names: Collection[str]) -> tuple[Record, ...]:
        """All addresses, CNAMEs and aliases of these names, and the TXT records of their owners.

        DnsError when one cannot be read: half an answer is none.
        """

    async def apply(self, changes: Collection[Change], fence: Fence) -> tuple[Problem, ...]:
        """Make them, where what is there is still exactly `before`; the names that failed.

        One name's failure does not hold up the others. DnsError when nothing can be written.
        """

    async def close(self) -> None: ...


class Clock(Protocol):
    def now(self) -> float:
        """Monotonic seconds."""

    def wall(self) -> float:
        """Seconds since the epoch."""


class Decisions(Protocol):
    """Keeps decisions beyond the daemon's life."""

    def get(self, service: str) -> Decision: ...

    def put(self, service: str, decision: Decision) -> None:
        """Keep it beyond the daemon's life."""

    def drop(self, service: str) -> None: ...


class LeaseStore(Protocol):
    """Holds the one record of who leads. LeaseError when it cannot be reached."""

    async def read(self) -> Lease | None:
        """None when there is none yet."""

    async def swap(self, before: Lease, after: Lease) -> bool:
        """Put `after` in the place of `before` (Lease() for none); False when another one is there.

        It may have been carried out though it raised: then the next read says so.
        """


class Journal(Protocol):
    """Where decisions are told, each with its reason."""

    def record(self, kind: str, service: str, message: str, endpoint: str = "") -> None: ...
