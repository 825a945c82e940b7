"""Schedules: which bounds hold when, over changes of the clock, and when the next ones will."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.model import Service
from fairlead.core.scaling.cron import instants
from fairlead.core.scaling.policy import Scale, Schedule
from fairlead.core.scaling.schedules import HORIZON, bounds_at, may_sleep, next_change

BERLIN = ZoneInfo("Europe/Berlin")
HOUR, DAY = 3600.0, 86400.0
OFFICE = Schedule("0 8 * * mon-fri", 10 * HOUR, "Europe/Berlin", min=3)
ONE = Scale(min=1, max=10, schedules=(OFFICE,))


def _berlin(text: str) -> float:
    """Epoch seconds of a time in Berlin, or of one that says its offset."""
    time = datetime.fromisoformat(text)
    return (time if time.tzinfo else time.replace(tzinfo=BERLIN)).timestamp()


@pytest.mark.parametrize(
    ("now", "bounds"),
    [
        ("2026-11-25 07:59:59", (1, 10, "")),  # a Wednesday
        ("2026-11-25 08:00:00", (3, 10, "0 8 * * mon-fri Europe/Berlin")),
        ("2026-11-25 17:59:59", (3, 10, "0 8 * * mon-fri Europe/Berlin")),
        ("2026-11-25 18:00:00", (1, 10, "")),
        ("2026-11-28 12:00:00", (1, 10, "")),  # a Saturday
    ],
)
def test_a_schedule_holds_from_its_start_until_it_has_lasted(
    now: str, bounds: tuple[int, int, str]
) -> None:
    assert bounds_at(ONE, _berlin(now)) == bounds


@pytest.mark.parametrize(
    ("cron", "hours", "inside", "outside"),
    [
        # 02:30 does not come on 29 March: it is 03:00, and an hour from then.
        (
            "30 2 * * *",
            1,
            ["2026-03-29 03:00:00", "2026-03-29 03:59:59"],
            ["2026-03-29 01:59:59", "2026-03-29 04:00:00"],
        ),
        # 02:30 comes twice on 25 October: the first one counts, and an hour passes from then.
        (
            "30 2 * * *",
            1,
            ["2026-10-25T02:30:00+02:00", "2026-10-25T02:29:59+01:00"],
            ["2026-10-25T02:29:59+02:00", "2026-10-25T02:30:00+01:00"],
        ),
        # Ten hours are ten hours: the night of the change, they end an hour later by the clock …
        ("0 22 * * sat", 10, ["2026-03-29 08:59:59"], ["2026-03-29 09:00:00"]),
        # … and an hour earlier when the clock is put back.
        ("0 22 * * sat", 10, ["2026-10-25 06:59:59"], ["2026-10-25 07:00:00"]),
        # Every half hour for ten minutes, in both of the hours that are called two.
        (
            "*/30 * * * *",
            1 / 6,
            ["2026-10-25T02:05:00+02:00", "2026-10-25T02:05:00+01:00"],
            ["2026-10-25T02:10:00+02:00", "2026-10-25T02:10:00+01:00"],
        ),
    ],
)
def test_when_the_clock_is_changed(
    cron: str, hours: float, inside: list[str], outside: list[str]
) -> None:
    scale = Scale(min=1, schedules=(Schedule(cron, hours * HOUR, "Europe/Berlin", min=3),))
    assert [bounds_at(scale, _berlin(time))[0] for time in inside] == [3] * len(inside)
    assert [bounds_at(scale, _berlin(time))[0] for time in outside] == [1] * len(outside)


def test_of_several_the_largest_min_and_the_largest_max_hold() -> None:
    noon = Schedule("0 12 * * *", 2 * HOUR, min=5)
    small = Schedule("0 0 * * *", DAY, max=4)
    large = Schedule("0 13 * * *", 2 * HOUR, min=2, max=20)
    scale = Scale(min=1, max=10, schedules=(noon, small, large))
    at = datetime.fromisoformat("2026-11-25T00:00:00Z").timestamp()
    assert bounds_at(scale, at + 6 * HOUR) == (1, 4, "0 0 * * * UTC")
    assert bounds_at(scale, at + 12.5 * HOUR) == (5, 10, "0 12 * * * UTC")
    assert bounds_at(scale, at + 13.5 * HOUR) == (5, 20, "0 12 * * * UTC, 0 13 * * * UTC")
    assert bounds_at(scale, at + 14.5 * HOUR) == (2, 20, "0 13 * * * UTC")


def test_a_schedule_may_let_a_service_sleep() -> None:
    scale = Scale(min=2, schedules=(Schedule("0 0 * * *", 6 * HOUR, "Europe/Berlin", min=0),))
    assert bounds_at(scale, _berlin("2026-11-25 03:00:00"))[0] == 0
    assert bounds_at(scale, _berlin("2026-11-25 06:00:00"))[0] == 2


@pytest.mark.parametrize(
    ("scale", "may"),
    [
        (Scale(min=0), True),
        (Scale(min=1), False),
        (Scale(min=1, schedules=(Schedule("0 0 * * *", HOUR, min=0),)), True),
        (Scale(min=0, schedules=(Schedule("0 0 * * *", HOUR, min=1),)), True),
        (Scale(min=1, schedules=(Schedule("0 0 * * *", HOUR, max=2),)), False),
    ],
)
def test_who_may_sleep_at_some_time(scale: Scale, may: bool) -> None:
    assert may_sleep(scale) == may
    assert Service("a", run=("x",), replicas=0, scale=scale).asleep == may
    assert not Service("a", run=("x",), replicas=1, scale=scale).asleep


def test_the_next_change() -> None:
    friday, monday = _berlin("2026-11-27 08:00:00"), _berlin("2026-11-30 08:00:00")
    assert next_change(ONE, friday - 1) == friday
    assert next_change(ONE, friday) == friday + 10 * HOUR
    assert next_change(ONE, friday + 10 * HOUR) == monday


def test_no_change_comes_where_bounds_stay() -> None:
    now = _berlin("2026-11-25 12:00:00")
    always = Schedule("* * * * *", 90.0, min=4)
    leap_day = Schedule("0 0 29 2 *", DAY, min=4)
    masked = Schedule("0 0 * * *", HOUR, min=2)
    assert next_change(Scale(), now) is None
    assert next_change(Scale(schedules=(leap_day,)), now) is None
    assert next_change(Scale(schedules=(masked, always)), now) is None
    assert next_change(Scale(schedules=(masked,)), now) is not None


@pytest.mark.parametrize("now", [float("nan"), float("inf"), -float("inf"), 1e308, -1.0, 2.6e11])
def test_a_time_that_no_calendar_has_leaves_the_services_own_bounds(now: float) -> None:
    assert bounds_at(ONE, now) == (1, 10, "")
    assert next_change(ONE, now) is None


@given(st.permutations(range(48)))
def test_a_clock_that_jumps_gets_the_answers_of_one_that_runs(hours: list[int]) -> None:
    begin = _berlin("2026-10-24 12:00:00")
    running = {hour: bounds_at(ONE, begin + hour * HOUR) for hour in range(48)}
    assert {hour: bounds_at(ONE, begin + hour * HOUR) for hour in hours} == running


ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/Santiago", "Australia/Lord_Howe"])
CRONS = st.sampled_from(
    ["0 8 * * mon-fri", "30 2 * * *", "0 0 * * *", "*/20 * * * *", "15 */6 * * *", "0 0 1 * *"]
)
SCHEDULES = st.builds(
    Schedule,
    cron=CRONS,
    lasts=st.sampled_from([60.0, 600.0, HOUR, 10 * HOUR, DAY, 7 * DAY]),
    zone=ZONES,
    min=st.none() | st.integers(0, 8),
    max=st.none() | st.integers(9, 20),
)
SCALES = st.lists(SCHEDULES, max_size=3).map(lambda several: Scale(2, 10, schedules=tuple(several)))
MOMENTS = st.floats(1.77e9, 1.84e9)


def _by_hand(scale: Scale, now: float) -> tuple[int, int]:
    """Every start of the last nine days looked at, one by one."""
    today = (datetime.fromtimestamp(now, BERLIN) - timedelta(days=9)).toordinal()
    ruling = [
        each
        for each in scale.schedules
        if any(
            start <= now < start + each.lasts
            for day in range(today, today + 12)
            for start in instants(each.cron, each.zone, day)
        )
    ]
    if not ruling:
        return scale.min, scale.max
    lows = [scale.min if each.min is None else each.min for each in ruling]
    return max(lows), max(scale.max if each.max is None else each.max for each in ruling)


@given(SCALES, MOMENTS)
def test_bounds_are_those_of_a_search_through_all_starts(scale: Scale, now: float) -> None:
    low, high, why = bounds_at(scale, now)
    assert (low, high) == _by_hand(scale, now)
    assert low <= high
    assert bool(why) or (low, high) == (2, 10)


@given(SCALES, MOMENTS, st.lists(st.floats(0, 1), max_size=20))
def test_bounds_hold_until_their_next_change(scale: Scale, now: float, shares: list[float]) -> None:
    bounds, change = bounds_at(scale, now)[:2], next_change(scale, now)
    until = now + HORIZON if change is None else change
    for share in shares:
        at = now + share * (until - now)
        assert at == until or bounds_at(scale, at)[:2] == bounds
    if change is not None:
        assert now < change
        assert bounds_at(scale, change)[:2] != bounds
