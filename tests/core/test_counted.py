"""The plan over a platform that keeps the count: a small world of it, driven by hypothesis."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.counted import plan_counted
from fairlead.core.guard import permit
from fairlead.core.health import Health
from fairlead.core.model import Container, Endpoint, Phase, Service
from fairlead.core.plan import Change, Forget, Resize, Stop, Withdraw
from fairlead.core.view import Drain, Intent, Leave, Seen

UP = Health(up=True, ever_up=True)
SERVICE = Service("catalog", replicas=2, container=Container(task_service="shop-catalog"))


def seen(number: int, health: Health = UP, phase: Phase = Phase.RUNNING, **more: object) -> Seen:
    place = ("10.0.0.1", 0 if phase is Phase.PENDING else 32000 + number)
    endpoint = Endpoint(
        f"catalog-{number}", "catalog", "n", *place, SERVICE.revision, phase, float(number)
    )
    return Seen(endpoint, health, **more)  # type: ignore[arg-type]


def wanting(replicas: int, kept: int | None) -> Intent:
    return Intent(replace(SERVICE, replicas=replicas), kept=kept)


def summary(changes: tuple[Change, ...]) -> list[object]:
    return [c.count if isinstance(c, Resize) else c.endpoint.id for c in changes]  # type: ignore[union-attr]


def test_an_unknown_count_is_not_moved() -> None:
    assert plan_counted(wanting(4, None), [seen(1), seen(2)], 0.0) == ()


def test_a_count_that_is_right_is_left_alone_however_many_there_are() -> None:
    """A deploy of the platform's own runs more copies than the count for a while."""
    assert plan_counted(wanting(2, 2), [seen(n) for n in range(4)], 0.0) == ()
    assert plan_counted(wanting(2, 2), [], 0.0) == ()


def test_a_larger_count_is_asked_for_once() -> None:
    changes = plan_counted(wanting(4, 2), [seen(1), seen(2)], 0.0)
    assert summary(changes) == [4]
    assert plan_counted(wanting(4, 4), [seen(1), seen(2)], 0.0) == ()


def test_scaling_in_drains_first_those_not_ready_then_the_youngest() -> None:
    all_ = [seen(1), seen(2), seen(3, Health(), Phase.PENDING), seen(4)]
    changes = plan_counted(wanting(2, 4), all_, 0.0)
    assert summary(changes) == ["catalog-3", "catalog-4"]
    assert all(isinstance(c, Withdraw) and c.shrink for c in changes)


def test_nobody_has_to_go_for_a_count_that_was_never_reached() -> None:
    changes = plan_counted(wanting(2, 5), [seen(1), seen(2)], 0.0)
    assert summary(changes) == [2]
    assert isinstance(changes[0], Resize)


def test_those_on_their_way_out_are_not_chosen_twice() -> None:
    leaving = Drain("scale to 2", 0.0, withdrawn=0.0, shrink=True)
    draining = seen(3, drain=leaving, in_flight=1)
    stopping = seen(4, phase=Phase.STOPPING, drain=leaving)
    lowered = wanting(2, 3)
    waits = replace(wanting(2, 4), departing=1)
    for intent in (lowered, waits):
        assert plan_counted(intent, [seen(1), seen(2), draining, stopping], 1.0) == ()
    ended = plan_counted(wanting(2, 3), [seen(1), seen(2), replace(draining, in_flight=0)], 1.0)
    assert [(c.endpoint.id, c.shrink) for c in ended if isinstance(c, Stop)] == [
        ("catalog-3", True)
    ]


def test_a_restart_raises_the_count_by_the_surge_and_takes_it_back_with_the_leaver() -> None:
    old = [seen(n, leave=Leave("restart")) for n in (1, 2)]
    assert summary(plan_counted(wanting(2, 2), old, 0.0)) == [3]
    waiting = [*old, seen(3, Health(), Phase.PENDING)]
    assert plan_counted(wanting(2, 3), waiting, 0.0) == ()
    changes = plan_counted(wanting(2, 3), [*old, seen(3)], 0.0)
    assert summary(changes) == ["catalog-1"]
    assert isinstance(changes[0], Withdraw)
    assert changes[0].shrink


def test_an_urgent_leaver_goes_at_once_when_another_is_ready() -> None:
    leaver = seen(1, leave=Leave("drained by command", urgent=True))
    changes = plan_counted(wanting(2, 2), [leaver, seen(2)], 0.0)
    assert summary(changes) == [3, "catalog-1"]
    assert isinstance(changes[1], Withdraw)
    assert changes[1].shrink, "else the count falls back while nobody is chosen to go with it"
    draining = seen(1, leave=leaver.leave, drain=Drain("", 0.0, shrink=True), in_flight=1)
    assert plan_counted(wanting(2, 3), [draining, seen(2), seen(3)], 1.0) == ()


