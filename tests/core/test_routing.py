from __future__ import annotations

from dataclasses import replace

import pytest

from fairlead.core.backoff import Backoff
from fairlead.core.health import Health
from fairlead.core.model import Endpoint, EntryState, Phase, Route, Service
from fairlead.core.routing import table
from fairlead.core.view import Drain, Intent, Seen

SERVICE = Service("catalog", (Route("catalog.localhost"),), replicas=2, run=("app",))
UP = Health(up=True, ever_up=True, ready_at=12.5)
SICK = Health(up=False, ever_up=True)


def seen(number: int, health: Health = UP, phase: Phase = Phase.RUNNING, **more: object) -> Seen:
    found = Endpoint(f"c-{number}", "catalog", "local", "127.0.0.1", number, phase=phase)
    return Seen(found, health, **more)  # type: ignore[arg-type]


def states(*copies: Seen) -> dict[str, EntryState]:
    return {e.id: e.state for e in table(Intent(SERVICE), copies).entries}


def test_an_endpoint_is_listed_from_its_first_passed_check() -> None:
    assert states(seen(1, Health())) == {}
    (entry,) = table(Intent(SERVICE), [seen(1)]).entries
    assert (entry.state, entry.ready_at) == (EntryState.UP, 12.5)


def test_sick_draining_and_stopping_ones_get_nothing_but_keep_their_place() -> None:
    assert states(
        seen(1),
        seen(2, SICK),
        seen(3, drain=Drain("scale", 0.0)),
        seen(4, phase=Phase.STOPPING),
        seen(5, phase=Phase.EXITED),
    ) == {
        "c-1": EntryState.UP,
        "c-2": EntryState.DOWN,
        "c-3": EntryState.DRAINING,
        "c-4": EntryState.DRAINING,
    }


def test_when_all_are_sick_all_stay_up_but_the_draining() -> None:
    assert states(seen(1, SICK), seen(2, SICK), seen(3, drain=Drain("scale", 0.0))) == {
        "c-1": EntryState.UP,
        "c-2": EntryState.UP,
        "c-3": EntryState.DRAINING,
    }


@pytest.mark.parametrize(
    ("intent", "copies", "holds"),
    [
        (Intent(SERVICE), [], True),
        (Intent(replace(SERVICE, replicas=0)), [], False),
        (Intent(SERVICE, backoff=Backoff(given_up="crash loop")), [], False),
        (Intent(SERVICE, backoff=Backoff(given_up="crash loop")), [seen(1, Health())], True),
    ],
)
def test_requests_are_held_only_where_an_endpoint_may_come(
    intent: Intent, copies: list[Seen], holds: bool
) -> None:
    assert (table(intent, copies).traffic.hold > 0) == holds
