"""AWS target tracking against examples worked by hand from its published rules.

Sources: the Application Auto Scaling user guide, how target tracking works, and its cooldowns; the
ECS developer guide; aws/containers-roadmap#1208 (3 of 3 points of a minute, 15 of 15).
"""

from __future__ import annotations

from collections.abc import Callable

from fairlead.core.backtest.aws import FAST, TargetTracking, Tracked
from tests.core.backtest.given import Given


def cpu(interval: int = 60) -> TargetTracking:
    return TargetTracking("aws", Tracked.CPU, 0.6, 300, interval)


def run(
    scaler: TargetTracking, history: Given, until: int, count: int, ready: Callable[[int], int]
) -> dict[int, int]:
    """The count after each look, where the history's tasks are those that `ready` says."""
    history.of_ready = ready
    counts = {}
    for now in range(0, until + 1, scaler.interval):
        count = scaler.look(now, count, ready(now), history)
        counts[now] = count
    return counts


def test_out_after_three_points_that_come_late() -> None:
    """From 600 on all is busy: the points of 600, 660 and 720 are whole at 780 and published a
    minute later. 4 tasks at 100 % by a target of 60 %: ceil(6.67)."""
    history = Given(of_busy=lambda at: 1.0 if at >= 600 else 0.58)
    counts = run(cpu(), history, 840, 4, lambda _: 4)
    assert counts[780] == 4
    assert counts[840] == 7


def test_two_points_are_not_enough() -> None:
    history = Given(of_busy=lambda at: 1.0 if 600 <= at < 720 else 0.58)
    assert set(run(cpu(), history, 1200, 4, lambda _: 4).values()) == {4}


def test_points_of_twenty_seconds() -> None:
    """Three of them are whole at 660, and published 20 s later."""
    history = Given(of_busy=lambda at: 1.0 if at >= 600 else 0.58)
    counts = run(cpu(FAST), history, 680, 4, lambda _: 4)
    assert counts[660] == 4
    assert counts[680] == 7


def test_in_after_fifteen_points_below_nine_tenths() -> None:
    """Fifteen points are whole at 900, published at 960: ceil(10 x 0.3 / 0.6) = 5."""
    counts = run(cpu(), Given(of_busy=0.3), 960, 10, lambda _: 10)
    assert counts[900] == 10
    assert counts[960] == 5


def test_in_takes_fifteen_minutes_of_the_faster_points_too() -> None:
    """45 points of 20 s are whole at 900, published at 920."""
    counts = run(cpu(FAST), Given(of_busy=0.3), 920, 10, lambda _: 10)
    assert counts[900] == 10
    assert counts[920] == 5


def test_between_nine_tenths_and_the_target_nothing_happens() -> None:
    assert set(run(cpu(), Given(of_busy=0.545), 3000, 10, lambda _: 10).values()) == {10}


def test_cooldown_of_scaling_in() -> None:
    """The alarm stays on, but the next scale-in waits for 300 s."""
    scaler = cpu()
    first = run(scaler, Given(of_busy=0.3), 960, 10, lambda _: 10)
    assert first[960] == 5
    history = Given(of_busy=0.3, of_ready=5.0)
    looks = {now: scaler.look(now, 5, 5, history) for now in range(1020, 1261, 60)}
    assert {looks[now] for now in range(1020, 1260, 60)} == {5}
    assert looks[1260] == 3


def test_within_the_cooldown_only_a_larger_scale_out_acts() -> None:
    """Requests: 4 tasks at 100 a second by a target of 30 want 14, which start until 300; the
    points of 180 and 240 say the same and add nothing. At 800 a second 27 are wanted: at once."""
    scaler = TargetTracking("aws-requests", Tracked.REQUESTS, 30.0, 60)
    history = Given(of_arrivals=lambda at: 400.0 if at < 300 else 800.0)
    counts = run(scaler, history, 420, 4, lambda at: 4 if at < 300 else 14)
    assert counts == {0: 4, 60: 4, 120: 4, 180: 4, 240: 14, 300: 14, 360: 14, 420: 27}


def test_insufficient_data_does_nothing() -> None:
    """The guide: no scale-in for want of data."""
    counts = run(cpu(), Given(of_busy=0.0), 1800, 3, lambda _: 0)
    assert set(counts.values()) == {3}