def test_the_count_is_not_raised_while_the_platform_takes_some_away() -> None:
    """It would take the newcomer, of which it was not told that it is to stay."""
    old = seen(2, leave=Leave("restart"))
    drain = Drain("restart", 0.0, withdrawn=0.0, shrink=True)
    first = seen(1, leave=old.leave, drain=drain, in_flight=1)
    assert plan_counted(wanting(2, 3), [first, old, seen(3)], 1.0) == ()
    ended = plan_counted(wanting(2, 3), [replace(first, in_flight=0), old, seen(3)], 1.0)
    assert [type(c) for c in ended] == [Stop]
    gone = seen(1, phase=Phase.STOPPING, leave=old.leave, drain=drain)
    retiring = replace(wanting(2, 3), departing=1)
    assert plan_counted(retiring, [gone, old, seen(3)], 1.0) == ()
    assert summary(plan_counted(wanting(2, 2), [gone, old, seen(3)], 1.0)) == [3]


@dataclass
class World:
    """A platform that keeps `count`, places copies in its own time and loses some."""

    count: int = 2
    number: int = 2
    wanted: int = 2
    departing: set[str] = field(default_factory=set)
    all: list[Seen] = field(default_factory=lambda: [seen(1), seen(2)])

    @property
    def alive(self) -> list[Seen]:
        return [s for s in self.all if s.alive]

    def settle(self) -> None:
        """The platform works: it lowers the count or ends one that stops, places one that is
        missing, and one gets ready."""
        self._end_one()
        living = [s for s in self.all if s.endpoint.phase in (Phase.RUNNING, Phase.PENDING)]
        if len(living) + len(self.departing) < self.count:
            self.number += 1
            self.all.append(seen(self.number, Health(), Phase.PENDING))
        for at, s in enumerate(self.all):
            if s.endpoint.phase is Phase.PENDING and s.drain is None:
                self.all[at] = seen(int(s.endpoint.id.rpartition("-")[2]))
                return

    def _end_one(self) -> None:
        if self.departing:
            self.count -= 1
            self.departing.pop()
            return
        stopping = [s.endpoint for s in self.all if s.endpoint.phase is Phase.STOPPING]
        if stopping:
            gone = replace(stopping[0], phase=Phase.EXITED)
            self._put(gone.id, lambda s: replace(s, endpoint=gone))

    def crash(self, which: int) -> None:
        if self.alive:
            at = self.all.index(self.alive[which % len(self.alive)])
            s = self.all[at]
            self.all[at] = replace(s, endpoint=replace(s.endpoint, phase=Phase.EXITED))

    def happen(self, kind: str, number: int) -> None:
        if kind == "want":
            self.wanted = number
        elif kind == "crash":
            self.crash(number)
        elif kind == "settle":
            self.settle()
        elif kind == "restart":
            self.all = [replace(s, leave=Leave("restart")) for s in self.all]

    def step(self, now: float) -> bool:
        intent = replace(wanting(self.wanted, self.count), departing=len(self.departing))
        changes = permit(plan_counted(intent, self.all, now), intent, self.all)
        for change in changes:
            self._do(change, now)
        return bool(changes)

    def _do(self, change: Change, now: float) -> None:
        match change:
            case Resize(_, count, _):
                self.count = count
            case Withdraw(endpoint, reason):
                drain = Drain(reason, now, now, change.shrink)
                self._put(endpoint.id, lambda s: replace(s, drain=drain, in_flight=0))
            case Stop(endpoint):
                going = replace(endpoint, phase=Phase.STOPPING)
                self._put(endpoint.id, lambda s: replace(s, endpoint=going))
                if change.shrink:
                    self.departing.add(endpoint.id)
            case Forget(endpoint):
                self.all = [s for s in self.all if s.endpoint.id != endpoint.id]

    def _put(self, key: str, change: object) -> None:
        self.all = [change(s) if s.endpoint.id == key else s for s in self.all]  # type: ignore[operator]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("want"), st.integers(0, 5)),
        st.tuples(st.just("crash"), st.integers(0, 4)),
        st.tuples(st.sampled_from(["settle", "pass", "restart"]), st.just(0)),
    ),
    max_size=30,
)


@given(STEPS)
def test_whatever_happens_the_count_comes_to_what_is_wanted(steps: list[tuple[str, int]]) -> None:
    world = World()
    now = 0.0
    for kind, number in steps:
        now += 1.0
        world.happen(kind, number)
        ready = sum(s.ready for s in world.all)
        world.step(now)
        assert world.count >= 0
        if ready and world.wanted:
            assert any(s.ready for s in world.all)
    for _ in range(200):
        now += 1.0
        world.settle()
        if not world.step(now) and world.count == world.wanted == len(world.alive):
            return
    raise AssertionError(f"never settles: {world}")
