"""What idle times teach: worked examples, and what holds for any of them."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.scaling.idle import (
    ENOUGH,
    GRAIN,
    KEPT,
    LOOSE,
    SHORTEST,
    UNKNOWN,
    WORTH,
    Idle,
    Span,
    heard,
    is_warm,
    recalled,
    spans,
)

START = 20.0
GAPS = st.lists(st.floats(SHORTEST + 0.1, 1e6), max_size=KEPT)


def test_before_enough_is_known_it_is_kept_for_a_fixed_time() -> None:
    assert spans((), START) == (Span(0.0, UNKNOWN),)
    assert spans((3600.0,) * (ENOUGH - 1), START) == (Span(0.0, UNKNOWN),)


def test_what_comes_every_hour_sleeps_at_once_and_is_warm_just_before() -> None:
    keep, again = spans((3600.0,) * 10, START)
    assert keep == Span(0.0, SHORTEST)
    assert again == Span(3600.0 - GRAIN - START, 3600.0 + GRAIN)


def test_what_comes_at_two_distances_is_warm_for_both() -> None:
    found = spans((1800.0, 5400.0) * 8, START)
    assert [is_warm(found, t) for t in (30, 900, 1799, 3600, 5399, 7200)] == [
        True, False, True, False, True, False,
    ]  # fmt: skip


def test_what_comes_soon_most_times_is_kept_that_long() -> None:
    """Nine in ten within 5 min: it is kept for them, and not for the tenth."""
    gaps = (*(100.0 + 20 * n for n in range(9)), 90_000.0)
    (keep,) = spans(gaps, START)
    assert 260 < keep.end < 320


def test_chance_is_not_worth_waiting_for() -> None:
    """Idle times without a rule, of an hour on average: no second of them is worth its price."""
    draw = Random(5)
    gaps = tuple(SHORTEST + draw.expovariate(1 / 14_400) for _ in range(KEPT))
    warm = sum(end - begin for begin, end in spans(gaps, START))
    assert warm < 2 * WORTH


@given(GAPS, st.floats(0.1, 600), st.floats(1, 10_000))
def test_spans_are_in_order_apart_and_begin_with_the_keep_alive(
    gaps: list[float], start: float, worth: float
) -> None:
    found = spans(gaps, start, worth)
    assert found[0].begin == 0.0
    assert found[0].end >= SHORTEST
    assert all(begin < end for begin, end in found)
    assert all(a.end < b.begin for a, b in pairwise(found))
    assert len(found) <= KEPT + 1


def earned(gaps: list[float], found: tuple[Span, ...], start: float) -> float:
    """What those spans would have earned with these idle times again."""
    met = sum(any(b + (start if b else 0) <= g <= e for b, e in found) for g in gaps)
    warm = sum(max(0.0, min(e, g) - b) for g in gaps for b, e in found)
    return met * (WORTH + start) - warm


@given(st.lists(st.floats(SHORTEST + 1, 30_000), min_size=ENOUGH, max_size=12))
def test_no_keep_alive_alone_would_have_earned_more(gaps: list[float]) -> None:
    found = earned(gaps, spans(gaps, START), START)
    best = max(earned(gaps, (Span(0.0, end),), START) for end in (SHORTEST, *gaps))
    reach = len(gaps) * (GRAIN + LOOSE * max(gaps))  # by which a span ends after what was seen
    assert found >= best - reach


def test_an_idle_time_is_from_the_last_request_to_the_next() -> None:
    idle = heard(Idle(), 1000.0, busy=True)
    for now in (1005.0, 1500.0, 1600.0):
        idle = heard(idle, now, busy=False)
    assert idle == Idle((), 1000.0)
    idle = heard(idle, 1700.0, busy=True)
    assert idle == Idle((700.0,), 1700.0)
    assert heard(idle, 1730.0, busy=True) == Idle((700.0,), 1730.0)


def test_memory_is_bounded_and_a_clock_that_was_set_back_teaches_nothing() -> None:
    idle = Idle()
    for n in range(200):
        idle = heard(idle, n * 1000.0, busy=True)
    assert idle.gaps == (1000.0,) * KEPT
    assert heard(idle, 5.0, busy=True) == Idle(idle.gaps, 5.0)


@pytest.mark.parametrize("gaps", [(1e308,) * 8, (float("inf"),) * 8])
def test_idle_times_beyond_all_measure_keep_nobody_awake(gaps: tuple[float, ...]) -> None:
    assert not is_warm(spans(gaps, START), 7 * 86_400)


def test_idle_times_are_recalled_from_requests_a_minute() -> None:
    busy = {0: 3, 60: 1, 1800: 2, 5400: 1}
    minutes = [(1_000_000 + at, busy.get(at, 0)) for at in range(0, 7200, 60)]
    assert recalled(minutes) == Idle((1740.0, 3600.0), None)
    assert recalled([]) == Idle()


def test_what_lies_over_minutes_that_nobody_counted_is_no_idle_time() -> None:
    minutes = [(at, int(at in (600, 1800, 6000))) for at in range(600, 6060, 60) if at != 3000]
    assert recalled(minutes).gaps == (1200.0,)


def test_no_more_is_recalled_than_is_kept() -> None:
    minutes = [(at, int(at % 300 == 0)) for at in range(300, 300 * 500, 60)]
    assert recalled(minutes).gaps == (300.0,) * KEPT
