"""The words of fairlead as frozen types: what the user wants, what runs, what the proxy is told.

Durations are seconds (float). `since`, `started` and `ready_at` are seconds since the epoch: they
are shown and cross processes. Whatever measures a span takes a monotonic `now` instead.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from fairlead.core.dns_settings import Dns
from fairlead.core.scaling.nodes_model import NodeScale
from fairlead.core.scaling.policy import Scale
from fairlead.core.scaling.schedules import may_sleep


class State(StrEnum):
    """What `status` says of an endpoint."""

    STARTING = "starting"
    READY = "ready"
    UNHEALTHY = "unhealthy"
    DRAINING = "draining"
    STOPPED = "stopped"


class Phase(StrEnum):
    """What a platform says of an endpoint: it knows of life, not of health.

    A pending one is asked for and not there yet: it counts, has no port, and is neither probed nor
    routed to.
    """

    PENDING = "pending"
    RUNNING = "running"
    STOPPING = "stopping"
    EXITED = "exited"


class CheckKind(StrEnum):
    HTTP = "http"
    TCP = "tcp"
    COMMAND = "command"


class Balance(StrEnum):
    """p2c: of two random endpoints the one with fewer requests in flight per weight."""

    P2C = "p2c"
    ROUND_ROBIN = "round-robin"
    LEAST_TIME = "least-time"
    HASH = "hash"


class Locality(StrEnum):
    """prefer-node: endpoints of the proxy's own node first, others once those are busy."""

    ANY = "any"
    PREFER_NODE = "prefer-node"


@dataclass(frozen=True, slots=True)
class Route:
    """Host and path prefix that lead to a service.

    `host` is lower case, `*` for any, or `*.example.com` for any single label. `path` starts with
    `/` and ends with none (except the root); it matches whole segments. `strip` removes it from the
    request before the endpoint sees it.
    """

    host: str
    path: str = "/"
    strip: bool = False

    def __str__(self) -> str:
        return self.host if self.path == "/" else f"{self.host}{self.path}"


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """How an endpoint shows that it can serve: rise passes make it ready, fall failures unhealthy.

    `statuses` are the ranges (first and last) of HTTP codes that pass. `jitter` is the share (0 to
    1) by which intervals vary. `start_interval` holds until the first pass, `start_timeout` is how
    long a first pass may take.
    """

    kind: CheckKind = CheckKind.TCP
    path: str = "/"
    statuses: tuple[tuple[int, int], ...] = ((200, 399),)
    host: str = ""
    command: tuple[str, ...] = ()
    interval: float = 2.0
    timeout: float = 1.0
    rise: int = 1
    fall: int = 3
    jitter: float = 0.1
    start_interval: float = 0.02
    start_timeout: float = 120.0


@dataclass(frozen=True, slots=True)
class Roll:
    """A roll may run `surge` endpoints above the count and replaces `parallel` at a time."""

    surge: int = 1
    parallel: int = 1


@dataclass(frozen=True, slots=True)
class FixedEndpoint:
    """An endpoint that somebody else runs. `host` is an address or a name that is resolved."""

    host: str
    port: int
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Traffic:
    """How the proxy treats a service's requests.

    `hash_key` (balance hash): `ip`, `uri`, `header:NAME` or `cookie:NAME`. `sticky` names a cookie,
    or is empty. `hold`: how long a request waits for a starting endpoint. `retries`: further
    endpoints tried after a failed connection. `stream` turns buffering off both ways.
    """

    balance: Balance = Balance.P2C
    hash_key: str = "ip"
    sticky: str = ""
    slow_start: float = 0.0
    hold: float = 10.0
    retries: int = 2
    connect_timeout: float = 1.0
    timeout: float = 60.0
    stream: bool = False
    locality: Locality = Locality.ANY


