"""The plan in a small world: endpoints start, get ready, crash and end as hypothesis likes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.backoff import Backoff
from fairlead.core.guard import permit
from fairlead.core.health import Health
from fairlead.core.model import Endpoint, FixedEndpoint, Phase, Roll, Service
from fairlead.core.plan import Abandon, Change, Forget, Start, Stop, Withdraw, plan
from fairlead.core.view import Drain, Intent, Leave, Seen

UP = Health(up=True, ever_up=True)
SICK = Health(up=False, ever_up=True, problem="status 503")
SERVICE = Service("catalog", replicas=2, run=("app",))
OLD = Service("catalog", replicas=2, run=("old-app",))


def endpoint(number: int, service: Service = SERVICE, phase: Phase = Phase.RUNNING) -> Endpoint:
    return Endpoint(
        f"catalog-{number}",
        "catalog",
        "local",
        "127.0.0.1",
        20000 + number,
        service.revision,
        phase,
    )


def seen(number: int, service: Service = SERVICE, health: Health = UP, **more: object) -> Seen:
    return Seen(endpoint(number, service), health, **more)  # type: ignore[arg-type]


def kinds(changes: tuple[Change, ...]) -> list[str]:
    return [type(c).__name__ for c in changes]


def withdrawn(changes: tuple[Change, ...]) -> set[str]:
    return {c.endpoint.id for c in changes if isinstance(c, Withdraw)}


def test_a_new_service_starts_all_its_endpoints_at_once() -> None:
    assert kinds(plan(Intent(SERVICE), [], 0)) == ["Start", "Start"]


def test_nothing_changes_when_all_is_as_wanted() -> None:
    assert plan(Intent(SERVICE), [seen(1), seen(2)], 0) == ()


def test_a_crashed_endpoint_is_forgotten_and_replaced_in_one_pass() -> None:
    dead = replace(seen(1), endpoint=endpoint(1, phase=Phase.EXITED))
    assert kinds(plan(Intent(SERVICE), [dead, seen(2)], 0)) == ["Forget", "Start"]


def test_nothing_starts_during_a_back_off_nor_after_giving_up() -> None:
    waiting = Intent(SERVICE, backoff=Backoff(failures=1, not_before=5.0))
    assert plan(waiting, [], 4.9) == ()
    assert kinds(plan(waiting, [], 5.0)) == ["Start", "Start"]
    assert plan(Intent(SERVICE, backoff=Backoff(given_up="crash loop")), [], 99) == ()


def test_scale_in_takes_endpoints_that_are_not_ready_first_then_the_youngest() -> None:
    one = replace(SERVICE, replicas=2)
    copies = [
        replace(seen(1), endpoint=replace(endpoint(1), started=1.0)),
        replace(seen(2), endpoint=replace(endpoint(2), started=3.0)),
        replace(seen(3), endpoint=replace(endpoint(3), started=2.0)),
        seen(4, health=Health()),
    ]
    assert withdrawn(plan(Intent(one), copies, 10)) == {"catalog-4", "catalog-2"}


@pytest.mark.parametrize(
    ("drain", "in_flight", "now", "stops"),
    [
        (Drain("scale", 0.0, None), 0, 1.0, False),
        (Drain("scale", 0.0, 1.0), 0, 1.001, False),
        (Drain("scale", 0.0, 1.0), 0, 1.01, True),
        (Drain("scale", 0.0, 1.0), 3, 2.0, False),
        (Drain("scale", 0.0, 1.0), None, 2.0, False),
        (Drain("scale", 0.0, 1.0), 3, 30.0, True),
        (Drain("scale", 0.0, None), None, 30.0, True),
    ],
)
def test_a_draining_endpoint_stops_when_nothing_is_in_flight_or_time_is_up(
    drain: Drain, in_flight: int | None, now: float, stops: bool
) -> None:
    changes = plan(
        Intent(SERVICE), [seen(1), seen(2), seen(3, drain=drain, in_flight=in_flight)], now
    )
    assert [c.endpoint.id for c in changes if isinstance(c, Stop)] == ["catalog-3"] * stops


def test_a_roll_starts_new_ones_first_within_surge_and_parallelism() -> None:
    old = [seen(1, OLD), seen(2, OLD)]
    assert kinds(plan(Intent(SERVICE, good=OLD), old, 0)) == ["Start"]
    wide = replace(SERVICE, roll=Roll(surge=2, parallel=2))
    assert kinds(plan(Intent(wide, good=OLD), old, 0)) == ["Start", "Start"]


def test_a_roll_drains_an_old_one_when_a_new_one_is_ready() -> None:
    changes = plan(Intent(SERVICE, good=OLD), [seen(1, OLD), seen(2, OLD), seen(3)], 0)
    assert len(withdrawn(changes)) == 1
    assert withdrawn(changes) < {"catalog-1", "catalog-2"}
    starting = seen(3, health=Health())
    assert plan(Intent(SERVICE, good=OLD), [seen(1, OLD), seen(2, OLD), starting], 0) == ()


def test_without_surge_room_is_made_by_taking_an_old_one_out() -> None:
    tight = replace(SERVICE, roll=Roll(surge=0, parallel=1))
    assert kinds(plan(Intent(tight, good=OLD), [seen(1, OLD), seen(2, OLD)], 0)) == ["Withdraw"]


def test_a_roll_whose_new_endpoints_crash_is_abandoned() -> None:
    intent = Intent(SERVICE, good=OLD, backoff=Backoff(failures=3))
    changes = plan(intent, [seen(1, OLD), seen(2, OLD)], 0)
    assert [c.revision for c in changes if isinstance(c, Abandon)] == [SERVICE.revision]


def test_a_roll_whose_new_endpoint_is_never_ready_is_abandoned_with_the_reason() -> None:
    late = seen(3, health=Health(problem="status 500"), since=0.0)
    limit = SERVICE.health.start_timeout
    old = [seen(1, OLD), seen(2, OLD)]
    assert plan(Intent(SERVICE, good=OLD), [*old, late], limit - 1) == ()
    (abandon,) = plan(Intent(SERVICE, good=OLD), [*old, late], limit)
    assert isinstance(abandon, Abandon)
    assert "status 500" in abandon.reason


def test_after_an_abandoned_roll_the_old_ones_stay_and_the_new_ones_go() -> None:
    intent = Intent(SERVICE, good=OLD, failed=SERVICE.revision)
    broken = seen(3, health=Health(problem="status 500"))
    changes = plan(intent, [seen(1, OLD), seen(2, OLD), broken], 0)
    assert withdrawn(changes) == {"catalog-3"}
    (start,) = plan(intent, [seen(1, OLD)], 0)
    assert isinstance(start, Start)
    assert start.service.revision == OLD.revision


def test_a_first_start_that_never_gets_ready_is_drained_and_counts_as_a_failure() -> None:
    late = seen(1, health=Health(problem="refused"), since=0.0)
    changes = plan(Intent(replace(SERVICE, replicas=1)), [late], 500)
    (withdraw,) = (c for c in changes if isinstance(c, Withdraw))
    assert withdraw.failed


def test_an_urgent_leaver_goes_at_once_when_another_is_ready() -> None:
    leaver = seen(1, leave=Leave("drained by command", urgent=True))
    changes = plan(Intent(SERVICE), [leaver, seen(2)], 0)
    assert withdrawn(changes) == {"catalog-1"}
    assert kinds(changes).count("Start") == 1


def test_the_last_ready_endpoint_waits_for_its_successor_however_urgent() -> None:
    one = replace(SERVICE, replicas=1)
    leaver = seen(1, leave=Leave("drained by command", urgent=True))
    assert kinds(plan(Intent(one), [leaver], 0)) == ["Start"]
    assert withdrawn(plan(Intent(one), [leaver, seen(2)], 0)) == {"catalog-1"}


def test_a_fixed_service_drains_what_left_its_settings_and_starts_nothing() -> None:
    fixed = Service("catalog", replicas=1, endpoints=(FixedEndpoint("10.0.0.5", 80),))
    stays = seen(1, fixed)
    gone = replace(seen(2), endpoint=replace(endpoint(2), revision=""))
    assert withdrawn(plan(Intent(fixed), [stays, gone], 0)) == {"catalog-2"}


# A world ------------------------------------------------------------------------------------------


@dataclass
class World:
    """Does what the plan says, as a platform, a checker and a proxy would."""

    intent: Intent
    now: float = 0.0
    number: int = 0
    copies: dict[str, Seen] = field(default_factory=dict)

    def step(self) -> tuple[Change, ...]:
        self.now += 0.1
        seen_now = tuple(self.copies.values())
        changes = permit(plan(self.intent, seen_now, self.now), self.intent, seen_now)
        for change in changes:
            self._do(change)
        return changes

    def _do(self, change: Change) -> None:
        match change:
            case Start(service=service):
                self.number += 1
                new = endpoint(self.number, service)
                self.copies[new.id] = Seen(new, since=self.now)
            case Withdraw(endpoint=e, reason=reason):
                drain = Drain(reason, self.now, self.now)
                self.copies[e.id] = replace(self.copies[e.id], drain=drain, in_flight=0)
            case Stop(endpoint=e) | Forget(endpoint=e):
                del self.copies[e.id]
            case Abandon(revision=revision):
                self.intent = replace(self.intent, failed=revision, backoff=Backoff())

    def every(self, service: Service, health: Health) -> None:
        for key, s in self.copies.items():
            if s.endpoint.revision == service.revision and s.alive:
                self.copies[key] = replace(s, health=health)

    def crash(self, index: int) -> None:
        if self.copies:
            key = sorted(self.copies)[index % len(self.copies)]
            s = self.copies[key]
            self.copies[key] = replace(s, endpoint=replace(s.endpoint, phase=Phase.EXITED))

    @property
    def ready(self) -> int:
        return sum(s.ready for s in self.copies.values())


counts = st.integers(0, 6)
rolls = st.builds(Roll, surge=st.integers(1, 3), parallel=st.integers(1, 3))


@given(before=counts, after=counts, roll=rolls, same=st.booleans())
def test_any_change_of_count_and_revision_converges_and_never_serves_with_fewer(
    before: int, after: int, roll: Roll, same: bool
) -> None:
    world = World(Intent(replace(OLD, replicas=before)))
    world.step()
    world.every(OLD, UP)
    wanted = replace(OLD if same else SERVICE, replicas=after, roll=roll)
    world.intent = Intent(wanted, good=OLD)
    least = min(before, after)
    for _ in range(60):
        world.step()
        assert world.ready >= least
        alive = sum(s.alive for s in world.copies.values())
        assert alive <= max(before, after + roll.surge)
        world.every(wanted, UP)
    assert world.ready == len(world.copies) == after
    assert all(s.endpoint.revision == wanted.revision for s in world.copies.values())
    assert world.step() == ()


@given(replicas=st.integers(1, 5), crashes=st.lists(st.integers(0, 9), max_size=12))
def test_crashes_are_made_good(replicas: int, crashes: list[int]) -> None:
    service = replace(SERVICE, replicas=replicas)
    world = World(Intent(service))
    for index in crashes:
        world.step()
        world.every(service, UP)
        world.crash(index)
    for _ in range(5):
        world.step()
        world.every(service, UP)
    assert world.ready == len(world.copies) == replicas


@given(
    replicas=st.integers(1, 5), roll=rolls, leavers=st.sets(st.integers(1, 5)), urgent=st.booleans()
)
def test_leavers_are_replaced_and_one_at_least_serves(
    replicas: int, roll: Roll, leavers: set[int], urgent: bool
) -> None:
    service = replace(SERVICE, replicas=replicas, roll=roll)
    world = World(Intent(service))
    world.step()
    world.every(service, UP)
    for key in [f"catalog-{n}" for n in leavers if n <= replicas]:
        world.copies[key] = replace(world.copies[key], leave=Leave("by command", urgent))
    for _ in range(60):
        world.step()
        assert world.ready >= (1 if urgent else replicas)
        world.every(service, UP)
    assert world.ready == len(world.copies) == replicas
    assert not any(s.leave for s in world.copies.values())


@given(replicas=st.integers(1, 5), roll=rolls)
def test_a_broken_roll_leaves_the_old_endpoints_serving(replicas: int, roll: Roll) -> None:
    old, new = replace(OLD, replicas=replicas), replace(SERVICE, replicas=replicas, roll=roll)
    world = World(Intent(old))
    world.step()
    world.every(old, UP)
    world.intent = Intent(new, good=old)
    for _ in range(40):
        world.step()
        assert world.ready == replicas
        world.every(new, Health(problem="status 500"))
        world.now += 10
    assert world.intent.rolled_back
    assert len(world.copies) == replicas


sick_or_not = st.lists(st.sampled_from([UP, SICK, Health()]), max_size=6)


@given(replicas=counts, healths=sick_or_not, revisions=st.lists(st.booleans(), max_size=6))
def test_no_plan_ever_withdraws_every_ready_endpoint_of_a_wanted_service(
    replicas: int, healths: list[Health], revisions: list[bool]
) -> None:
    copies = [
        seen(n, OLD if old else SERVICE, health)
        for n, (health, old) in enumerate(zip(healths, revisions, strict=False))
    ]
    intent = Intent(replace(SERVICE, replicas=replicas), good=OLD)
    changes = plan(intent, copies, 1.0)
    ready = {s.endpoint.id for s in copies if s.ready}
    if replicas and ready:
        assert not ready <= withdrawn(changes)
