"""What the decider never does, and what each of its refusals says."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.core.scaling.decide import SETTLING, STALE, Decider
from fairlead.core.scaling.policy import Metric, Pace, Scale, Schedule, Share, Source, Target
from fairlead.core.scaling.verdict import Load, Reading, Sight, Verdict

NOW, TICK = 1_000_000.0, 5.0
REQUESTS = Target("requests", Metric(Source.REQUESTS), 10.0)
QUEUE = Target("queue", Metric(Source.HTTP), 100.0)
CPU = Target("cpu", Metric(Source.CPU), 0.5, Share.AVERAGE)
SCALE = Scale(1, 10, objective=None, targets=(REQUESTS,), inward=Pace())
BY_CPU = replace(SCALE, targets=(CPU,))
BY_OBJECTIVE = Scale(1, 10, capacity=10.0)
SETTLED = int(SETTLING / TICK)
"""Looks during which nothing is taken away."""


@dataclass
class Stage:
    """A service that has the count of the last verdict at once, looked at every five seconds."""

    policy: Scale
    wanted: int
    now: float = NOW
    decide: Decider = field(default_factory=Decider)

    def look(self, values: dict[str, float], **others: Any) -> Verdict:
        readings = {name: Reading(value, self.now) for name, value in values.items()}
        sight = Sight(self.now, self.wanted, self.wanted, readings=readings)
        verdict = self.decide(self.policy, replace(sight, **others))
        self.wanted, self.now = verdict.count, self.now + TICK
        return verdict

    def at(self, rate: float, **others: Any) -> Verdict:
        return self.look({"requests": rate}, **others)

    def serve(self, rate: float, **others: Any) -> Verdict:
        count = rate * TICK
        return self.look({}, load=Load(self.now, TICK, count, count), **others)

    def counts(self, rate: float, looks: int, **others: Any) -> list[int]:
        return [self.at(rate, **others).count for _ in range(looks)]


def settled(policy: Scale, wanted: int, **values: float) -> Stage:
    """One that may scale in."""
    stage = Stage(policy, wanted)
    for _ in range(SETTLED + 1):
        assert stage.look(values).count == wanted
    return stage


def test_out_at_once_in_once_enough_was_seen() -> None:
    stage = Stage(SCALE, 2)
    verdict = stage.at(60.0)
    assert (verdict.count, verdict.desired, verdict.winner, verdict.held) == (6, 6, "requests", ())
    assert stage.counts(10.0, SETTLED - 1) == [6] * (SETTLED - 1)
    assert stage.at(10.0).count == 1


@pytest.mark.parametrize(("stabilisation", "needed"), [(0.0, 60), (180.0, 180)])
def test_a_fresh_decider_takes_nothing_away_before_a_whole_window(
    stabilisation: float, needed: int
) -> None:
    stage = Stage(replace(SCALE, inward=Pace(stabilisation=stabilisation)), 6)
    for seconds in range(0, needed, int(TICK)):
        verdict = stage.at(10.0)
        assert (verdict.count, verdict.desired) == (6, 1)
        assert verdict.held == (f"metrics of {seconds} s, {needed} s are needed",)
    assert stage.at(10.0).count == 1


def test_a_target_that_is_lost_takes_nothing_away_nor_does_its_return_at_once() -> None:
    stage = settled(SCALE, 6, requests=60.0)
    for _ in range(100):
        verdict = stage.look({})
        assert (verdict.count, verdict.desired, verdict.winner) == (6, 6, "")
        assert verdict.opinions[0].why == "not known"
    assert stage.counts(10.0, SETTLED) == [6] * SETTLED
    assert stage.at(10.0).count == 1


def test_with_one_of_two_lost_the_other_may_raise_and_not_lower() -> None:
    stage = settled(replace(SCALE, targets=(REQUESTS, QUEUE)), 4, requests=40.0, queue=400.0)
    verdict = stage.look({"requests": 10.0})
    assert (verdict.count, verdict.desired) == (4, 1)
    assert verdict.held == ("queue: not known, so nothing is taken away",)
    assert stage.look({"requests": 70.0}).count == 7


@pytest.mark.parametrize(
    "load",
    [
        None,
        Load(NOW - STALE - 1, TICK, 0.0, 0.0),
        Load(NOW + 1, TICK, 0.0, 0.0),
        Load(NOW, 0.0, 0.0, 0.0),
    ],
    ids=["none", "stale", "from the future", "of no time"],
)
def test_a_load_that_is_not_known_takes_nothing_away(load: Load | None) -> None:
    stage = Stage(BY_OBJECTIVE, 1, NOW - 100 * TICK)
    for _ in range(100):
        stage.serve(40.0)
    before = stage.wanted
    assert (stage.now, before > 3) == (NOW, True)
    verdict = stage.look({}, load=load)
    assert (verdict.count, verdict.winner) == (before, "")
    assert verdict.opinions[0].why == "requests are not known"


def test_a_lost_load_does_not_let_a_target_lower() -> None:
    both = replace(BY_OBJECTIVE, targets=(REQUESTS,), inward=Pace())
    stage = Stage(both, 6)
    for _ in range(100):
        verdict = stage.at(10.0)
        assert (verdict.count, verdict.winner) == (6, "requests")
        assert verdict.held == ("objective: not known, so nothing is taken away",)


def test_nothing_is_taken_away_during_a_roll() -> None:
    """Twice as many endpoints share the load: each is half as busy."""
    stage = settled(BY_CPU, 4, cpu=0.5)
    verdict = stage.look({"cpu": 0.25}, ready=8, surge=4)
    assert (verdict.count, verdict.desired) == (4, 2)
    assert verdict.held == ("a roll is under way",)
    assert stage.look({"cpu": 0.25}).count == 2


@given(st.integers(1, 10), st.integers(0, 10), st.floats(0.0, 2.0))
def test_what_a_roll_runs_beyond_the_count_never_raises_it(
    wanted: int, surge: int, cpu: float
) -> None:
    rolling = Stage(BY_CPU, wanted).look({"cpu": cpu}, ready=wanted + surge, surge=surge)
    assert rolling.count == Stage(BY_CPU, wanted).look({"cpu": cpu}).count


@pytest.mark.parametrize("jump", [-86_400.0, -3600.0, -1.0 - TICK, 60.0, 3600.0, 3e9])
def test_a_clock_that_jumps_takes_nothing_away(jump: float) -> None:
    stage = settled(SCALE, 6, requests=60.0)
    stage.now += jump
    assert stage.counts(10.0, SETTLED) == [6] * SETTLED
    assert stage.at(10.0).count == 1


def test_time_that_nobody_watched_is_not_time_of_fresh_metrics() -> None:
    stage = settled(SCALE, 6, requests=60.0)
    stage.now += STALE
    verdict = stage.at(10.0)
    assert (verdict.count, verdict.held) == (6, ("metrics of 0 s, 60 s are needed",))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), -1.0, -1e308])
@pytest.mark.parametrize(("policy", "name"), [(SCALE, "requests"), (BY_CPU, "cpu")])
def test_what_is_no_number_changes_nothing(policy: Scale, name: str, value: float) -> None:
    stage = settled(policy, 4, **{name: {"requests": 40.0, "cpu": 0.5}[name]})
    verdict = stage.look({name: value})
    assert (verdict.count, verdict.desired, verdict.winner) == (4, 4, "")
    assert (verdict.opinions[0].count, verdict.opinions[0].why) == (None, "not known")


def test_never_more_than_can_be_placed_and_it_says_so() -> None:
    verdict = Stage(SCALE, 4).at(90.0, placeable=6)
    assert (verdict.count, verdict.desired, verdict.missing) == (6, 9, 3)
    assert verdict.held == ("6 can be placed",)


def test_what_runs_is_not_taken_away_because_a_node_has_gone() -> None:
    stage = settled(SCALE, 4, requests=40.0)
    verdict = stage.at(90.0, placeable=2)
    assert (verdict.count, verdict.missing, verdict.held) == (4, 5, ("4 can be placed",))
    verdict = stage.at(40.0, placeable=0)
    assert (verdict.count, verdict.missing, verdict.held) == (4, 0, ())
    assert stage.at(30.0, placeable=0).count == 3


def test_bounds_are_told() -> None:
    stage = settled(replace(SCALE, min=2), 4, requests=40.0)
    verdict = stage.at(1000.0)
    assert (verdict.count, verdict.desired, verdict.held) == (10, 100, ("max 10",))
    for _ in range(SETTLED):
        verdict = stage.at(0.0)
    assert (verdict.count, verdict.desired, verdict.held) == (2, 0, ("min 2",))


def test_bounds_hold_whatever_is_not_known() -> None:
    """A max that was lowered, a min that was raised."""
    assert Stage(replace(SCALE, max=5), 8).look({}).count == 5
    assert Stage(replace(SCALE, min=3), 1).look({}).count == 3


def test_a_schedule_s_bounds_are_told_with_its_name() -> None:
    always = Schedule("* * * * *", 3600.0, min=5, max=7)
    stage = Stage(replace(SCALE, schedules=(always,)), 1)
    verdict = stage.at(10.0)
    assert (verdict.count, verdict.held) == (5, ("min 5 by schedule * * * * * UTC",))
    verdict = stage.at(90.0)
    assert (verdict.count, verdict.held) == (7, ("max 7 by schedule * * * * * UTC",))


@pytest.mark.parametrize(
    ("pace", "first", "second"),
    [(Pace(most=2), 4, 6), (Pace(percent=100.0), 4, 8), (Pace(most=3, percent=50.0), 5, 8)],
    ids=["most", "percent", "whichever is more"],
)
def test_no_more_than_its_pace_out(pace: Pace, first: int, second: int) -> None:
    stage = Stage(replace(SCALE, out=pace), 2)
    verdict = stage.at(100.0)
    assert (verdict.count, verdict.desired) == (first, 10)
    assert verdict.held == (f"at most {first - 2} in 60 s",)
    assert stage.counts(100.0, 12) == [first] * 12
    assert stage.at(100.0).count == second


def test_no_more_than_its_pace_in() -> None:
    stage = settled(replace(SCALE, inward=Pace(most=2, period=30.0)), 9, requests=90.0)
    verdict = stage.at(10.0)
    assert (verdict.count, verdict.held) == (7, ("at most 2 in 30 s",))
    assert stage.counts(10.0, 7) == [7] * 6 + [5]


def test_a_cooldown_is_of_one_way() -> None:
    stage = settled(replace(SCALE, out=Pace(cooldown=30.0)), 2, requests=20.0)
    assert stage.at(30.0).count == 3
    verdict = stage.at(50.0)
    assert (verdict.count, verdict.held) == (3, ("cooldown, 30 s more",))
    assert stage.at(20.0).count == 2
    assert stage.counts(50.0, 5) == [2, 2, 2, 2, 5]


def test_a_change_that_somebody_else_makes_counts_towards_the_pace() -> None:
    stage = Stage(replace(SCALE, out=Pace(cooldown=30.0)), 2)
    assert stage.at(20.0).count == 2
    stage.wanted = 4
    verdict = stage.at(60.0)
    assert (verdict.count, verdict.held) == (4, ("cooldown, 30 s more",))


def test_a_short_dip_lowers_nothing() -> None:
    """Lowered to the most that was wanted in the last 60 seconds."""
    stage = settled(replace(SCALE, inward=Pace(stabilisation=60.0)), 6, requests=60.0)
    verdict = stage.at(10.0)
    assert (verdict.count, verdict.desired) == (6, 1)
    assert verdict.held == ("stabilisation, 6 was wanted of late",)
    assert stage.at(40.0).count == 6
    assert stage.counts(10.0, 13) == [6] * 10 + [4] * 2 + [1]


def test_a_short_peak_raises_nothing_where_that_is_asked_for() -> None:
    stage = settled(replace(SCALE, out=Pace(stabilisation=30.0)), 2, requests=20.0)
    verdict = stage.at(90.0)
    assert (verdict.count, verdict.desired) == (2, 9)
    assert verdict.held == ("stabilisation, 2 was wanted of late",)
    assert stage.at(40.0).count == 2
    assert stage.counts(90.0, 7) == [2] * 4 + [4] * 2 + [9]


def test_the_largest_answer_wins_out_and_all_must_agree_in() -> None:
    stage = settled(replace(SCALE, targets=(REQUESTS, QUEUE)), 4, requests=40.0, queue=400.0)
    verdict = stage.look({"requests": 50.0, "queue": 700.0})
    assert (verdict.count, verdict.winner) == (7, "queue")
    assert [opinion.count for opinion in verdict.opinions] == [5, 7]
    verdict = stage.look({"requests": 10.0, "queue": 700.0})
    assert (verdict.count, verdict.winner) == (7, "queue")
    verdict = stage.look({"requests": 20.0, "queue": 100.0})
    assert (verdict.count, verdict.winner) == (2, "requests")


def test_of_two_that_fight_the_count_does_not_swing() -> None:
    """One wants nine while the other wants one: nine, for as long as that lasts."""
    stage = Stage(replace(SCALE, targets=(REQUESTS, QUEUE)), 4)
    counts = [stage.look({"requests": 90.0, "queue": 0.0}).count for _ in range(50)]
    counts += [stage.look({"requests": 0.0, "queue": 900.0}).count for _ in range(50)]
    assert counts == [9] * 100


def test_a_sleeping_service_wakes_at_any_pace() -> None:
    """To what is wanted: the pace is that of a service that runs."""
    asleep = replace(SCALE, min=0, out=Pace(most=1), keep_alive=60.0)
    stage = Stage(asleep, 0)
    silent = Load(NOW, TICK, 0.0, 0.0)
    assert stage.at(0.0, load=silent).count == 0
    verdict = stage.at(40.0, load=Load(NOW + TICK, TICK, 200.0, 0.0, held=200.0))
    assert (verdict.count, verdict.winner) == (4, "requests")


def test_a_request_that_waits_is_asked_an_endpoint_for_and_that_no_room_is_seen_is_told() -> None:
    stage = Stage(replace(BY_OBJECTIVE, min=0, keep_alive=60.0), 0)
    waits = Load(NOW, TICK, 1.0, 0.0, in_flight=1.0, held=1.0)
    verdict = stage.look({}, load=waits, placeable=0)
    assert (verdict.count, verdict.missing) == (1, 1)
    more = Load(NOW + TICK, TICK, 1.0, 0.0, in_flight=2.0, held=2.0)
    assert stage.look({}, load=more, placeable=1).missing == 0


_VALUES = st.one_of(st.none(), st.floats(), st.floats(0.0, 200.0))
_FINITE = st.one_of(st.floats(0.0, 1e15), st.floats(0.0, 500.0))
_LOADS = st.one_of(
    st.none(),
    st.tuples(st.floats(-30.0, 5.0), st.sampled_from([0.0, 1.0, 5.0]), *[_FINITE] * 4),
)
_STEPS = st.tuples(
    st.one_of(st.just(TICK), st.floats(-1e6, 1e9)),
    _VALUES,
    _VALUES,
    _LOADS,
    st.integers(0, 12),
    st.integers(0, 5),
    st.one_of(st.none(), st.integers(0, 15)),
)
_PACES = st.builds(
    Pace,
    st.integers(0, 4),
    st.sampled_from([0.0, 50.0]),
    st.just(60.0),
    st.sampled_from([0.0, 30.0]),
    st.sampled_from([0.0, 60.0]),
)


@settings(deadline=None)
@given(st.integers(0, 2), _PACES, _PACES, st.booleans(), st.lists(_STEPS, max_size=40))
def test_whatever_comes_the_count_stays_in_its_bounds_and_within_what_can_be_placed(
    least: int, out: Pace, inward: Pace, given: bool, steps: list[Any]
) -> None:
    policy = replace(BY_OBJECTIVE, min=least, targets=(REQUESTS, CPU), out=out, inward=inward)
    stage = Stage(policy if given else replace(policy, capacity=0.0), 3)
    for pause, requests, cpu, load, ready, surge, placeable in steps:
        stage.now += pause - TICK
        values = {"requests": requests, "cpu": cpu}
        before, seen = stage.wanted, None
        if load is not None:
            off, span, arrivals, answers, slow, inside = load
            seen = Load(stage.now + off, span, arrivals, answers, slow, in_flight=inside)
        verdict = stage.look(
            {name: value for name, value in values.items() if value is not None},
            load=seen,
            ready=ready,
            surge=surge,
            placeable=placeable,
        )
        assert least <= verdict.count <= 10
        if placeable is not None and verdict.count > before:
            assert verdict.count <= placeable or verdict.missing == verdict.count - max(
                placeable, before
            )
            assert verdict.count <= placeable or verdict.winner == "requests come"
