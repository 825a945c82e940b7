"""To sleep or not: every case of what is known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fairlead.core.scaling.decide import Decider
from fairlead.core.scaling.idle import SHORTEST, UNKNOWN, Idle
from fairlead.core.scaling.policy import Scale, Schedule
from fairlead.core.scaling.rest import START, noticed, rest
from fairlead.core.scaling.verdict import Load, Sight, Verdict

POLICY = Scale(min=0)
NOW = 100_000.0
SILENT = Load(NOW, 5.0, 0.0, 0.0)
AWAKE = Sight(NOW, wanted=1, ready=1, load=SILENT)
ASLEEP = Sight(NOW, wanted=0, ready=0, load=SILENT)
HOURLY = (3600.0,) * 8


def idle(seconds: float, gaps: tuple[float, ...] = ()) -> Idle:
    return Idle(gaps, NOW - seconds)


def said(of: Idle, sight: Sight, count: int = 1, policy: Scale = POLICY) -> tuple[int, str]:
    verdict = rest(policy, of, sight, Verdict(count, count, winner="requests"))
    return verdict.count, verdict.winner


def test_it_sleeps_after_its_keep_alive_and_says_for_how_long_nobody_came() -> None:
    assert said(idle(UNKNOWN - 1), AWAKE) == (1, "requests")
    assert said(idle(UNKNOWN - 1), AWAKE, count=0) == (1, "its keep-alive")
    assert said(idle(720), AWAKE) == (0, "no request for 12 m")


def test_a_keep_alive_that_is_given_stands() -> None:
    policy = replace(POLICY, keep_alive=30.0)
    assert said(idle(29, HOURLY), AWAKE, policy=policy) == (1, "requests")
    assert said(idle(31, HOURLY), AWAKE, policy=policy) == (0, "no request for 31 s")


def test_it_is_woken_before_a_request_is_expected() -> None:
    before = 3600 - START
    assert said(idle(SHORTEST + 1, HOURLY), AWAKE) == (0, "no request for 61 s")
    assert said(idle(before - 20, HOURLY), ASLEEP)[0] == 0
    assert said(idle(before, HOURLY), ASLEEP, count=0) == (1, "a request is expected")
    assert said(idle(3700, HOURLY), AWAKE)[0] == 0


@pytest.mark.parametrize(
    "load",
    [
        replace(SILENT, arrivals=1.0),
        replace(SILENT, in_flight=1.0),
        replace(SILENT, held=1.0),
    ],
)
def test_with_requests_it_neither_sleeps_nor_stays_asleep(load: Load) -> None:
    long = idle(90_000)
    assert said(long, replace(AWAKE, load=load), count=0) == (1, "requests come")
    assert said(long, replace(AWAKE, load=load), count=3) == (3, "requests")
    assert said(long, replace(ASLEEP, load=load), count=0) == (1, "requests come")


def test_where_nothing_is_known_nobody_falls_asleep_or_is_woken() -> None:
    blind = replace(AWAKE, load=None)
    assert said(idle(90_000), blind, count=0) == (1, "nothing is known of its load")
    assert said(idle(90_000), replace(blind, wanted=0)) == (0, "asleep")
    assert noticed(idle(5), blind) == idle(5)


def test_after_a_restart_of_fairlead_it_sleeps_on() -> None:
    first = noticed(Idle(), ASLEEP)
    assert said(first, ASLEEP, count=1) == (0, "asleep")


def test_only_the_last_endpoint_goes_to_sleep() -> None:
    assert said(idle(90_000), replace(AWAKE, wanted=3), count=2) == (2, "requests")


@pytest.mark.parametrize(
    "policy",
    [Scale(min=0), Scale(min=1, schedules=(Schedule("* * * * *", 3600.0, min=0),))],
    ids=["always", "by schedule"],
)
def test_the_decider_lets_it_sleep_when_its_bounds_of_now_do(policy: Scale) -> None:
    decide, sight = Decider(), AWAKE
    counts = []
    for _ in range(200):
        sight = replace(sight, now=sight.now + 5, load=replace(SILENT, at=sight.now + 5))
        verdict = decide(policy, sight)
        counts.append(verdict.count)
        sight = replace(sight, wanted=verdict.count, ready=verdict.count)
    asleep = counts.index(0)
    assert UNKNOWN <= 5 * asleep < UNKNOWN + 10
    assert set(counts[asleep:]) == {0}
    waiting = replace(sight, load=replace(sight.load or SILENT, held=1.0))
    assert decide(policy, waiting).count == 1


def test_the_decider_lets_nobody_sleep_below_min_1() -> None:
    decide, sight = Decider(), AWAKE
    for _ in range(200):
        sight = replace(sight, now=sight.now + 5, load=replace(SILENT, at=sight.now + 5))
        assert decide(Scale(min=1), sight).count == 1


def test_what_was_counted_before_a_restart_is_not_learned_again() -> None:
    """Every hour: it sleeps after a minute, without having seen a request itself."""
    decide = Decider()
    decide.recall((at, int(at % 3600 == 0)) for at in range(3600, 90_000, 60))
    sight, counts = AWAKE, []
    for _ in range(20):
        sight = replace(sight, now=sight.now + 5, load=replace(SILENT, at=sight.now + 5))
        counts.append(decide(POLICY, sight).count)
    assert counts[:12] == [1] * 12
    assert counts[13:] == [0] * 7
