"""From what is wanted and what is seen to what changes: one service, one pass, no side effects.

What each kind of endpoint leads to, in the order of the rules below:

| endpoint                                   | change                                              |
| ------------------------------------------ | --------------------------------------------------- |
| exited                                     | Forget                                              |
| draining, withdrawn, nothing in flight     | Stop                                                |
| draining for longer than the timeout       | Stop                                                |
| new revision crash-looping or never ready  | Abandon the roll when an older one can serve,       |
|                                            | else Drain it (the back-off counts a failure)       |
| fewer of the wanted revision than wanted   | Start, within surge and parallelism while rolling   |
| old revision or asked to leave, not ready  | Drain                                               |
| old revision or asked to leave, ready      | Drain as far as the wanted count stays ready        |
| more of the wanted revision than wanted    | Drain: not ready ones first, then the youngest      |
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fairlead.core.model import Endpoint, Phase, Service
from fairlead.core.view import Intent, Seen


@dataclass(frozen=True, slots=True)
class Start:
    service: Service
    reason: str


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Begin to drain. `failed` says that it counts as a failed start, `shrink` that the platform's
    count is to fall with it."""

    endpoint: Endpoint
    reason: str
    failed: bool = False
    shrink: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    endpoint: Endpoint
    reason: str
    shrink: bool = False


@dataclass(frozen=True, slots=True)
class Forget:
    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class Abandon:
    """Give up the roll to this revision."""

    revision: str
    reason: str


@dataclass(frozen=True, slots=True)
class Resize:
    """Have the platform keep another count of the service's endpoints."""

    service: Service
    count: int
    reason: str


Change = Start | Withdraw | Stop | Forget | Abandon | Resize

ROLL_TRIES = 3
"""Failed starts in a row after which a roll is given up while older endpoints can serve."""
SETTLE = 0.005
"""Seconds after a withdrawal before an in-flight count of zero is believed: a worker that chose the
endpoint just before has counted its request by then."""


def plan(intent: Intent, seen: Sequence[Seen], now: float) -> tuple[Change, ...]:
    """The changes that bring one service nearer to what is wanted. `now` is monotonic seconds."""
    abandon = _abandon(intent, seen, now)
    if abandon is not None:
        return (*leavers(intent, seen, now), abandon)
    split = _Split.of(intent, seen)
    return (
        *leavers(intent, seen, now),
        *_overdue(intent, split, now),
        *_starts(intent, split, now),
        *_replaced(intent, split),
        *_surplus(intent, split),
    )


@dataclass(frozen=True, slots=True)
class _Split:
    """Living endpoints by what is to become of them: `new` are as wanted, `old` are to go."""

    new: tuple[Seen, ...]
    old: tuple[Seen, ...]

    @classmethod
    def of(cls, intent: Intent, seen: Sequence[Seen]) -> _Split:
        alive = [s for s in seen if s.alive]
        revision = intent.spec.revision
        new = tuple(s for s in alive if s.endpoint.revision == revision and s.leave is None)
        return cls(new, tuple(s for s in alive if s not in new))

    @property
    def ready_new(self) -> int:
        return sum(s.ready for s in self.new)

    @property
    def ready_old(self) -> int:
        return sum(s.ready for s in self.old)


def leavers(intent: Intent, seen: Sequence[Seen], now: float) -> Iterator[Change]:
    """The ends of drains, and what is left of those that have gone."""
    for s in seen:
        if s.endpoint.phase is Phase.EXITED:
            yield Forget(s.endpoint)
        elif s.endpoint.phase is Phase.STOPPING or s.drain is None or s.drain.awaited:
            continue
        else:
            done = _drained(s, intent.service.drain_timeout, now)
            if done:
                yield Stop(s.endpoint, done, s.drain.shrink)


def _drained(seen: Seen, timeout: float, now: float) -> str:
    """Why a draining endpoint may be stopped now, or empty."""
    drain = seen.drain
    if drain is None:
        return ""
    if drain.withdrawn is not None and now - drain.withdrawn >= SETTLE and seen.in_flight == 0:
        return "nothing in flight"
    if now - drain.since >= timeout:
        left = "an unknown number of" if seen.in_flight is None else str(seen.in_flight)
        return f"drain timeout of {timeout:g} s with {left} requests in flight"
    return ""


