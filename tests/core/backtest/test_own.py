"""fairlead's own policy in a backtest."""

from __future__ import annotations

from array import array

import pytest

from fairlead.core.backtest.model import Queue, Scenario
from fairlead.core.backtest.own import Own
from fairlead.core.backtest.replay import replay
from fairlead.core.scaling.policy import Metric, Scale, Schedule, Source, Target
from fairlead.core.scaling.verdict import Load, Sight, Verdict
from tests.core.backtest.test_roster import STEP


class Seen(Own):
    """Keeps what the decider was shown."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.loads: list[Load] = []
        decide = self._decide

        def look(policy: Scale, sight: Sight) -> Verdict:
            assert sight.load is not None
            self.loads.append(sight.load)
            return decide(policy, sight)

        self._decide = look  # type: ignore[assignment]


ON_REQUESTS = Scale(objective=None, targets=(Target("requests", Metric(Source.REQUESTS), 30.0),))


@pytest.mark.parametrize("queue", Queue)
def test_fourfold_step(queue: Queue) -> None:
    scenario = Scenario("step", STEP, start_time=30, queue=queue)
    assert replay(scenario, Own(scenario)).seconds_in_violation <= 60


@pytest.mark.parametrize("queue", Queue)
def test_fourfold_step_when_nothing_is_known_of_an_endpoint(queue: Queue) -> None:
    """That of a scenario is 50 a second: the first step teaches it."""
    scenario = Scenario("step", STEP, start_time=30, queue=queue)
    assert replay(scenario, Own(scenario, Scale())).seconds_in_violation <= 60


def test_a_backlog_does_not_count_as_answered() -> None:
    """Of 200 requests a second two endpoints of 50 answer a half."""
    scenario = Scenario("even", array("d", [200.0] * 60), max=2)
    seen = Seen(scenario)
    replay(scenario, seen)
    load = seen.loads[-1]
    assert load.arrivals == pytest.approx(1000, abs=150)
    assert load.answers == pytest.approx(500)


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
