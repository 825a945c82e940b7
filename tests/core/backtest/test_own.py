"""fairlead's own policy in a backtest."""

from __future__ import annotations

from array import array

import pytest

from fairlead.core.backtest.model import Queue, Scenario
from fairlead.core.backtest.own import Own
from fairlead.core.backtest.replay import replay
from fairlead.core.scaling.policy import Metric, Scale, Schedule, Source, Target
from tests.core.backtest.test_roster import STEP

ON_REQUESTS = Scale(objective=None, targets=(Target("requests", Metric(Source.REQUESTS), 30.0),))


@pytest.mark.parametrize("queue", Queue)
def test_fourfold_step(queue: Queue) -> None:
    scenario = Scenario("step", STEP, start_time=30, queue=queue)
    assert replay(scenario, Own(scenario)).seconds_in_violation <= 60


def test_the_service_s_targets_rule() -> None:
    """300 requests a second at 30 for each: ten."""
    scenario = Scenario("even", array("d", [300.0] * 3600))
    assert replay(scenario, Own(scenario, ON_REQUESTS)).hours == pytest.approx(10, abs=1)


def test_the_scenario_s_bounds_hold() -> None:
    """A schedule's bounds are not those of the trace's time: they stay out."""
    everyday = (Schedule("0 0 * * *", 86400.0, min=30, max=40),)
    scenario = Scenario("even", array("d", [300.0] * 3600), min=2, max=7)
    outcome = replay(scenario, Own(scenario, Scale(schedules=everyday, capacity=50.0)))
    assert 2 <= outcome.hours <= 7
