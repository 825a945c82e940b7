"""What the loop keeps of one service between passes."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace

from fairlead.core.counted import shrinking
from fairlead.core.guard import Belief
from fairlead.core.health import Health
from fairlead.core.model import Decision, Endpoint, Phase, Service, ServiceTable
from fairlead.core.routing import table
from fairlead.core.view import Drain, Intent, Leave, Seen

EXPIRED = Health()
STARTS = 9


def _nothing_known() -> Belief:
    return Belief({})


@dataclass(slots=True)
class Tracked:
    """One service. `first_seen` is monotonic, by endpoint id; `pushed` is what the proxy serves.

    `asked`: its count was set by command, and its platform keeps another yet. `read`: its platforms
    have been read whole, so that an endpoint which is not known is not there.
    `removed`: it is no longer in the settings and is forgotten once its last endpoint has gone.
    `paused`: why its scaler changes nothing, empty where it acts. `met`: the count that its
    platform keeps has been seen; `foreign` is one that somebody else has set over the scaler's, and
    `contested` are the (monotonic) times at which that happened. `noted`: its platform remembers
    a pause, None while that is not known; `note_at` is when that may be put right (monotonic).
    `start_times` are seconds from being first seen to the first passed check, of the last ones.
    """

    intent: Intent
    removed: bool = False
    asked: bool = False
    read: bool = False
    paused: str = ""
    met: bool = False
    foreign: int | None = None
    contested: tuple[float, ...] = ()
    noted: bool | None = None
    note_at: float = 0.0
    start_times: deque[float] = field(default_factory=lambda: deque(maxlen=STARTS))
    belief: Belief = field(default_factory=_nothing_known)
    health: dict[str, Health] = field(default_factory=dict)
    drains: dict[str, Drain] = field(default_factory=dict)
    leaves: dict[str, Leave] = field(default_factory=dict)
    in_flight: dict[str, int] = field(default_factory=dict)
    first_seen: dict[str, float] = field(default_factory=dict)
    pushed: ServiceTable | None = None
    problem: str = ""

    @property
    def service(self) -> Service:
        return self.intent.service

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        return tuple(self.belief.endpoints.values())

    @property
    def draining(self) -> bool:
        """Whether a count of requests in flight is being waited for."""
        return any(self._awaits(endpoint) for endpoint in self.endpoints)

    def _awaits(self, endpoint: Endpoint) -> bool:
        drain = self.drains.get(endpoint.id)
        if drain is None or endpoint.phase is Phase.EXITED:
            return False
        return drain.awaited or endpoint.phase is not Phase.STOPPING

    @property
    def steered(self) -> bool:
        """Its scaler acts: the count is the scaler's, whatever others set."""
        return self.service.scale is not None and not self.paused

    def follow(self, kept: int | None, departing: int = 0) -> int | None:
        """Take over the count that the platform keeps, unless another was asked for, or it is our
        own doing: raised for a replacement, or about to fall (`departing`) with endpoints.

        So a count that is followed is never moved: wanted and kept are one there. The count of a
        scaler is taken over when it is first met; later one that somebody else has set is not, and
        is returned once.
        """
        if kept is None:
            return None
        self.intent = replace(self.intent, kept=kept, departing=departing)
        moving = shrinking(self.intent, self.seen()) > 0 or any(map(self._leaves, self.endpoints))
        service = self.intent.service
        if self.asked and kept == service.replicas and not moving:
            self.asked = False
        before, known, self.met = self.foreign, self.met, True
        self.foreign = None
        if self.asked or self.removed or moving:
            return None
        if not (self.steered and known):
            self.take(kept)
        elif kept != service.replicas:
            self.foreign = kept
        return self.foreign if self.foreign != before else None

    def recall(self, noted: str | None) -> bool:
        """Take over the pause that the platform remembers, from a controller before this one, when
        it is first met; whether there was one."""
        if noted is None:
            return False
        first, self.noted = self.noted is None, bool(noted)
        if not (first and noted and self.steered):
            return False
        self.paused = noted
        return True

    @property
    def unnoted(self) -> bool:
        """The platform remembers a pause that is over, or not one that is."""
        paused = self.service.scale is not None and bool(self.paused)
        return self.noted is not None and self.noted != paused

    def take(self, replicas: int) -> None:
        """Want so many."""
        self.intent = replace(self.intent, service=replace(self.service, replicas=replicas))

    def _leaves(self, endpoint: Endpoint) -> bool:
        present = endpoint.phase in (Phase.RUNNING, Phase.PENDING)
        return present and endpoint.id in self.leaves

    def table(self) -> ServiceTable:
        """What the proxy is to serve: as it is, as far as nothing is known of it yet."""
        wanted = table(self.intent, self.seen())
        if self.read or self.pushed is None:
            return wanted
        known = self.belief.endpoints
        unknown = tuple(e for e in self.pushed.entries if e.id not in known)
        return replace(wanted, entries=(*wanted.entries, *unknown))

    def seen(self) -> tuple[Seen, ...]:
        return tuple(self._seen(endpoint) for endpoint in self.endpoints)

    def _seen(self, endpoint: Endpoint) -> Seen:
        key = endpoint.id
        return Seen(
            endpoint,
            self.health.get(key, EXPIRED),
            self.drains.get(key),
            self.leaves.get(key),
            self.in_flight.get(key),
            self.first_seen.get(key, 0.0),
        )

    def forget(self, endpoint_id: str) -> None:
        endpoints = {k: e for k, e in self.belief.endpoints.items() if k != endpoint_id}
        self.belief = Belief(endpoints, self.belief.doubted, self.belief.problem)
        for kept in (self.health, self.drains, self.leaves, self.in_flight, self.first_seen):
            kept.pop(endpoint_id, None)

    def decision(self, filed: int) -> Decision:
        """What of this must outlive the daemon; `filed` is the count in the settings file."""
        own = self.asked or bool(self.leaves)  # the kept count may hold a surge of ours
        beyond = self.service.replicas != filed or self.service.scale is not None
        decided = own if self.service.orchestrated else beyond
        replicas = self.service.replicas if decided else None
        leaving = tuple((k, leave.reason, leave.urgent) for k, leave in self.leaves.items())
        return Decision(
            replicas,
            filed if replicas is not None else 0,
            self.intent.failed,
            self.intent.good,
            leaving,
            self.paused,
        )
