"""A running set-up as its own files describe it: what `inspect` reads, and the doctor looks at.

Terraform, CloudFormation, JSON, Compose and the live cluster all become this. What a file does not
say is not given; what it says in a way that cannot be resolved is unknown, and never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, order=True)
class At:
    """A line (from 1; 0 for the file as a whole) of a file, as the user named it."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


NOWHERE = At("")


@dataclass(frozen=True, slots=True)
class Fact(Generic[T]):
    """One thing that a set-up says. `value` is None where nothing is said, and where it cannot be
    resolved: then `unknown` says why. `origin` has each step that led to it, the use first."""

    value: T | None = None
    origin: tuple[At, ...] = ()
    unknown: str = ""

    def or_(self, default: T) -> T | None:
        """What holds: the value, the default where nothing is said, None where it is unknown."""
        if self.unknown:
            return None
        return default if self.value is None else self.value


@dataclass(frozen=True, slots=True)
class Port:
    """`host` is 0, or not given, for one that the engine picks."""

    container: Fact[int] = field(default_factory=Fact)
    host: Fact[int] = field(default_factory=Fact)
    protocol: str = "tcp"
    at: At = NOWHERE


@dataclass(frozen=True, slots=True)
class Mount:
    """`kind`: `host` (a path of the node), `docker` (a volume of the engine there), `shared` (EFS,
    NFS and the like), `ephemeral` (ends with the task), `socket` (the engine's)."""

    kind: str
    source: str
    path: str
    read_only: bool = False
    at: At = NOWHERE


