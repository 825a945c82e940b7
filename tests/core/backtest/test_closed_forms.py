"""The engine under even loads, from calm to nearly full, against the textbooks' formulas as they
are written down here again: not those of the engine's own module."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from math import exp, factorial

import pytest

from fairlead.core.backtest.model import History, Outcome, Queue, Scenario
from fairlead.core.backtest.replay import replay

SECONDS, CAPACITY, WORKERS = 20_000, 50.0, 5


@dataclass
class Fixed:
    count: int
    name: str = "fixed"
    interval: int = 15

    def look(self, now: int, wanted: int, ready: int, history: History) -> int:
        return self.count


def even(queue: Queue, rate: float, count: int, objective: float) -> Outcome:
    rates = array("d", [rate] * SECONDS)
    scenario = Scenario(
        "even", rates, CAPACITY, min=count, max=count, objective=objective, queue=queue
    )
    return replay(scenario, Fixed(count))


@pytest.mark.parametrize("objective", [0.1, 0.25, 0.5])
@pytest.mark.parametrize(("count", "used"), [(1, 0.2), (4, 0.5), (10, 0.6), (40, 0.7)])
def test_mm1(count: int, used: float, objective: float) -> None:
    """P(time > T) = exp(-(mu - lambda) T), each endpoint having its part of the load. Seconds that
    hold more than can be answered are so few that they do not show."""
    rate = used * count * CAPACITY
    expected = exp(-(CAPACITY - rate / count) * objective)
    outcome = even(Queue.SEPARATE, rate, count, objective)
    assert outcome.violations == pytest.approx(expected, rel=0.01)
    assert outcome.hours == pytest.approx(count * SECONDS / 3600)
    assert (outcome.changes, outcome.dropped) == (0.0, 0.0)


@pytest.mark.parametrize("objective", [0.01, 0.05])
@pytest.mark.parametrize(("count", "used"), [(1, 0.4), (2, 0.6), (4, 0.7), (10, 0.8)])
def test_mmc(count: int, used: float, objective: float) -> None:
    """P(waiting > T) = C(c, a) exp(-(c mu - lambda) T), five workers for each endpoint."""
    rate, servers = used * count * CAPACITY, count * WORKERS
    load = used * servers
    last = load**servers / factorial(servers) / (1.0 - used)
    waits = last / (sum(load**n / factorial(n) for n in range(servers)) + last)
    expected = waits * exp(-(count * CAPACITY - rate) * objective)
    outcome = even(Queue.POOLED, rate, count, objective)
    assert outcome.violations == pytest.approx(expected, rel=0.03, abs=2e-4)
    assert outcome.dropped == 0.0


@pytest.mark.parametrize("queue", Queue)
@pytest.mark.parametrize("beyond", [1.2, 2.0, 5.0])
def test_overload(queue: Queue, beyond: float) -> None:
    """All are slow; what can be is answered, and the rest goes but for ten seconds' work."""
    rate, supply = beyond * 4 * CAPACITY, 4 * CAPACITY
    outcome = even(queue, rate, 4, 0.25)
    lost = (rate - supply) * SECONDS - 10.0 * supply
    assert outcome.violations == pytest.approx(1.0, abs=1e-3)
    assert outcome.dropped == pytest.approx(lost / (rate * SECONDS), rel=0.01)
    assert outcome.seconds_in_violation >= SECONDS - 10
