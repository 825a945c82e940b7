"""What a pass may not do, whatever it was told: a read that failed never empties a service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fairlead.core.model import Endpoint, Sighting
from fairlead.core.plan import Change, Withdraw
from fairlead.core.view import Intent, Seen


@dataclass(frozen=True, slots=True)
class Belief:
    """The endpoints held to be there, and those whose absence awaits a second read."""

    endpoints: Mapping[str, Endpoint]
    doubted: frozenset[str] = frozenset()
    problem: str = ""


def believe(belief: Belief, sighting: Sighting) -> Belief:
    """What to hold true after a read.

    A failed or partial read adds and updates, and removes nothing. A whole read that misses more
    than half of what was known (an empty answer above all) is believed when the next one agrees.
    """
    seen = {e.id: e for e in sighting.endpoints}
    if not sighting.complete:
        return Belief({**belief.endpoints, **seen}, belief.doubted, sighting.problem)
    missing = belief.endpoints.keys() - seen.keys()
    if 2 * len(missing) > len(belief.endpoints) and not missing <= belief.doubted:
        problem = (
            f"{len(missing)} of {len(belief.endpoints)} endpoints vanished at once; reading again"
        )
        return Belief({**belief.endpoints, **seen}, frozenset(missing), problem)
    return Belief(seen)


def permit(changes: Iterable[Change], intent: Intent, seen: Sequence[Seen]) -> tuple[Change, ...]:
    """The changes without the withdrawals that would leave a wanted service with nobody ready.

    Refused are only endpoints that serve now; the plan asks again when others are ready.
    """
    changes = tuple(changes)
    ready = {s.endpoint.id for s in seen if s.ready}
    leaving = {c.endpoint.id for c in changes if isinstance(c, Withdraw)} & ready
    if not ready or leaving != ready or _may_empty(intent):
        return changes
    return tuple(c for c in changes if not (isinstance(c, Withdraw) and c.endpoint.id in ready))


def _may_empty(intent: Intent) -> bool:
    service = intent.service
    return service.fixed or service.replicas == 0 or service.roll.surge == 0
