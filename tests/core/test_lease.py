from __future__ import annotations

from fairlead.core.lease import Lease, Watch, ends, given_back, renewed, to_take

HELD = Lease("a", 3, 7)


def test_one_that_is_free_or_ones_own_is_taken_at_once_with_a_new_epoch() -> None:
    assert to_take(Watch(Lease(), 0.0), "b", 0.0) == Lease("b", 1, 0)
    assert to_take(Watch(given_back(HELD), 0.0), "b", 0.0) == Lease("b", 4, 0)
    assert to_take(Watch(HELD, 0.0), "a", 0.0) == Lease("a", 4, 0)


def test_one_that_is_held_is_taken_when_it_was_not_renewed_for_its_duration() -> None:
    watch = Watch(HELD, 100.0)
    assert to_take(watch, "b", 109.9, 10.0) is None
    assert to_take(watch, "b", 110.0, 10.0) == Lease("b", 4, 0)


def test_a_renewal_begins_the_watch_anew() -> None:
    watch = Watch(HELD, 100.0)
    assert watch.see(HELD, 105.0) is watch
    assert watch.see(renewed(HELD), 105.0) == Watch(Lease("a", 3, 8), 105.0)


def test_its_holder_believes_it_over_before_anybody_takes_it() -> None:
    written = seen = 100.0
    assert to_take(Watch(HELD, seen), "b", ends(written, 10.0), 10.0) is None
