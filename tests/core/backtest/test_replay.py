"""The engine: even loads against the closed forms, and a handful of seconds by hand."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from math import exp

import pytest

from fairlead.core.backtest.model import History, Queue, Scenario
from fairlead.core.backtest.queues import erlang_c
from fairlead.core.backtest.replay import replay


@dataclass
class Told:
    """Asks for what it was told to, from given seconds on; keeps what it was shown."""

    counts: dict[int, int]
    name: str = "told"
    interval: int = 1
    shown: list[tuple[int, int, int, float]] = field(default_factory=list)

    def look(self, now: int, wanted: int, ready: int, history: History) -> int:
        self.shown.append((now, wanted, ready, history.backlog()))
        return self.counts.get(now, wanted)


def even(rate: float, seconds: int, **others: object) -> Scenario:
    return Scenario("even", array("d", [rate] * seconds), **others)  # type: ignore[arg-type]


def test_an_even_load_is_an_mm1() -> None:
    """300 a second over ten endpoints of 50: exp(-(50 - 30) x 0.25) = 0.67 % are slow."""
    outcome = replay(even(300.0, 20_000), Told({0: 10}))
    assert outcome.violations == pytest.approx(exp(-5.0), rel=1e-6)
    assert outcome.worst_hour == pytest.approx(exp(-5.0), rel=1e-6)
    assert (outcome.dropped, outcome.hours) == (0.0, pytest.approx(20_000 * 10 / 3600))


def test_an_even_load_is_an_mmc() -> None:
    """70 a second over ten workers of 10, in 50 ms: C(10, 7) exp(-30 x 0.05), but for the few
    seconds in which more than a hundred come."""
    scenario = even(70.0, 20_000, queue=Queue.POOLED, objective=0.05)
    outcome = replay(scenario, Told({0: 2}))
    assert outcome.violations == pytest.approx(erlang_c(10, 7.0) * exp(-30 * 0.05), rel=0.02)


def test_a_launch_costs_at_once_and_answers_later() -> None:
    told = Told({5: 4})
    outcome = replay(even(0.0, 20, start_time=10, min=0), told)
    assert [ready for now, _, ready, _ in told.shown if now in (5, 14, 15, 16)] == [1, 1, 1, 4]
    assert outcome.hours * 3600 == pytest.approx(5 * 1 + 15 * 4)
    assert outcome.changes == pytest.approx(86400 / 20)


def test_the_youngest_goes_first() -> None:
    """Three start at 0, two more at 5, of which two are taken back at 8: the three still come."""
    told = Told({0: 4, 5: 6, 8: 4})
    replay(even(0.0, 20, start_time=10), told)
    assert [ready for now, _, ready, _ in told.shown if now in (9, 10, 11, 19)] == [1, 1, 4, 4]


def test_backlog_grows_to_ten_seconds_of_work_and_what_exceeds_it_is_dropped() -> None:
    """One endpoint of 50, some 150 a second: a hundred more each second wait, up to 500."""
    told = Told({0: 1})
    outcome = replay(even(150.0, 60, min=1, max=1), told)
    waiting = {now: backlog for now, _, _, backlog in told.shown}
    assert waiting[3] == pytest.approx(300, abs=80)
    assert waiting[30] == 500.0
    assert outcome.dropped == pytest.approx((9000 - 60 * 50 - 500) / 9000, abs=0.02)
    assert outcome.violations == 1.0
    assert outcome.seconds_in_violation == 60


def test_bounds_hold_whatever_is_asked() -> None:
    told = Told({0: 100, 10: 0})
    replay(even(10.0, 20, min=2, max=7, start_time=0), told)
    assert {wanted for _, wanted, _, _ in told.shown[1:11]} == {7}
    assert told.shown[-1][1] == 2


def test_the_seed_is_the_chance() -> None:
    def violations(seed: int) -> float:
        return replay(even(290.0, 2000, seed=seed, max=6), Told({0: 6})).violations

    assert violations(1) == violations(1) != violations(2)


def test_elasticity() -> None:
    """300 a second need ten endpoints for one violation in a hundred: nine are a tenth too few for
    half of the time, twelve a fifth too many for the other half."""
    outcome = replay(even(300.0, 1000, start_time=0), Told({0: 9, 500: 12}))
    assert (outcome.under_time, outcome.over_time) == (0.5, 0.5)
    assert outcome.under_depth == pytest.approx(0.05, abs=1e-9)
    assert outcome.over_depth == pytest.approx(0.1, abs=1e-9)
