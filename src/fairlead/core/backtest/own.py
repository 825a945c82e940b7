"""fairlead's own policy under test: the very one that runs, shown a replay's history."""

from __future__ import annotations

from dataclasses import replace

from fairlead.core.backtest.measured import readings
from fairlead.core.backtest.model import History, Scenario
from fairlead.core.scaling.decide import Decider
from fairlead.core.scaling.policy import Objective, Scale
from fairlead.core.scaling.verdict import Load, Sight

TICK = 5


class Own:
    """Implements model.Autoscaler. The proxy's counters are what it sees, as when it runs."""

    name = "fairlead"
    interval = TICK

    def __init__(self, scenario: Scenario, scale: Scale | None = None) -> None:
        """`scale` is the policy under test; the scenario's capacity, bounds and objective stand in
        for what it leaves open."""
        given = scale or Scale(capacity=scenario.capacity)
        budget = (given.objective or Objective()).budget
        self._scale = replace(
            given,
            schedules=(),
            min=scenario.min,
            max=scenario.max,
            objective=given.objective and Objective(scenario.objective, budget),
        )
        self._start_time, self._capacity = float(scenario.start_time), scenario.capacity
        self._decide = Decider()

    def look(self, now: int, wanted: int, ready: int, history: History) -> int:
        if now == 0:
            return wanted
        came, span = history.arrivals(TICK, now), min(now, TICK)
        answered = history.busy(TICK, now) * history.ready(TICK, now) * self._capacity
        slow, inside = history.slow(TICK, now), history.in_flight(1, now)
        load = Load(float(now), span, came * span, answered * span, slow * span, 0.0, inside)
        known = readings(self._scale, now, history)
        starts = wanted - ready
        sight = Sight(now, wanted, ready, starts, 0, load, known, start_time=self._start_time)
        return self._decide(self._scale, sight).count
