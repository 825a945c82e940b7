from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.backoff import LONGEST_DELAY, STEADY, TRIES, Backoff, after_exit


def crash(backoff: Backoff, started: float, now: float, was_ready: bool = False) -> Backoff:
    return after_exit(backoff, started, now, was_ready=was_ready, why="exit 1")


def test_delays_double_and_the_last_try_gives_up_with_the_reason() -> None:
    backoff, now, delays = Backoff(), 0.0, []
    for _ in range(TRIES):
        backoff = crash(backoff, now, now)
        delays.append(backoff.not_before - now)
        now = backoff.not_before
    assert delays == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert "exit 1" in backoff.given_up


def test_a_long_and_useful_life_ends_the_row() -> None:
    backoff = crash(Backoff(failures=5, not_before=9.0), 0.0, STEADY, was_ready=True)
    assert (backoff.failures, backoff.not_before) == (0, 0.0)


def test_a_long_life_that_was_never_ready_does_not() -> None:
    assert crash(Backoff(failures=5), 0.0, 100.0).failures == 6


def test_endpoints_that_fall_together_count_once() -> None:
    first = crash(Backoff(), started=0.0, now=1.0)
    assert crash(first, started=0.5, now=1.01) == first
    assert crash(first, started=1.5, now=2.0).failures == 2


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100), st.booleans()), max_size=40))
def test_delays_stay_in_bounds_and_giving_up_is_for_rows_of_failures_only(
    lives: list[tuple[float, float, bool]],
) -> None:
    backoff, now = Backoff(), 0.0
    for wait, life, ready in lives:
        started = now + wait
        now = started + life
        backoff = crash(backoff, started, now, ready)
        assert backoff.failures >= 0
        assert backoff.not_before <= now + LONGEST_DELAY
        assert bool(backoff.given_up) == (backoff.failures >= TRIES)