@dataclass(frozen=True, slots=True)
class Container:
    """What a service runs in on Docker, or where its tasks are found on ECS.

    `port` is the one inside the container (0: the only one that it exposes). `network` names a
    Docker network on which endpoints are reached at that port; without it they are reached at the
    port that the engine publishes. `task_service` is the ECS service's name, `name` that of the
    container in its task that takes the requests (empty: the only one with a port).
    """

    image: str = ""
    port: int = 0
    network: str = ""
    task_service: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Service:
    """One application as the settings want it.

    Its copies are processes (`run`), containers (`container.image`, `run` is its command then),
    tasks of an ECS service (`container.task_service`), or somebody else's: `endpoints`, or `found`,
    which says where it was discovered. `named`: its routes' hosts are names of the nodes; `dns`
    says where they are kept, when that is not where the cluster's are. `scale` says how the count
    follows the load, from `replicas` on; None where it does not.
    """

    name: str
    routes: tuple[Route, ...] = ()
    replicas: int = 1
    run: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    cwd: str = ""
    container: Container = field(default_factory=Container)
    endpoints: tuple[FixedEndpoint, ...] = ()
    found: str = ""
    named: bool = True
    dns: Dns = field(default_factory=Dns)
    health: HealthCheck = field(default_factory=HealthCheck)
    traffic: Traffic = field(default_factory=Traffic)
    roll: Roll = field(default_factory=Roll)
    scale: Scale | None = None
    drain_timeout: float = 30.0
    stop_timeout: float = 10.0

    @property
    def fixed(self) -> bool:
        """Somebody else starts and stops its copies."""
        return bool(self.endpoints or self.found)

    @property
    def asleep(self) -> bool:
        """Nothing of it runs until a request comes."""
        may = self.scale is not None and may_sleep(self.scale)
        return may and self.replicas == 0 and not self.fixed

    @property
    def orchestrated(self) -> bool:
        """Its platform keeps a count of copies by itself and is only told the count."""
        return bool(self.container.task_service)

    @property
    def revision(self) -> str:
        """Names what an endpoint runs: endpoints of another revision are replaced by a roll."""
        parts = [*self.run, "\0env", *(f"{k}={v}" for k, v in self.env), "\0cwd", self.cwd]
        box = self.container
        if box.image:
            parts += ["\0container", box.image, str(box.port), box.network]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Node:
    """A machine that runs endpoints. `state` is ready, draining or away."""

    id: str
    address: str
    state: str = "ready"
    public: str = ""
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One running copy, as its platform sees it. `exit` says how an EXITED one ended."""

    id: str
    service: str
    node: str
    address: str
    port: int
    revision: str = ""
    phase: Phase = Phase.RUNNING
    started: float = 0.0
    pid: int | None = None
    weight: int = 1
    exit: str = ""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One read of a platform. Where `complete` is false nothing may be removed on its word.

    `desired` is the count that an orchestrating platform keeps, None for others or when unknown.
    `departing` says how many it is taking away together with their share of that count, which has
    not fallen yet. `noted` is why the service's scaler is paused, as such a platform remembers it.
    """

    endpoints: tuple[Endpoint, ...] = ()
    complete: bool = True
    problem: str = ""
    desired: int | None = None
    departing: int = 0
    noted: str | None = None


class EntryState(StrEnum):
    """Only `up` entries get requests; the others keep their counters."""

    UP = "up"
    DOWN = "down"
    DRAINING = "draining"


@dataclass(frozen=True, slots=True)
class Entry:
    """One endpoint in a proxy's table. `ready_at` starts its slow start.

    `node` is empty where the platform does not say. `near`: on the node of the proxy, or unknown.
    """

    id: str
    address: str
    port: int
    state: EntryState = EntryState.UP
    weight: int = 1
    ready_at: float = 0.0
    node: str = ""
    near: bool = True


@dataclass(frozen=True, slots=True)
class ServiceTable:
    """All that a proxy knows of one service; the unit of a push.

    `asleep`: its count is 0 until a request comes, which the proxy says at once.
    """

    service: str
    routes: tuple[Route, ...] = ()
    entries: tuple[Entry, ...] = ()
    traffic: Traffic = field(default_factory=Traffic)
    asleep: bool = False

    @property
    def draining(self) -> frozenset[str]:
        """The ids of the endpoints that are being taken out."""
        return frozenset(e.id for e in self.entries if e.state is EntryState.DRAINING)


RoutingTable = Mapping[str, ServiceTable]


@dataclass(frozen=True, slots=True)
class Counters:
    """What a proxy counted for one endpoint since the endpoint entered its table.

    `failures` are attempts that got no answer: refused or broken connections, timeouts. `statuses`
    are answers by class (1xx to 5xx). `latency` holds one count per bucket of LATENCY_BOUNDS, plus
    one above the last.
    """

    in_flight: int = 0
    requests: int = 0
    failures: int = 0
    statuses: tuple[int, ...] = (0, 0, 0, 0, 0)
    latency: tuple[int, ...] = ()
    latency_sum: float = 0.0


@dataclass(frozen=True, slots=True)
class Waits:
    """What a proxy counted of a service's requests that found no endpoint.

    `waiting` are held now, `held` were ever, `refused` got a 503 for it: too many waited already,
    or none became ready in time. `last` is when the last one came, since the epoch (0: never).
    """

    waiting: int = 0
    held: int = 0
    refused: int = 0
    last: float = 0.0


LATENCY_BOUNDS: tuple[float, ...] = (
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0,
)  # fmt: skip
"""Upper bounds of the latency buckets in seconds."""