@dataclass(frozen=True, slots=True)
class Container:
    """`memory` is the hard limit and `reservation` the soft one, in MiB; `cpu` in units of 1/1024
    core; `stop_timeout` in seconds. `checked`: it has a health check of its own."""

    name: str
    image: Fact[str] = field(default_factory=Fact)
    ports: tuple[Port, ...] = ()
    memory: Fact[int] = field(default_factory=Fact)
    reservation: Fact[int] = field(default_factory=Fact)
    cpu: Fact[int] = field(default_factory=Fact)
    stop_timeout: Fact[int] = field(default_factory=Fact)
    checked: Fact[bool] = field(default_factory=Fact)
    mounts: tuple[Mount, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    essential: bool = True
    labels: Mapping[str, str] = field(default_factory=dict)
    at: At = NOWHERE


@dataclass(frozen=True, slots=True)
class TaskDefinition:
    """`key` is what services refer to. `whole`: all its containers are known. `constraints` are
    expressions that choose its nodes (memberOf)."""

    key: str
    family: str
    network_mode: Fact[str] = field(default_factory=Fact)
    fargate: Fact[bool] = field(default_factory=Fact)
    memory: Fact[int] = field(default_factory=Fact)
    cpu: Fact[int] = field(default_factory=Fact)
    containers: tuple[Container, ...] = ()
    whole: bool = True
    at: At = NOWHERE
    constraints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """A service's registration in a target group (its key, empty where it is unknown)."""

    group: str
    container: str = ""
    port: Fact[int] = field(default_factory=Fact)
    at: At = NOWHERE


@dataclass(frozen=True, slots=True)
class ServiceSetup:
    """`kind` is `ecs` or `compose`. Percentages are those of a rolling deploy, of `desired`.
    `task` and `cluster` are keys, empty where they are unknown. `ignored`: the files say that the
    count is somebody else's to change; `scaled`: something scales it by itself. `constraints` are
    expressions that choose its nodes (memberOf), `strategies` how its tasks are spread or packed:
    type and field of each; an empty type is one that is not known."""

    name: str
    kind: str = "ecs"
    task: str = ""
    cluster: str = ""
    desired: Fact[int] = field(default_factory=Fact)
    launch_type: Fact[str] = field(default_factory=Fact)
    daemon: bool = False
    minimum_percent: Fact[int] = field(default_factory=Fact)
    maximum_percent: Fact[int] = field(default_factory=Fact)
    targets: tuple[Target, ...] = ()
    security_groups: tuple[str, ...] = ()
    distinct: bool = False
    discovered: bool = False
    ignored: bool = False
    scaled: bool = False
    key: str = ""
    at: At = NOWHERE
    constraints: tuple[str, ...] = ()
    strategies: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class NodeGroup:
    """Machines alike: instances, or an auto scaling group's. `security_groups` are keys;
    `whole`: all of them are known. `user_data` is what runs when one starts."""

    key: str
    instance_type: Fact[str] = field(default_factory=Fact)
    desired: Fact[int] = field(default_factory=Fact)
    maximum: Fact[int] = field(default_factory=Fact)
    cluster: str = ""
    security_groups: tuple[str, ...] = ()
    whole: bool = True
    user_data: str = ""
    at: At = NOWHERE


@dataclass(frozen=True, slots=True)
class Ingress:
    """`source` is a CIDR block, the key of a security group, or `self`; protocol -1 is all."""

    first: Fact[int] = field(default_factory=Fact)
    last: Fact[int] = field(default_factory=Fact)
    protocol: str = "tcp"
    source: str = ""
    at: At = NOWHERE


@dataclass(frozen=True, slots=True)
class SecurityGroup:
    """`whole`: all of its rules are known."""

    key: str
    ingress: tuple[Ingress, ...] = ()
    whole: bool = True
    at: At = NOWHERE


@dataclass(frozen=True, slots=True)
class TargetGroup:
    """`type` is `instance` unless said; `drain` is its deregistration delay in seconds."""

    key: str
    type: Fact[str] = field(default_factory=Fact)
    port: Fact[int] = field(default_factory=Fact)
    path: Fact[str] = field(default_factory=Fact)
    drain: Fact[int] = field(default_factory=Fact)
    at: At = NOWHERE


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """`nodes` are keys of node groups or instances whose addresses it names, `addresses` those that
    are written out (in a script also as `$IP`: one address, whatever it is); `alias`: it names a
    load balancer or the like. `routing`: simple, multivalue, weighted, failover, latency,
    geolocation. `whole`: all that it answers is known."""

    name: str
    type: str
    ttl: Fact[int] = field(default_factory=Fact)
    addresses: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    alias: bool = False
    routing: str = "simple"
    at: At = NOWHERE
    whole: bool = True


@dataclass(frozen=True, slots=True)
class ProxyTarget:
    """Where a proxy sends the requests of a location: `servers` are `host:port` each, as written;
    `upstream` is the name of their set, empty where proxy_pass names the one. `resolved`: names are
    looked up again while it runs (a variable and a resolver, `resolve`, `zone` with an API)."""

    hosts: tuple[str, ...]
    servers: tuple[str, ...]
    upstream: str = ""
    location: str = "/"
    resolved: bool = False
    listen: tuple[int, ...] = ()
    at: At = NOWHERE


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the AWS CLI in a script or a workflow (or `docker run`, with what it publishes):
    `options` by name without dashes; an empty one has no value, `$NAME` is not known. `loops`: it
    stands in a loop over the answers of a call, or each of its own answers is gone through; a loop
    over words that are written out, and one that waits, is none."""

    service: str
    operation: str
    options: Mapping[str, str] = field(default_factory=dict)
    loops: bool = False
    at: At = NOWHERE


@dataclass(frozen=True, slots=True)
class Unknown:
    """What could not be resolved, and why."""

    what: str
    why: str
    at: At


@dataclass(frozen=True, slots=True)
class Setup:
    """All of it. `texts` are the lines of the files that were read, by name, for evidence."""

    tasks: tuple[TaskDefinition, ...] = ()
    services: tuple[ServiceSetup, ...] = ()
    nodes: tuple[NodeGroup, ...] = ()
    groups: tuple[SecurityGroup, ...] = ()
    target_groups: tuple[TargetGroup, ...] = ()
    records: tuple[DnsRecord, ...] = ()
    proxies: tuple[ProxyTarget, ...] = ()
    calls: tuple[Call, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    texts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def task_of(self, service: ServiceSetup) -> TaskDefinition | None:
        return next((task for task in self.tasks if task.key == service.task), None)


def merged(setups: tuple[Setup, ...]) -> Setup:
    """All of them as one; keys that two of them have stay apart in neither."""
    return Setup(
        tuple(x for s in setups for x in s.tasks),
        tuple(x for s in setups for x in s.services),
        tuple(x for s in setups for x in s.nodes),
        tuple(x for s in setups for x in s.groups),
        tuple(x for s in setups for x in s.target_groups),
        tuple(x for s in setups for x in s.records),
        tuple(x for s in setups for x in s.proxies),
        tuple(x for s in setups for x in s.calls),
        tuple(x for s in setups for x in s.unknown),
        {name: lines for s in setups for name, lines in s.texts.items()},
    )
