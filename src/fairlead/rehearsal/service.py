"""Services of the local ECS and their deployments, as frozen types. Times are seconds since the
epoch."""

from __future__ import annotations

from dataclasses import dataclass, field

from fairlead.core.ecs.model import ACTIVE, Constraint, Strategy, Wire


@dataclass(frozen=True, slots=True)
class Deployment:
    id: str
    definition: str
    status: str = "PRIMARY"
    created: float = 0.0
    updated: float = 0.0
    failed: int = 0
    rollout: str = "IN_PROGRESS"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """A service event."""

    id: str
    at: float
    message: str


@dataclass(frozen=True, slots=True)
class Service:
    """`deployments` has the PRIMARY one first, `events` the newest first.

    `wire` holds what was asked for and is only given back.
    """

    name: str
    arn: str
    desired: int
    deployments: tuple[Deployment, ...]
    minimum: int = 100
    maximum: int = 200
    daemon: bool = False
    breaker: bool = False
    rollback: bool = False
    constraints: tuple[Constraint, ...] = ()
    strategies: tuple[Strategy, ...] = ()
    status: str = ACTIVE
    created: float = 0.0
    events: tuple[Said, ...] = ()
    wire: Wire = field(default_factory=dict, hash=False)

    @property
    def primary(self) -> Deployment:
        return self.deployments[0]


@dataclass(frozen=True, slots=True)
class Happening:
    """What EventBridge tells of a service: of a deployment when one is named, else an action."""

    name: str
    service: str
    level: str = "INFO"
    deployment: str = ""
    reason: str = ""
