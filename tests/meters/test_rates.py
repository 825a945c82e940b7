from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.model import LATENCY_BOUNDS, Counters
from fairlead.meters.rates import above, between, percentile, total

BUCKETS = len(LATENCY_BOUNDS) + 1


def histogram(**counts: int) -> tuple[int, ...]:
    """`histogram(b3=10)`: ten answers in the bucket of that index."""
    return tuple(counts.get(f"b{at}", 0) for at in range(BUCKETS))


def test_arrivals_are_what_ended_and_what_more_is_in_flight() -> None:
    before = Counters(in_flight=3, requests=100, statuses=(0, 97, 0, 0, 2), failures=1)
    now = Counters(in_flight=8, requests=150, statuses=(0, 140, 0, 3, 4), failures=3)
    rates = between(before, now, 5.0)
    assert rates.arrivals == pytest.approx((50 + 5) / 5)
    assert rates.answers == pytest.approx((43 + 3 + 2) / 5)
    assert (rates.errors, rates.failures) == (pytest.approx(2 / 5), pytest.approx(2 / 5))


def test_counters_that_fell_began_anew_at_zero() -> None:
    before = Counters(in_flight=2, requests=1000, statuses=(0, 990, 0, 0, 10))
    rates = between(before, Counters(in_flight=1, requests=20, statuses=(0, 19, 0, 0, 1)), 10.0)
    assert rates.arrivals == pytest.approx(2.1)
    assert rates.errors == pytest.approx(0.1)


def test_one_bucket_that_fell_is_enough_to_see_that_they_began_anew() -> None:
    before = Counters(requests=10, latency=histogram(b2=9))
    now = Counters(requests=30, latency=histogram(b2=8, b3=22))
    assert sum(between(before, now, 1.0).latency) == 30


def test_an_agent_of_another_version_may_know_fewer_buckets() -> None:
    rates = between(Counters(latency=(1, 2)), Counters(latency=(1, 3, 4)), 1.0)
    assert rates.latency == (0, 1, 4)


@pytest.mark.parametrize(
    ("limit", "slow"),
    [(0.2, 60.0), (0.5, 10.0), (0.35, 35.0), (0.0, 100.0), (0.1, 100.0), (60.0, 10.0)],
)
def test_slow_answers_are_reckoned_within_the_bucket(limit: float, slow: float) -> None:
    """40 of 0.1 to 0.2 s, 50 of 0.2 to 0.5 s, 10 above all bounds."""
    latency = tuple(map(float, histogram(b7=40, b8=50, b15=10)))
    assert above(latency, limit) == pytest.approx(slow)


@pytest.mark.parametrize(
    ("share", "seconds"),
    [(0.4, 0.2), (0.2, 0.15), (0.65, 0.35), (0.9, 0.5), (0.95, 60.0), (1.0, 60.0), (0.0, 0.1)],
)
def test_percentiles(share: float, seconds: float) -> None:
    latency = tuple(map(float, histogram(b7=40, b8=50, b15=10)))
    assert percentile(latency, share) == pytest.approx(seconds)


def test_no_answers_have_no_percentile() -> None:
    assert percentile(histogram(), 0.95) is None
    assert percentile((), 0.95) is None


latencies = st.lists(st.integers(0, 1000), min_size=BUCKETS, max_size=BUCKETS)


@given(latencies, st.floats(0.01, 0.99))
def test_percentile_and_slow_agree(counts: list[int], share: float) -> None:
    """As many answers are slower than the percentile as it says."""
    answers = sum(counts)
    value = percentile(counts, share)
    if value is None:
        assert answers == 0
    elif value < LATENCY_BOUNDS[-1]:
        assert above(counts, value) == pytest.approx((1 - share) * answers, abs=1e-6 * answers)


@given(latencies, st.floats(0, 100), st.floats(0, 100))
def test_a_higher_limit_never_makes_more_slow(counts: list[int], a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert 0 <= above(counts, high) <= above(counts, low) <= sum(counts)


def test_totals_of_rows_of_unequal_length() -> None:
    rows = [
        between(Counters(), Counters(requests=4, latency=(1, 3)), 2.0),
        between(Counters(), Counters(requests=1, latency=(1, 0, 1)), 1.0),
    ]
    whole = total(rows)
    assert (whole.arrivals, whole.latency) == (3.0, (1.5, 1.5, 1.0))
