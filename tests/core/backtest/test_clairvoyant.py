"""The policy that all endpoint-hours are told by."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.backtest.clairvoyant import AHEAD, GOAL, STEP, Clairvoyant, sight, sized
from fairlead.core.backtest.model import Queue, Scenario
from fairlead.core.backtest.replay import replay
from tests.core.backtest.given import Given


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=150), st.integers(0, 90))
def test_sight_is_the_largest_rate_ahead(rates: list[float], ahead: int) -> None:
    """Whole steps, so up to one step more than asked for."""
    found = sight(array("d", rates), ahead)
    steps = -(-ahead // STEP)
    for at, seen in enumerate(found):
        assert seen == max(rates[at * STEP : (at + steps + 1) * STEP])


def test_counts_hold_what_is_in_sight() -> None:
    scaler = Clairvoyant(array("d", [100.0, 300.0]), 50.0, 0.6)
    assert scaler.look(0, 1, 1, Given()) == 4  # 100 / 30
    assert scaler.look(5, 1, 1, Given()) == 10


def stepping(queue: Queue) -> Scenario:
    rates = array("d", [rate for rate in (100.0, 400.0, 250.0, 600.0) * 3 for _ in range(900)])
    return Scenario("steps", rates, start_time=30, queue=queue)


@pytest.mark.parametrize("queue", Queue)
def test_starts_what_a_step_needs_before_it_comes(queue: Queue) -> None:
    scenario = stepping(queue)
    seen = sight(scenario.rates, scenario.start_time + AHEAD)
    generous = replay(scenario, Clairvoyant(seen, scenario.capacity, 0.3))
    assert generous.seconds_in_violation == 0
    assert generous.dropped == 0


@pytest.mark.parametrize("queue", Queue)
def test_one_in_a_hundred_is_in_violation(queue: Queue) -> None:
    """Of a load with many rates, so that whole endpoints are no obstacle."""
    rates = array("d", [80.0 + 53 * n % 509 for n in range(200) for _ in range(60)])
    scenario = Scenario("many", rates, start_time=30, queue=queue)
    point, outcome = sized(scenario)
    seen = sight(scenario.rates, scenario.start_time + AHEAD)
    assert outcome == replay(scenario, Clairvoyant(seen, scenario.capacity, point))
    assert outcome.violations == pytest.approx(GOAL, abs=0.0025)
    thrifty = replay(scenario, Clairvoyant(seen, scenario.capacity, point + 0.05))
    generous = replay(scenario, Clairvoyant(seen, scenario.capacity, point - 0.05))
    assert generous.violations < outcome.violations < thrifty.violations
    assert generous.hours > outcome.hours > thrifty.hours


def test_where_the_bounds_allow_no_one_in_a_hundred() -> None:
    rates = array("d", [400.0] * 600)
    _, outcome = sized(Scenario("bound", rates, max=4))
    assert outcome.violations > 0.5
    _, idle = sized(Scenario("idle", array("d", [1.0] * 600)))
    assert idle.violations < GOAL
