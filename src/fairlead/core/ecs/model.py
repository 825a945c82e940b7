"""Task definitions, nodes and tasks of ECS as frozen types.

Times are seconds since the epoch, memory is MiB, cpu is in units (1024 are one core)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Wire = Mapping[str, Any]
"""A structure as the API has it."""

RUNNING, STOPPED, ACTIVE, DRAINING, INACTIVE = (
    "RUNNING",
    "STOPPED",
    "ACTIVE",
    "DRAINING",
    "INACTIVE",
)
HEALTHY, UNHEALTHY, UNKNOWN = "HEALTHY", "UNHEALTHY", "UNKNOWN"
BEGINNING = ("PROVISIONING", "PENDING", "ACTIVATING")
RESERVED_PORTS = (22, 2375, 2376, 51678, 51679, 51680)
"""Of every node: SSH, Docker, and the ECS agent."""


@dataclass(frozen=True, slots=True)
class PortMapping:
    """One of a container's ports; `host` 0 asks for a dynamic one."""

    container: int
    host: int = 0
    protocol: str = "tcp"


@dataclass(frozen=True, slots=True)
class HealthCommand:
    """A container health check; durations in seconds."""

    command: tuple[str, ...]
    interval: float = 30.0
    timeout: float = 5.0
    retries: int = 3
    start_period: float = 0.0


@dataclass(frozen=True, slots=True)
class Dependency:
    """`condition` is START, HEALTHY, COMPLETE or SUCCESS."""

    container: str
    condition: str


@dataclass(frozen=True, slots=True)
class Mount:
    """A volume in a container. Without a `source`, a path of the host, it is the task's own."""

    volume: str
    source: str
    target: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class ContainerDefinition:
    """What of a container definition is acted upon, and in `wire` all that was registered.

    `stop_timeout` in seconds.
    """

    name: str
    image: str = ""
    entry: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    directory: str = ""
    cpu: int = 0
    memory: int = 0
    essential: bool = True
    ports: tuple[PortMapping, ...] = ()
    depends_on: tuple[Dependency, ...] = ()
    start_timeout: float | None = None
    stop_timeout: float = 30.0
    health: HealthCommand | None = None
    mounts: tuple[Mount, ...] = ()
    wire: Wire = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Constraint:
    """`kind` is memberOf or distinctInstance."""

    kind: str
    expression: str = ""


@dataclass(frozen=True, slots=True)
class Strategy:
    """`kind` is spread, binpack or random."""

    kind: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class Definition:
    """One revision of a task definition. `wire` is how it was registered, defaults filled in."""

    arn: str
    family: str
    revision: int
    network: str
    containers: tuple[ContainerDefinition, ...]
    cpu: int
    memory: int
    constraints: tuple[Constraint, ...] = ()
    needs: tuple[str, ...] = ()
    status: str = ACTIVE
    wire: Wire = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Instance:
    """A container instance: a node that tasks run on, with an address of its own.

    `space` names the network namespace (`ip netns add`) that they run in; empty: the server's own.
    """

    arn: str
    machine: str
    address: str
    zone: str
    cpu: int
    memory: int
    interfaces: int = 2
    attributes: tuple[tuple[str, str], ...] = ()
    status: str = ACTIVE
    registered: float = 0.0
    version: int = 1
    space: str = ""

    @property
    def id(self) -> str:
        return self.arn.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Binding:
    container: int
    host: int
    protocol: str = "tcp"


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a task, as it is now. `health` is empty without a health check."""

    id: str
    name: str
    status: str = "PENDING"
    bindings: tuple[Binding, ...] = ()
    exit_code: int | None = None
    reason: str = ""
    health: str = ""


@dataclass(frozen=True, slots=True)
class Interface:
    """The network interface of an awsvpc task. It has an address once it is ATTACHED."""

    id: str
    address: str = ""
    status: str = "PRECREATED"


@dataclass(frozen=True, slots=True)
class Task:
    """`service` and `deployment` are empty for tasks of none."""

    arn: str
    definition: str
    instance: str
    group: str
    containers: tuple[Container, ...]
    cpu: int = 0
    memory: int = 0
    service: str = ""
    deployment: str = ""
    started_by: str = ""
    overrides: Wire = field(default_factory=dict, hash=False)
    desired: str = RUNNING
    last: str = "PENDING"
    version: int = 1
    interface: Interface | None = None
    protected_until: float = 0.0
    created: float = 0.0
    started: float | None = None
    stopping: float | None = None
    stopped: float | None = None
    stop_code: str = ""
    reason: str = ""

    @property
    def id(self) -> str:
        return self.arn.rpartition("/")[2]

    @property
    def health(self) -> str:
        found = {each.health for each in self.containers if each.health}
        for worst in (UNHEALTHY, UNKNOWN, HEALTHY):
            if worst in found:
                return worst
        return UNKNOWN

    @property
    def is_checked(self) -> bool:
        return any(each.health for each in self.containers)

    @property
    def is_up(self) -> bool:
        """Counts as healthy in a deployment."""
        return self.last == RUNNING and (not self.is_checked or self.health == HEALTHY)
