"""Experts that scale in thought: their counts by hand, their headrooms by what they converge to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import pi, sin
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.scaling.curve import Curve
from fairlead.core.scaling.experts import (
    CHANGE,
    FIRST,
    LEAD,
    LEAST,
    MEMORY,
    MOST,
    STEADY,
    STEP,
    Ahead,
    Expert,
    Panel,
    Tick,
)

SPAN, OBJECTIVE, AIM = 5.0, 0.25, 0.012
DAY = int(86400 / SPAN)


def tick(number: int, load: float, *, capacity: float = 1.0, trend: float = 0.0) -> Tick:
    """`load` as the number of endpoints that it uses to the full."""
    rates = dict.fromkeys(Ahead, load * capacity)
    rates[Ahead.TREND] = max(load, trend) * capacity
    return Tick(number * SPAN, SPAN, load, load, 1.0, OBJECTIVE, capacity, rates)


def believed() -> Curve:
    """Of endpoints that answer 50 a second."""
    curve = Curve(1.0)
    curve.believe(50.0 * OBJECTIVE)
    return curve


def decided(expert: Expert, number: int, load: float, most: int = 1000) -> int:
    expert.decide(tick(number, load), 40.0, most)
    return expert.count


def test_its_count_is_the_highest_load_of_its_time_and_a_headroom() -> None:
    expert = Expert(20.0, Ahead.NOW, 30.0)
    assert FIRST == 0.6
    loads = [10.0, 2.0, 3.0, 2.0, 2.0, 2.0, 2.0]
    counts = [decided(expert, n, load) for n, load in enumerate(loads)]
    assert counts == [16, 16, 16, 16, 16, 5, 5]
    assert expert.asks() == pytest.approx(3.0 * 1.6)


def test_the_load_is_in_endpoints() -> None:
    expert = Expert(20.0, Ahead.NOW, 30.0)
    expert.decide(tick(0, 10.0, capacity=50.0), 40.0, 1000)
    assert (expert.load, expert.count) == (10.0, 16)


def test_it_goes_by_its_own_kind_of_rate() -> None:
    expert = Expert(20.0, Ahead.TREND, 30.0)
    expert.decide(tick(0, 10.0, trend=20.0), 40.0, 1000)
    assert expert.count == 32


@pytest.mark.parametrize(("load", "most", "count"), [(0.0, 9, 1), (100.0, 9, 9), (0.1, 9, 1)])
def test_its_bounds(load: float, most: int, count: int) -> None:
    assert decided(Expert(0.0, Ahead.NOW, 30.0), 0, load, most) == count


def test_a_little_less_is_not_worth_a_change_but_each_more_is() -> None:
    expert = Expert(0.0, Ahead.NOW, 30.0)
    enough = round(40 * (1.0 - STEADY))
    asked = [40, enough + 1, enough, enough + 1]
    counts = [decided(expert, n, count / 1.6) for n, count in enumerate(asked)]
    assert counts == [40, 40, enough, enough + 1]


def test_its_cost_is_its_mean_count_and_what_changes_cost() -> None:
    expert = Expert(0.0, Ahead.NOW, 30.0)
    decided(expert, 0, 10.0)
    assert expert.cost == 16.0
    decided(expert, 1, 25.0)
    assert expert.cost == pytest.approx(16 + (SPAN * (40 - 16) + CHANGE * (40 - 16)) / MEMORY)


def test_a_headroom_moves_by_what_was_slow_beyond_the_aim() -> None:
    expert, curve = Expert(0.0, Ahead.NOW, 0.0), believed()
    decided(expert, 0, 10.0)
    expert.learn(tick(1, 12.0), curve, AIM)
    assert expert.headroom == pytest.approx(FIRST + STEP * (curve.slow(12.0 / 16) - AIM))
    expert.learn(tick(2, 17.0), curve, AIM)
    assert expert.headroom > FIRST + STEP * 0.9  # more than it can answer: all are slow


def test_only_those_count_that_were_there_a_start_up_ago() -> None:
    """Sixteen are asked for at 5 s, and ready at 35 s: until then one is, which is too few."""
    expert, curve = Expert(0.0, Ahead.NOW, 30.0), believed()
    decided(expert, 0, 0.5)
    moves = []
    for number in range(1, 10):
        decided(expert, number, 10.0)
        before = expert.headroom
        expert.learn(tick(number, 0.99), curve, AIM)
        moves.append(expert.headroom > before)
    assert moves == [True] * 6 + [False] * 3


def test_a_backlog_is_worked_off_within_the_horizon() -> None:
    """One endpoint, ten endpoints' work for 5 s: 45 endpoint-seconds wait, more than the ten that
    stay at most. In 40 s that is a quarter of an endpoint, beside the load and the spare."""
    expert = Expert(0.0, Ahead.NOW, 30.0)
    decided(expert, 0, 0.5)
    expert.learn(tick(1, 10.0), believed(), AIM)
    expert.headroom = LEAST
    assert decided(expert, 1, 10.0) == 11  # 10 + 10 / 40 + 0.3


def violations(start: float, loads: Iterable[float], back: float) -> tuple[Expert, list[float]]:
    """The expert, and the share of slow requests of each tick, reckoned from its counts alone."""
    expert, curve = Expert(back, Ahead.NOW, start), believed()
    counts, slow = [expert.count or 1], []
    for number, load in enumerate(loads):
        slow.append(curve.slow(load / min(counts[-int(start / SPAN) - 1 :])))
        expert.learn(tick(number, load), curve, AIM)
        counts.append(decided(expert, number, load))
    return expert, slow


def noisy(ticks: int) -> Iterable[float]:
    chance = Random(1)
    return (max(0.1, chance.gauss(20.0, 2.0)) for _ in range(ticks))


@pytest.mark.parametrize("start", [0.0, 30.0, 120.0])
@pytest.mark.parametrize("back", [0.0, 180.0])
def test_under_noise_the_violations_come_to_the_aim(start: float, back: float) -> None:
    """However far it looks back, however long a start takes: none of this is tuned."""
    expert, slow = violations(start, noisy(40_000), back)
    settled = slow[20_000:]
    assert sum(settled) / len(settled) == pytest.approx(AIM, rel=0.05)
    assert LEAST < expert.headroom < MOST


def test_a_longer_start_up_asks_for_more() -> None:
    costs = [violations(start, noisy(20_000), 0.0)[0].cost for start in (0.0, 30.0, 120.0)]
    assert costs[0] * 1.02 < costs[1]
    assert costs[1] * 1.02 < costs[2]


def test_nor_less_where_the_look_back_covers_it() -> None:
    costs = [violations(start, noisy(20_000), 180.0)[0].cost for start in (0.0, 30.0, 120.0)]
    assert costs == [pytest.approx(costs[0], rel=0.01)] * 3


@given(
    st.lists(st.tuples(st.floats(0.0, 1e6), st.floats(0.0, 1e6), st.floats(0.0, 5.0)), max_size=50),
    st.integers(1, 100),
)
def test_whatever_comes_count_and_headroom_stay_in_their_bounds(
    ticks: list[tuple[float, float, float]], most: int
) -> None:
    expert, curve = Expert(60.0, Ahead.NOW, 30.0), believed()
    for number, (load, now, weight) in enumerate(ticks):
        rates = dict.fromkeys(Ahead, now)
        of = Tick(number * SPAN, SPAN, load, now, weight, OBJECTIVE, 1.0, rates)
        expert.learn(of, curve, AIM)
        expert.decide(of, 40.0, most)
        assert LEAST <= expert.headroom <= MOST
        assert 1 <= expert.count <= most


def followed(load: Callable[[int], float], start: float) -> Panel:
    """After a day."""
    panel, curve = Panel(start), believed()
    for number in range(DAY):
        panel.look(tick(number, load(number)), curve, AIM, start + 10.0, 1000)
    return panel


def bursty() -> Callable[[int], float]:
    """Threefold for half a minute, every seven or eight minutes on average."""
    chance, until = Random(3), [-1]

    def load(number: int) -> float:
        if number > until[0] and chance.random() < 1 / 90:
            until[0] = number + 5
        return 30.0 if number <= until[0] else 10.0

    return load


@pytest.mark.parametrize("start", [30.0, 120.0])
def test_a_smooth_load_is_followed_closely(start: float) -> None:
    """Up and down in two hours, as the sine."""
    assert followed(lambda n: 20.0 + 10.0 * sin(2 * pi * n * SPAN / 7200), start).followed.back == (
        180.0
    )


@pytest.mark.parametrize("start", [30.0, 120.0])
def test_a_bursty_load_keeps_what_its_bursts_need(start: float) -> None:
    panel = followed(bursty(), start)
    assert panel.followed.back >= 1800.0
    assert panel.followed.count >= 30


def test_another_is_followed_only_where_that_saves_enough() -> None:
    panel = Panel(30.0, [(0.0, Ahead.NOW), (60.0, Ahead.NOW)])
    first, second = panel.experts
    curve = believed()
    first.count = second.count = 16
    first.cost, second.cost = 16.0, 16.0 * (1.0 - LEAD / 2)
    assert panel.look(tick(0, 10.0), curve, AIM, 40.0, 1000) is first
    second.cost = 16.0 * (1.0 - 2 * LEAD)
    assert panel.look(tick(1, 10.0), curve, AIM, 40.0, 1000) is second
    second.cost = 16.0 * (1.0 + LEAD / 2)
    assert panel.look(tick(2, 10.0), curve, AIM, 40.0, 1000) is second


def test_a_start_up_that_changes_is_heeded_by_all() -> None:
    panel, curve = Panel(0.0), believed()
    panel.starts_in(1000.0)
    panel.look(tick(0, 1.0), curve, AIM, 40.0, 1000)
    for number in range(1, 100):
        panel.look(tick(number, 100.0), curve, AIM, 40.0, 1000)
    assert all(expert.headroom > FIRST + 90 * STEP * 0.9 for expert in panel.experts[:4])
