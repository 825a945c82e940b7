from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fairlead.aws.pace import BURST, RATE, Pace, backoff


def test_a_burst_goes_at_once_and_the_rest_at_the_rate() -> None:
    pace = Pace(rate=10, burst=4)
    assert [pace.take("a", 0.0) for _ in range(4)] == [0.0] * 4
    assert [round(pace.take("a", 0.0), 3) for _ in range(3)] == [0.1, 0.2, 0.3]
    assert pace.take("a", 10.0) == 0.0


@given(st.lists(st.floats(0, 0.2), min_size=60, max_size=200))
def test_no_second_has_more_calls_than_the_burst_and_the_rate(gaps: list[float]) -> None:
    pace, now, made = Pace(), 0.0, []
    for gap in gaps:
        now += gap
        made.append(now + pace.take("a", now))
    for first in made:
        assert sum(first <= at < first + 1 for at in made) <= BURST + RATE + 1


def test_throttling_halves_the_rate_and_answers_bring_it_back() -> None:
    pace = Pace(rate=10, burst=4)
    pace.throttled()
    assert pace.calls(0.0).bound == 5
    assert pace.take("a", 0.0) > 0
    for _ in range(1000):
        pace.throttled()
    assert pace.calls(0.0).bound > 0
    for _ in range(1000):
        pace.answered()
    assert pace.calls(0.0).bound == 10


def test_it_measures_the_last_minute() -> None:
    pace = Pace()
    for second in range(120):
        pace.take("a", float(second))
        pace.take("b", float(second))
    calls = pace.calls(120.0)
    assert calls.by_action == {"a": 120, "b": 120}
    assert 1.9 <= calls.per_second <= 2.1
    assert pace.calls(1000.0).per_second == 0


def test_backoff_grows_and_is_spread() -> None:
    waits = {tries: [backoff(tries) for _ in range(50)] for tries in (1, 3, 30)}
    assert max(waits[1]) < 0.5 < max(waits[3]) <= 2 < max(waits[30]) <= 10
    assert len(set(waits[1])) > 10
