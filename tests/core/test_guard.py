from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.guard import Belief, believe, permit
from fairlead.core.health import Health
from fairlead.core.model import Endpoint, Service, Sighting
from fairlead.core.plan import Start, Withdraw
from fairlead.core.view import Intent, Seen

SERVICE = Service("catalog", replicas=2, run=("app",))


def endpoints(*numbers: int) -> tuple[Endpoint, ...]:
    return tuple(Endpoint(f"c-{n}", "catalog", "local", "127.0.0.1", n) for n in numbers)


def belief(*numbers: int) -> Belief:
    return Belief({e.id: e for e in endpoints(*numbers)})


def test_a_failed_read_removes_nothing_and_is_told() -> None:
    after = believe(belief(1, 2, 3), Sighting((), complete=False, problem="timed out"))
    assert set(after.endpoints) == {"c-1", "c-2", "c-3"}
    assert after.problem == "timed out"


def test_a_partial_read_adds_and_updates_and_removes_nothing() -> None:
    moved = replace(endpoints(1)[0], port=99)
    after = believe(belief(1, 2), Sighting((moved, *endpoints(3)), complete=False))
    assert set(after.endpoints) == {"c-1", "c-2", "c-3"}
    assert after.endpoints["c-1"].port == 99


def test_an_empty_answer_is_believed_when_it_comes_twice() -> None:
    once = believe(belief(1, 2), Sighting(()))
    assert set(once.endpoints) == {"c-1", "c-2"}
    assert "vanished" in once.problem
    assert believe(once, Sighting(())).endpoints == {}


def test_a_doubt_is_over_when_the_next_read_shows_them_again() -> None:
    once = believe(belief(1, 2), Sighting(()))
    again = believe(once, Sighting(endpoints(1, 2)))
    assert again == belief(1, 2)


def test_a_minority_may_go_at_once() -> None:
    assert set(believe(belief(1, 2, 3), Sighting(endpoints(1, 2))).endpoints) == {"c-1", "c-2"}


numbers = st.sets(st.integers(1, 6))


@given(known=numbers, reads=st.lists(st.tuples(numbers, st.booleans()), max_size=6))
def test_no_single_read_takes_more_than_half(
    known: set[int], reads: list[tuple[set[int], bool]]
) -> None:
    now = belief(*known)
    for present, complete in reads:
        before, now = now, believe(now, Sighting(endpoints(*present), complete))
        lost = before.endpoints.keys() - now.endpoints.keys()
        assert not lost or complete
        assert 2 * len(lost) <= len(before.endpoints) or lost <= before.doubted
        assert {f"c-{n}" for n in present} <= now.endpoints.keys()


def ready(number: int, up: bool = True) -> Seen:
    return Seen(endpoints(number)[0], Health(up=up, ever_up=up))


def test_withdrawals_that_would_leave_nobody_ready_are_refused_others_pass() -> None:
    seen = [ready(1), ready(2), ready(3, up=False)]
    changes = (*(Withdraw(e, "why") for e in endpoints(1, 2, 3)), Start(SERVICE, "why"))
    allowed = permit(changes, Intent(SERVICE), seen)
    assert [c.endpoint.id for c in allowed if isinstance(c, Withdraw)] == ["c-3"]
    assert any(isinstance(c, Start) for c in allowed)


def test_a_service_scaled_to_zero_may_be_emptied() -> None:
    changes = tuple(Withdraw(e, "why") for e in endpoints(1, 2))
    intent = Intent(replace(SERVICE, replicas=0))
    assert permit(changes, intent, [ready(1), ready(2)]) == changes


def test_some_may_go_while_another_stays_ready() -> None:
    changes = (Withdraw(endpoints(1)[0], "why"),)
    assert permit(changes, Intent(SERVICE), [ready(1), ready(2)]) == changes
