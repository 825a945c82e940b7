"""The largest of the last values, against the plain way to find it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.scaling.sliding import Highest

_STEPS = st.lists(st.tuples(st.integers(0, 20), st.integers(-5, 5)), min_size=1)


@given(st.integers(0, 60), _STEPS)
def test_it_is_the_largest_of_its_span(span: int, steps: list[tuple[int, int]]) -> None:
    highest, seen, now = Highest(span), [], 0
    for pause, value in steps:
        now += pause
        seen.append((now, value))
        largest = max(v for at, v in seen if now - at <= span)
        assert highest.add(now, value) == largest == highest.top


@given(st.integers(0, 60), st.lists(st.tuples(st.integers(-40, 20), st.integers(-5, 5))))
def test_a_clock_that_is_set_back_begins_anew(span: int, steps: list[tuple[int, int]]) -> None:
    highest, now = Highest(span), 1000
    seen: list[tuple[int, int]] = []
    for pause, value in steps:
        now += pause
        kept = [] if pause < 0 else [s for s in seen if now - span <= s[0]]
        seen = [*kept, (now, value)]
        assert highest.add(now, value) == max(v for _, v in seen)


def test_nothing_before_the_first() -> None:
    assert Highest(60.0).top is None


def test_a_span_that_shrinks_lets_go_at_the_next_value() -> None:
    highest = Highest(100.0)
    highest.add(0.0, 9.0)
    highest.add(50.0, 3.0)
    highest.span = 20.0
    assert highest.add(60.0, 1.0) == 3.0


def test_falling_values_are_all_kept_and_a_rise_lets_them_go() -> None:
    """What costs no more than it must: nothing that can never be the largest again stays."""
    highest = Highest(1000.0)
    for at in range(100):
        highest.add(float(at), float(-at))
    assert len(highest._kept) == 100
    highest.add(100.0, 1.0)
    assert len(highest._kept) == 1
