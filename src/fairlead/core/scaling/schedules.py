"""The bounds of a service's count at a moment, as its schedules have them.

A schedule is in force from each time that its cron fields name until it has lasted, in seconds that
pass and not in those that a clock shows. It takes the place of the service's own bounds. Of several
that are in force at once the largest min and the largest max hold. All of it follows from the
moment alone, so a clock that jumps is no event here: the answer is that of the new time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime
from heapq import merge

from fairlead.core.scaling.cron import instants, zone_of
from fairlead.core.scaling.policy import Scale, Schedule

_DAY = 86400.0
LONGEST = 7 * _DAY
"""The most seconds that one schedule may last, from each time that it begins."""
HORIZON = 31 * _DAY
"""How far ahead `next_change` looks."""
_LAST = 250_000_000_000.0
"""Epoch seconds of the year 9892: until then there is a calendar to ask."""


def bounds_at(scale: Scale, now: float) -> tuple[int, int, str]:
    """The least and the most endpoints at `now` (epoch seconds), and which schedules say so.

    The last is empty where the service's own bounds hold.
    """
    ruling = [each for each in scale.schedules if _in_force(each, now)]
    if not ruling:
        return scale.min, scale.max, ""
    bounds = [bounds_of(each, scale) for each in ruling]
    low, high = max(low for low, _ in bounds), max(high for _, high in bounds)
    deciding = [
        told(each)
        for each, (least, most) in zip(ruling, bounds, strict=True)
        if least == low or most == high
    ]
    return low, high, ", ".join(deciding)


def next_change(scale: Scale, now: float) -> float | None:
    """The first moment after `now` at which other bounds hold; None where HORIZON has none."""
    low, high, _ = bounds_at(scale, now)
    edges = merge(*(_edges(each, now) for each in scale.schedules))
    return next((at for at in edges if bounds_at(scale, at)[:2] != (low, high)), None)


def bounds_of(schedule: Schedule, scale: Scale) -> tuple[int, int]:
    """What a schedule says while it is in force; what it leaves out is the service's own."""
    low = scale.min if schedule.min is None else schedule.min
    return low, scale.max if schedule.max is None else schedule.max


def may_sleep(scale: Scale) -> bool:
    """Whether the count may ever be none."""
    return min([scale.min, *(bounds_of(each, scale)[0] for each in scale.schedules)]) == 0


def told(schedule: Schedule) -> str:
    return f"{schedule.cron} {schedule.zone}"


def _in_force(schedule: Schedule, now: float) -> bool:
    """Whether a start lies within the time that it lasts, up to now."""
    if not 0 <= now <= _LAST:
        return False
    first, last = _ordinal(schedule, now - schedule.lasts), _ordinal(schedule, now)
    for day in range(last, first - 1, -1):
        starts = instants(schedule.cron, schedule.zone, day)
        if before := bisect_right(starts, now):
            return now < starts[before - 1] + schedule.lasts
    return False


def _edges(schedule: Schedule, now: float) -> Iterator[float]:
    """When it comes into force and when it goes out of it, in order, after `now`."""
    until: float | None = None
    for start in _starts(schedule, now):
        if until is not None and start > until:
            if until > now:
                yield until
            until = None
        if until is None and start > now:
            yield start
        until = start + schedule.lasts
    if until is not None and until > now:
        yield until


def _starts(schedule: Schedule, now: float) -> Iterator[float]:
    """Those from which it may still be in force, and those to come within HORIZON."""
    begin, end = now - schedule.lasts, now + HORIZON
    if not 0 <= now <= _LAST:
        return
    for day in range(_ordinal(schedule, begin), _ordinal(schedule, end) + 1):
        yield from (at for at in instants(schedule.cron, schedule.zone, day) if begin < at <= end)


def _ordinal(schedule: Schedule, at: float) -> int:
    """The day that it is then, where the schedule's clock hangs."""
    return datetime.fromtimestamp(at, zone_of(schedule.zone)).toordinal()
