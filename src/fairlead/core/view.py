"""What one pass knows of a service: the platform's word, the checks' and our own marks."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from fairlead.core.backoff import Backoff
from fairlead.core.health import Health
from fairlead.core.model import Endpoint, Phase, Service, State


@dataclass(frozen=True, slots=True)
class Drain:
    """A decision to take an endpoint out. Times are monotonic.

    `withdrawn` is when every proxy had confirmed that it sends nothing new there, or None.
    `shrink`: the count that the platform keeps falls with it. `awaited`: the endpoint is being
    stopped by somebody else, who waits for the end of the drain.
    """

    reason: str
    since: float
    withdrawn: float | None = None
    shrink: bool = False
    awaited: bool = False


@dataclass(frozen=True, slots=True)
class Leave:
    """A request that an endpoint be replaced: at once if `urgent`, else once a new one is ready."""

    reason: str
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """One endpoint with all that is known of it. `in_flight` is None while it cannot be read."""

    endpoint: Endpoint
    health: Health = field(default_factory=Health)
    drain: Drain | None = None
    leave: Leave | None = None
    in_flight: int | None = None
    since: float = 0.0

    @property
    def alive(self) -> bool:
        """Runs, or is about to, and is to go on running."""
        return self.endpoint.phase in (Phase.RUNNING, Phase.PENDING) and self.drain is None

    @property
    def ready(self) -> bool:
        return self.alive and self.health.up

    @property
    def state(self) -> State:
        if self.endpoint.phase is Phase.EXITED:
            return State.STOPPED
        if not self.alive:
            return State.DRAINING
        if self.health.up:
            return State.READY
        return State.UNHEALTHY if self.health.ever_up else State.STARTING


@dataclass(frozen=True, slots=True)
class Intent:
    """What is wanted of a service now.

    `service` holds the wanted count (after `scale`). `good` is the last revision that was ready
    in full; `failed` is a revision whose roll was given up: `good` serves until another is applied.
    `kept` is the count that the service's platform keeps by itself, None where it keeps none, and
    `departing` by how much it is about to fall because of endpoints that were retired.
    """

    service: Service
    good: Service | None = None
    failed: str = ""
    backoff: Backoff = field(default_factory=Backoff)
    kept: int | None = None
    departing: int = 0

    @property
    def spec(self) -> Service:
        """The service with what new endpoints are to run."""
        if self.good is None or not self.rolled_back:
            return self.service
        good = self.good
        return replace(self.service, run=good.run, env=good.env, cwd=good.cwd)

    @property
    def rolled_back(self) -> bool:
        return self.failed == self.service.revision
