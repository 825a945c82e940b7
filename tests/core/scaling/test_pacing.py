"""Steps, cooldowns and stabilisation, worked by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.scaling.pacing import Pacing
from fairlead.core.scaling.policy import Pace

FREE = Pace()


def changed(*moves: tuple[float, int]) -> Pacing:
    pacing = Pacing()
    for at, moved in moves:
        pacing.note(at, moved)
    return pacing


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_without_a_pace_all_is_allowed_at_once(wanted: int, asked: int) -> None:
    assert changed((0.0, 500)).within(1.0, wanted, asked, FREE) == (asked, "")


@pytest.mark.parametrize(
    ("pace", "wanted", "asked", "allowed"),
    [
        (Pace(most=4, percent=100.0), 3, 20, 7),  # four are more than three
        (Pace(most=4, percent=100.0), 10, 50, 20),  # ten are more than four
        (Pace(percent=50.0), 9, 20, 13),  # 4.5 are four
        (Pace(percent=10.0), 5, 20, 6),  # half an endpoint is one, or it would never move
        (Pace(percent=50.0), 9, 1, 5),
        (Pace(most=1), 9, 1, 8),
        (Pace(most=4), 3, 7, 7),
    ],
)
def test_a_step(pace: Pace, wanted: int, asked: int, allowed: int) -> None:
    assert Pacing().within(0.0, wanted, asked, pace)[0] == allowed


def test_percent_are_of_the_count_at_the_beginning_of_the_period() -> None:
    """From four to six a moment ago: of 100 % of four, two are left."""
    pacing = changed((100.0, 2))
    assert pacing.within(110.0, 6, 50, Pace(percent=100.0)) == (8, "at most 4 in 60 s")
    assert pacing.within(160.0, 6, 50, Pace(percent=100.0)) == (12, "at most 6 in 60 s")


def test_what_was_moved_more_than_the_pace_leaves_nothing() -> None:
    assert changed((0.0, 9)).within(10.0, 12, 20, Pace(most=2)) == (12, "at most 2 in 60 s")
    assert changed((0.0, -9)).within(10.0, 3, 1, Pace(most=2)) == (3, "at most 2 in 60 s")


def test_the_other_way_does_not_count() -> None:
    assert changed((0.0, -9)).within(10.0, 3, 5, Pace(most=2, cooldown=60.0)) == (5, "")


def test_a_cooldown_ends() -> None:
    pacing, pace = changed((0.0, 1), (30.0, 1), (40.0, -5)), Pace(cooldown=60.0)
    assert pacing.within(80.0, 4, 9, pace) == (4, "cooldown, 10 s more")
    assert pacing.within(90.0, 4, 9, pace) == (9, "")


def test_no_change_is_none() -> None:
    assert changed((0.0, 0)).within(1.0, 4, 9, Pace(cooldown=60.0)) == (9, "")


def test_a_clock_that_was_set_back_does_not_lengthen_a_cooldown() -> None:
    pacing = changed((1000.0, 3))
    assert pacing.within(10.0, 4, 9, Pace(cooldown=60.0)) == (9, "")
    assert pacing.within(10.0, 4, 9, Pace(most=2)) == (6, "at most 2 in 60 s")


def test_the_mildest_of_what_was_wanted_of_late() -> None:
    pacing, out, inward = Pacing(), Pace(stabilisation=20.0), Pace(stabilisation=60.0)
    wished = [(0, 6), (10, 2), (20, 9), (30, 9), (40, 9), (50, 3), (70, 3), (100, 3)]
    found = [pacing.steady(at, 4, desired, out, inward) for at, desired in wished]
    assert found == [6, 4, 4, 4, 9, 4, 4, 4]
    assert pacing.steady(101.0, 4, 3, out, inward) == 3


@given(
    st.lists(st.tuples(st.floats(0.0, 50.0), st.integers(0, 20), st.integers(0, 20))),
    st.integers(0, 100),
    st.integers(0, 100),
)
def test_a_steady_count_lies_between_that_of_now_and_what_is_desired(
    steps: list[tuple[float, int, int]], out: int, inward: int
) -> None:
    pacing, now = Pacing(), 0.0
    for pause, wanted, desired in steps:
        now += pause
        found = pacing.steady(
            now, wanted, desired, Pace(stabilisation=out), Pace(stabilisation=inward)
        )
        assert min(wanted, desired) <= found <= max(wanted, desired)


@given(
    st.lists(st.tuples(st.floats(0.0, 50.0), st.integers(0, 100)), max_size=50),
    st.integers(0, 5),
    st.sampled_from([0.0, 10.0, 100.0]),
    st.sampled_from([0.0, 30.0]),
)
def test_what_is_allowed_lies_on_the_way_and_never_beyond(
    steps: list[tuple[float, int]], most: int, percent: float, cooldown: float
) -> None:
    pacing, pace, wanted, now = Pacing(), Pace(most, percent, 60.0, cooldown), 50, 0.0
    for pause, asked in steps:
        now += pause
        allowed, why = pacing.within(now, wanted, asked, pace)
        assert min(wanted, asked) <= allowed <= max(wanted, asked)
        assert allowed == asked or why
        pacing.note(now, allowed - wanted)
        wanted = allowed
