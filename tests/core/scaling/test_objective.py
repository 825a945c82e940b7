"""What the objective asks for: look by look, and in replays of a load that steps."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from math import ceil, pi, sin

import pytest

from fairlead.core.backtest.clairvoyant import sized
from fairlead.core.backtest.model import Queue, Scenario
from fairlead.core.backtest.own import Own
from fairlead.core.backtest.replay import replay
from fairlead.core.scaling.experts import FIRST, SPARE, STEADY
from fairlead.core.scaling.objective import BACK, DRAIN, LONGEST, UNUSED, ByObjective
from fairlead.core.scaling.policy import Objective, Scale
from fairlead.core.scaling.verdict import Load, Opinion, Sight

NOW, TICK = 1_000_000.0, 5.0
OBJECTIVE = Objective()
GIVEN, LEARNED = Scale(1, 100, capacity=50.0), Scale(1, 100)


class Service:
    """One that is looked at every five seconds."""

    def __init__(self, scale: Scale, wanted: int) -> None:
        self.scale, self.wanted, self.now = scale, wanted, NOW
        self.mind = ByObjective()

    def look(
        self, rate: float, *, slow: float = 0.0, inside: float = 0.0, surge: int = 0
    ) -> Opinion:
        """`slow` is a share of `rate` requests a second, all of which are answered."""
        self.now += TICK
        count = rate * TICK
        load = Load(self.now, TICK, count, count, slow * count, in_flight=inside)
        ready = self.wanted + surge
        sight = Sight(self.now, self.wanted, ready, surge=surge, load=load, start_time=30.0)
        return self.mind.look(self.scale, OBJECTIVE, load, sight)

    def asked(self, *rates: float) -> list[int | None]:
        return [self.look(rate).count for rate in rates]


def test_it_asks_for_the_load_and_a_headroom_and_says_why() -> None:
    found = Service(GIVEN, 1).look(100.0)
    assert (found.value, found.target) == (100.0, 50.0)
    assert found.count == ceil(100.0 / 50.0 * (1.0 + FIRST)) == 4
    assert found.why == "requests a second; 50 fit an endpoint, by the most of 180 s with +60%"


def test_the_load_of_now_is_that_of_ten_seconds() -> None:
    """A burst of five seconds counts for a half."""
    assert Service(GIVEN, 4).asked(100.0, 300.0, 300.0) == [4, 7, 10]


def test_without_requests_one_is_asked_for() -> None:
    assert Service(GIVEN, 3).asked(*[0.0] * 50) == [1] * 50


@pytest.mark.parametrize(
    ("ready", "inside", "count"),
    [
        (4, 4_025.0, 2 + 80 / 15),
        (1, 1_025.0, 2 + (20 + 30) / 15),  # it grows by 50 requests a second for 30 s
        (4, 40_025.0, 2 + 4 * 60 / 15),  # nobody waits longer than a minute
    ],
)
def test_a_backlog_is_drained_within_15_s_of_a_start_up(
    ready: int, inside: float, count: float
) -> None:
    """Of what is inside, 250 ms of the load do not wait: the rest, at 50 for each second."""
    assert (DRAIN, LONGEST) == (15.0, 60.0)
    found = Service(GIVEN, ready).look(100.0, slow=1.0, inside=inside)
    assert found.count == ceil(count + SPARE)
    assert found.why.endswith(f"{inside - 25:.0f} requests wait")


def test_a_little_less_is_not_worth_a_change() -> None:
    found = Service(GIVEN, 18).look(500.0)
    assert (found.count, found.why.split(", ")[-1]) == (18, "one less would save too little")
    found = Service(GIVEN, 30).look(500.0)
    assert (found.count, 30 * (1.0 - STEADY) > 17) == (17, True)


def test_a_trend_is_seen_and_may_be_left_out() -> None:
    """A load that rises by two requests a second each five seconds: who looks ahead comes first."""
    rising = [100.0 + 2.0 * n for n in range(200)]
    ahead, behind = (Service(Scale(1, 100, capacity=50.0, predictive=p), 4) for p in (True, False))
    ahead.asked(*rising)
    behind.asked(*rising)
    rates = [s.mind._rates(s.scale, _load(s.now), 498.0, 40.0) for s in (ahead, behind)]
    assert [round(float(v)) for v in rates[0].values()] == [498, 514, 498]
    assert set(rates[1].values()) == {498.0}


def test_days_before_are_remembered() -> None:
    mind = ByObjective()
    midnight = NOW - NOW % 86400.0
    mind.recall(
        (int(midnight) + minute * 60, 6000 if minute < 30 else 60) for minute in range(1440)
    )
    rates = mind._rates(GIVEN, _load(midnight + 86400 - 20.0), 1.0, 40.0)
    assert list(rates.values()) == [1.0, 1.0, 100.0]


def _load(at: float) -> Load:
    return Load(at, TICK, 0.0, 0.0)


def test_slow_though_idle_asks_for_no_more_where_the_capacity_is_given_either() -> None:
    """Nothing is learned of endpoints that wait for something else: the headroom stays."""
    service = Service(GIVEN, 3)
    counts = {service.look(60.0, slow=1.0, inside=2.0).count for _ in range(4000)}
    assert counts == {2}


def test_slow_though_idle_does_not_scale_out() -> None:
    """A database that is slow: all requests take too long, and no endpoint has any to wait for."""
    service = Service(LEARNED, 3)
    for _ in range(1000):
        found = service.look(60.0, slow=1.0, inside=2.0)
        assert (found.count, found.value, found.target) == (3, 1.0, OBJECTIVE.budget)
    assert found.why.startswith("share of slow requests; at most 2 in flight, and no endpoint")


def test_what_an_endpoint_can_take_is_learned_from_those_at_their_end() -> None:
    service = Service(LEARNED, 2)
    service.look(60.0)
    found = service.look(90.0, slow=0.9, inside=200.0)
    assert (found.value, found.target) == (90.0, 45.0)
    assert "45 fit an endpoint" in found.why


def test_of_a_roll_nothing_is_learned() -> None:
    found = Service(LEARNED, 2).look(90.0, slow=0.9, inside=200.0, surge=2)
    assert (found.count, found.target) == (2, OBJECTIVE.budget)


def test_what_has_nothing_to_do_goes_though_nothing_is_known() -> None:
    service = Service(LEARNED, 6)
    for _ in range(int(BACK / TICK)):
        assert service.look(10.0, inside=1.0).count == 6
    assert service.look(10.0, inside=1.0).count == 1.0 / UNUSED
    assert service.look(10.0, inside=1.0, slow=0.9).count == 6


Seconds = list[tuple[float, int, float]]


def replayed(scenario: Scenario, scale: Scale) -> Seconds:
    """Rate, endpoints from launch and slow requests of each second."""
    rows: Seconds = []
    replay(scenario, Own(scenario, scale), lambda r, _, n, slow: rows.append((r, n, slow)))
    return rows


def violated(rows: Seconds) -> int:
    return sum(slow > 0.05 * rate for rate, _, slow in rows)


@pytest.mark.parametrize("queue", Queue)
@pytest.mark.parametrize("scale", [GIVEN, LEARNED], ids=["given", "learned"])
def test_each_fourfold_step_is_over_in_a_minute(scale: Scale, queue: Queue) -> None:
    """Three in a row, half an hour of each load."""
    rates = array("d", ([100.0] * 1800 + [400.0] * 1800) * 3)
    rows = replayed(Scenario("steps", rates, start_time=30, queue=queue), scale)
    for begin in range(0, len(rows), 3600):
        calm, high = rows[begin : begin + 1800], rows[begin + 1800 : begin + 3600]
        assert violated(calm) == 0
        assert 0 < violated(high) <= 60
        assert violated(high[60:]) == 0


@pytest.mark.parametrize("queue", Queue)
def test_a_backlog_drains_and_what_drained_it_goes(queue: Queue) -> None:
    """Eightfold for a minute: more than the endpoints of before can answer in minutes."""
    rates = array("d", [100.0] * 1800 + [800.0] * 60 + [100.0] * 10_800)
    rows = replayed(Scenario("burst", rates, start_time=30, queue=queue), GIVEN)
    assert violated(rows[1800:]) <= 75
    assert violated(rows[1890:]) == 0
    assert max(count for _, count, _ in rows) >= 800 / 50
    assert rows[-1][1] <= 8


@pytest.mark.parametrize(("queue", "most"), [(Queue.SEPARATE, 1.07), (Queue.POOLED, 1.4)])
def test_a_smooth_day_costs_little_more_than_who_knows_it_beforehand(
    queue: Queue, most: float
) -> None:
    """Between 100 and 700 requests a second, as the sine, twice a day; one in a hundred slow."""
    rates = array("d", (400.0 - 300.0 * sin(2 * pi * at / 43_200) for at in range(86_400)))
    scenario = Scenario("day", rates, queue=queue)
    outcome, (_, clairvoyant) = replay(scenario, Own(scenario)), sized(scenario)
    assert outcome.violations <= 0.01
    assert outcome.seconds_in_violation <= 60
    assert outcome.hours <= most * clairvoyant.hours


def test_a_longer_start_up_costs_more() -> None:
    """Bursts of half a minute."""
    hours = [_hours(start) for start in (10, 60, 240)]
    assert hours == sorted(hours)


def _hours(start: int) -> float:
    rates = array("d", _bursts(6 * 3600))
    scenario = Scenario("bursts", rates, start_time=start)
    return replay(scenario, Own(scenario)).hours


def _bursts(seconds: int) -> Iterable[float]:
    return (500.0 if at % 700 < 30 else 150.0 for at in range(seconds))