@dataclass(frozen=True, slots=True)
class Front:
    """The proxy's own settings: they change by a reload, which is counted; nothing else does.

    `listen` holds `address:port`. `workers` 0 means one a core. `max_body` is in bytes.
    `keepalive` is how long an idle connection to an endpoint is kept, in seconds: it must stay
    below the endpoints' own idle timeout (gunicorn's is 2 s), or a request meets a closing one.
    """

    listen: tuple[str, ...] = ("127.0.0.1:8080",)
    workers: int = 0
    max_body: int = 1 << 30
    keepalive: float = 1.0
    access_log: bool = False


@dataclass(frozen=True, slots=True)
class Plain:
    """An nginx without Lua that somebody else runs, and how it is told (proxy kind `plain`).

    `upstreams` is the file that fairlead writes; nginx's http block includes it. `binary` is its
    argv, with the options that it was started with; `reload` makes it read its files again, empty
    for `binary -s reload`. At `confirm`, a loopback `address:port`, nginx says which writing it
    serves. `servers`: server blocks are written too. `debounce`: least seconds between two reloads.
    """

    upstreams: str = "/etc/nginx/conf.d/fairlead.conf"
    binary: tuple[str, ...] = ("nginx",)
    reload: tuple[str, ...] = ()
    confirm: str = "127.0.0.1:7079"
    servers: bool = True
    debounce: float = 1.0


@dataclass(frozen=True, slots=True)
class Docker:
    """Which engine; empty for the one that Docker's own tools use."""

    host: str = ""
    discover: bool = True


@dataclass(frozen=True, slots=True)
class Ecs:
    """Which ECS cluster, and how it is read. What is empty is left to AWS's own configuration.

    `cluster` empty means that of the settings file's name. `queue` is the URL of an SQS queue.
    `nodes` says which auto scaling group the nodes are of, where their number follows.
    """

    cluster: str = ""
    region: str = ""
    profile: str = ""
    queue: str = ""
    interval: float = 2.0
    addresses: str = "private"
    discover: bool = True
    nodes: NodeScale = field(default_factory=NodeScale)


@dataclass(frozen=True, slots=True)
class Hooks:
    """Where the sidecars of tasks ask for their drain: `address:port`, or empty for nowhere.

    `token_file` holds what they have to show; without it only loopback is listened on.
    """

    listen: str = ""
    token_file: str = ""


@dataclass(frozen=True, slots=True)
class ControllerPlace:
    """Where agents reach this cluster's controller: `address:port`, or empty for nowhere.

    `token_file` holds what they have to show; without it only loopback is listened on. `lease` is
    where controllers of the same cluster agree on who leads: a file, or `dynamodb:TABLE`; empty for
    a file in the state directory.
    """

    listen: str = ""
    token_file: str = ""
    lease: str = ""


@dataclass(frozen=True, slots=True)
class AgentPlace:
    """Which controllers an agent follows (URLs, in the order in which they are tried), and with
    what token. `node` is its node's id, empty for what the platform or the machine calls it.

    After `orphan_after` seconds without a controller it reads the platform itself, every
    `orphan_interval` seconds. It ends `leave_timeout` seconds after it was asked to, if nobody says
    sooner that no more requests will come.
    """

    controllers: tuple[str, ...] = ()
    token_file: str = ""
    node: str = ""
    orphan_after: float = 60.0
    orphan_interval: float = 30.0
    leave_timeout: float = 90.0


@dataclass(frozen=True, slots=True)
class Cluster:
    """A settings file as a whole. `ports` is the first and last port for endpoints."""

    name: str = "fairlead"
    platform: str = "process"
    docker: Docker = field(default_factory=Docker)
    ecs: Ecs = field(default_factory=Ecs)
    hooks: Hooks = field(default_factory=Hooks)
    controller: ControllerPlace = field(default_factory=ControllerPlace)
    agent: AgentPlace = field(default_factory=AgentPlace)
    dns: Dns = field(default_factory=Dns)
    front: Front = field(default_factory=Front)
    proxy: str = "nginx"
    plain: Plain = field(default_factory=Plain)
    ports: tuple[int, int] = (20000, 29999)
    services: tuple[Service, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """One decision or happening, with its reason. `seq` grows by one, `at` is since the epoch."""

    seq: int
    at: float
    kind: str
    service: str
    message: str
    endpoint: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided for a service at run time and must outlive the daemon.

    `replicas` is a count set by `scale` while the file said `filed`. `good` is the last service
    whose endpoints were all ready, `failed` a revision whose roll was given up. `leaving` holds
    endpoint id, reason and urgency of replacements that were asked for. `paused` says why the
    service's scaler changes nothing, and is empty where it acts.
    """

    replicas: int | None = None
    filed: int = 0
    failed: str = ""
    good: Service | None = None
    leaving: tuple[tuple[str, str, bool], ...] = ()
    paused: str = ""
