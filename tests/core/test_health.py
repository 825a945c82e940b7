"""Verdicts and delays over any sequence of results."""

from dataclasses import replace
from itertools import takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.health import CONFIRM, LEAST, WIDEST, Health, judge, next_delay
from fairlead.core.model import CheckKind, HealthCheck

results = st.lists(st.booleans(), max_size=60)
counts = st.integers(1, 6)
spans = st.floats(0.001, 600)
checks = st.builds(
    HealthCheck,
    kind=st.sampled_from(CheckKind),
    interval=spans,
    start_interval=spans,
    jitter=st.floats(0, 1),
    rise=counts,
    fall=counts,
)


def after(sequence: list[bool], check: HealthCheck, health: Health) -> list[Health]:
    """The health after each result; the n-th comes in at second n."""
    states = []
    for second, passed in enumerate(sequence, start=1):
        health = judge(health, check, "" if passed else f"failure {second}", float(second))
        states.append(health)
    return states


def run_before(sequence: list[bool], end: int, value: bool) -> int:
    return len(list(takewhile(lambda passed: passed is value, reversed(sequence[:end]))))


@given(results, checks, st.booleans())
def test_turns_exactly_after_rise_passes_or_fall_failures_in_a_row(sequence, check, up) -> None:
    before = Health(up=up, ever_up=up)
    since = 0
    for end, health in enumerate(after(sequence, check, before), start=1):
        run = run_before(sequence[since:], end - since, value=not before.up)
        needed = check.fall if before.up else check.rise
        assert (health.up != before.up) == (run >= needed)
        since = end if health.up != before.up else since
        before = health


@given(results, checks)
def test_a_new_endpoint_is_down_until_rise_passes_in_a_row(sequence, check) -> None:
    for end, health in enumerate(after(sequence, check, Health()), start=1):
        longest = max(run_before(sequence, at, value=True) for at in range(1, end + 1))
        assert health.ever_up == (longest >= check.rise)


@given(results, checks, st.booleans())
def test_the_record_agrees_with_the_results(sequence, check, up) -> None:
    before = Health(up=up, ever_up=up)
    for second, health in enumerate(after(sequence, check, before), start=1):
        passed, turned = sequence[second - 1], health.up != before.up
        assert health.ready_at == (second if turned and health.up else before.ready_at)
        assert health.ever_up == (before.ever_up or health.up)
        assert 0 <= health.streak < (check.fall if health.up else check.rise)
        assert passed or health.problem == f"failure {second}"
        assert not (passed and health.up and health.problem)
        before = health


def test_why_it_is_down_is_kept_until_it_is_up_again() -> None:
    check = HealthCheck(rise=2, fall=1)
    failed, once, twice = after([False, True, True], check, Health(up=True, ever_up=True))
    assert (failed.up, failed.problem) == (False, "failure 1")
    assert (once.up, once.streak, once.problem) == (False, 1, "failure 1")
    assert (twice.up, twice.streak, twice.problem) == (True, 0, "")


@given(checks, st.floats(0, 1e6), st.floats(0, 1, exclude_max=True), st.booleans(), counts)
def test_delays_stay_within_their_bounds(check, age, unit, ever_up, streak) -> None:
    settled = next_delay(Health(up=True, ever_up=True), check, age, unit)
    assert LEAST <= settled <= max(2 * check.interval, LEAST)
    doubted = next_delay(Health(up=ever_up, ever_up=True, streak=streak), check, age, unit)
    assert LEAST <= doubted <= max(2 * min(check.interval, CONFIRM), LEAST)
    starting = next_delay(Health(streak=streak), check, age, unit)
    widest = max(check.interval, check.start_interval)
    assert min(check.start_interval, widest) <= max(starting, LEAST)
    assert LEAST <= starting <= max(min(WIDEST * check.start_interval, widest), LEAST)


@given(checks, st.floats(0, 1e5), st.floats(0, 1e5))
def test_a_starting_endpoint_is_never_checked_faster_with_age(check, one, other) -> None:
    younger, older = sorted((one, other))
    assert next_delay(Health(), check, younger, 0) <= next_delay(Health(), check, older, 0)


@pytest.mark.parametrize(
    ("age", "delay"), [(0, 0.02), (10, 0.02), (60, 0.04), (260, 0.12), (460, 0.2), (1e6, 0.2)]
)
def test_by_default_a_start_of_a_minute_is_seen_within_40_ms(age: float, delay: float) -> None:
    assert next_delay(Health(), HealthCheck(), age, 0.5) == pytest.approx(delay)


def test_a_command_starts_at_a_tenth_of_the_pace() -> None:
    check = HealthCheck(kind=CheckKind.COMMAND)
    assert next_delay(Health(), check, 0, 0.5) == pytest.approx(0.2)


def test_jitter_spreads_around_the_interval() -> None:
    check, up = HealthCheck(interval=2, jitter=0.1), Health(up=True, ever_up=True)
    ends = [next_delay(up, check, 0, unit) for unit in (0, 0.5, 1)]
    assert ends == pytest.approx([1.8, 2.0, 2.2])


def test_a_doubt_is_settled_soon() -> None:
    check, up = HealthCheck(interval=2, jitter=0), Health(up=True, ever_up=True)
    assert next_delay(replace(up, streak=1), check, 0, 0) == CONFIRM
    assert next_delay(replace(up, streak=1), replace(check, interval=0.1), 0, 0) == 0.1
