"""The plan for services whose platform keeps their count by itself: it starts and replaces copies.

Here only the count is moved, and who goes when it falls is chosen: drained first, then retired.

| case                                        | change                                             |
| ------------------------------------------- | -------------------------------------------------- |
| draining, withdrawn, nothing in flight      | Stop; one that shrinks the count takes it along    |
| the count is below what is wanted           | Resize                                             |
| the count is above, and so are the copies   | Drain: not ready ones first, then the youngest     |
| the count is above, the copies are not      | Resize: nobody has to go                           |
| the platform is just taking some away       | the count waits until it has fallen for them       |
| asked to leave (restart, drain)             | the count is raised by the surge; a leaver drains  |
|                                             | once others are ready, and takes the surge along   |
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fairlead.core.model import Phase
from fairlead.core.plan import Change, Resize, Stop, Withdraw, leavers
from fairlead.core.view import Intent, Seen


def plan_counted(intent: Intent, seen: Sequence[Seen], now: float) -> tuple[Change, ...]:
    """The changes for one service; of a platform whose count is unknown only drains are ended."""
    ended = tuple(leavers(intent, seen, now))
    if intent.kept is None:
        return ended
    alive = [s for s in seen if s.alive]
    going = [s for s in alive if s.leave is not None]
    busy = intent.departing or any(isinstance(c, Stop) and c.shrink for c in ended)
    moved = () if busy else _moved(intent, seen, alive, len(going))
    return (*ended, *moved, *_replaced(intent, seen, going))


def _moved(
    intent: Intent, seen: Sequence[Seen], alive: Sequence[Seen], going: int
) -> Iterator[Change]:
    """Not while the platform takes some away: for that it tells the others apart, and whoever came
    meanwhile would not be among them."""
    service, leaving = intent.service, shrinking(intent, seen)
    target = service.replicas + min(going, service.roll.surge)
    floor = _floor(intent, leaving, going)
    count = (intent.kept or 0) - leaving
    spare = len(alive) - target
    if count < floor:
        yield Resize(service, floor + leaving, _why(intent, floor))
    elif count > target and spare > 0 and not going:
        for s in _victims(alive)[: min(spare, count - target)]:
            yield Withdraw(s.endpoint, f"scale to {service.replicas}", shrink=True)
    elif count > target and spare <= 0:
        yield Resize(service, target + leaving, _why(intent, target))


def _floor(intent: Intent, leaving: int, going: int) -> int:
    """What the count is raised to. A surge comes when nobody is on the way out with one: a copy
    that has just been started is the first that a platform would take for it."""
    surge = 0 if leaving else min(going, intent.service.roll.surge)
    return intent.service.replicas + surge


def _why(intent: Intent, target: int) -> str:
    surge = target - intent.service.replicas
    return f"{intent.service.replicas} wanted" + (f", and {surge} to replace others" * bool(surge))


def shrinking(intent: Intent, seen: Sequence[Seen]) -> int:
    """By how much the kept count is going to fall: drained ones that are still to be retired, and
    those that the platform is retiring now. Once it has lowered the count for one that is still
    stopping, that one counts no more."""
    present = (s for s in seen if s.endpoint.phase in (Phase.RUNNING, Phase.PENDING))
    return intent.departing + sum(1 for s in present if s.drain is not None and s.drain.shrink)


def _victims(alive: Sequence[Seen]) -> list[Seen]:
    return sorted(alive, key=lambda s: (s.ready, -s.endpoint.started))


def _replaced(intent: Intent, seen: Sequence[Seen], going: Sequence[Seen]) -> Iterator[Change]:
    """Leavers go as far as the wanted count stays ready; those that serve nobody go at once.

    They take the surge along, also the one that is asked for in this very pass: otherwise the
    platform itself would have to choose who goes when it is taken back.
    """
    ready = sum(s.ready for s in seen)
    spare = ready - intent.service.replicas
    leaving = shrinking(intent, seen)
    count = (intent.kept or 0) - leaving
    surge = max(count, _floor(intent, leaving, len(going))) - intent.service.replicas
    for s in sorted(going, key=lambda s: s.ready):
        if s.ready and spare <= 0 and not (_urgent(s) and ready > 1):
            continue
        spare -= s.ready
        ready -= s.ready
        yield Withdraw(s.endpoint, s.leave.reason if s.leave else "", shrink=surge > 0)
        surge -= 1


def _urgent(seen: Seen) -> bool:
    return seen.leave is not None and seen.leave.urgent