def _abandon(intent: Intent, seen: Sequence[Seen], now: float) -> Abandon | None:
    """A roll that does not get ready ends where an older revision can serve instead."""
    wanted = intent.service
    if wanted.fixed or intent.good is None or intent.rolled_back:
        return None
    if intent.good.revision == wanted.revision:
        return None
    if intent.backoff.failures >= ROLL_TRIES:
        last = f", last: {intent.backoff.last}" if intent.backoff.last else ""
        return Abandon(wanted.revision, f"{intent.backoff.failures} starts in a row failed{last}")
    late = next(
        (s for s in seen if s.endpoint.revision == wanted.revision and _late(s, wanted, now)), None
    )
    if late is None:
        return None
    why = late.health.problem or "no check passed"
    limit = wanted.health.start_timeout
    return Abandon(wanted.revision, f"{late.endpoint.id} was not ready after {limit:g} s: {why}")


def _late(seen: Seen, service: Service, now: float) -> bool:
    waited = now - seen.since
    return seen.alive and not seen.health.ever_up and waited >= service.health.start_timeout


def _overdue(intent: Intent, split: _Split, now: float) -> Iterator[Change]:
    """Endpoints that never got ready in their time make room for another try."""
    if intent.service.fixed:
        return
    for s in split.new:
        if _late(s, intent.spec, now):
            limit = intent.spec.health.start_timeout
            yield Withdraw(
                s.endpoint, f"not ready after {limit:g} s: {s.health.problem}", failed=True
            )


def _starts(intent: Intent, split: _Split, now: float) -> Iterator[Change]:
    service = intent.service
    missing = service.replicas - len(split.new)
    if service.fixed or missing <= 0 or intent.backoff.given_up or now < intent.backoff.not_before:
        return
    if not split.old:
        yield from (Start(intent.spec, _why_start(intent)) for _ in range(missing))
        return
    room = service.replicas + service.roll.surge - len(split.new) - len(split.old)
    pending = len(split.new) - split.ready_new
    count = min(missing, room, service.roll.parallel - pending)
    reason = split.old[0].leave.reason if split.old[0].leave else "roll to a new revision"
    yield from (Start(intent.spec, reason) for _ in range(count))


def _why_start(intent: Intent) -> str:
    if intent.backoff.failures:
        return f"try {intent.backoff.failures + 1} after a crash"
    return f"{intent.service.replicas} wanted"


def _replaced(intent: Intent, split: _Split) -> Iterator[Change]:
    """Old ones go as new ones get ready; those that serve nobody go at once."""
    floor = _floor(intent.service)
    spare = split.ready_new + split.ready_old - floor
    for s in sorted(split.old, key=lambda s: s.ready):
        urgent = s.leave is not None and s.leave.urgent
        if not s.ready and (split.ready_new + split.ready_old > 0 or not s.health.ever_up):
            yield Withdraw(s.endpoint, _why_leave(s))
        elif s.ready and (spare > 0 or (urgent and split.ready_new > 0)):
            spare -= 1
            yield Withdraw(s.endpoint, _why_leave(s))
        elif intent.service.replicas == 0:
            yield Withdraw(s.endpoint, _why_leave(s))


def _floor(service: Service) -> int:
    """How many stay ready through a roll: without a surge, room is made by taking old ones out."""
    if service.fixed:
        return 0
    return (
        service.replicas if service.roll.surge else max(0, service.replicas - service.roll.parallel)
    )


def _why_leave(seen: Seen) -> str:
    return seen.leave.reason if seen.leave else "replaced by a new revision"


def _surplus(intent: Intent, split: _Split) -> Iterator[Change]:
    service = intent.service
    surplus = len(split.new) - service.replicas
    if service.fixed or surplus <= 0:
        return
    newest_first = split.new[::-1]
    order = sorted(newest_first, key=lambda s: (s.ready, -s.endpoint.started))
    for s in order[:surplus]:
        yield Withdraw(s.endpoint, f"scale to {service.replicas}")
