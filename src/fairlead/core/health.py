"""Health of one endpoint: results of checks come in, a verdict and the next delay come out.

A verdict turns only when `rise` passes or `fall` failures have come in a row, as HAProxy's `rise`
and `fall` do: one lost packet takes nothing out, one lucky answer puts nothing in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from fairlead.core.model import CheckKind, HealthCheck

CONFIRM = 0.5
"""Seconds until a result that contradicts the verdict is checked again, if `interval` is longer."""
LEAST = 0.005
"""No delay is shorter, whatever the settings: a jitter of 1 must not make a check spin."""
TIGHT = 10.0
"""For so many seconds a starting endpoint is checked at `start_interval`."""
STRETCH = 50.0
"""Then each further such span adds one `start_interval` to the delay: 40 ms after a minute."""
WIDEST = 10
"""The delay of a starting endpoint never exceeds so many times `start_interval`."""


@dataclass(frozen=True, slots=True)
class Health:
    """What is believed of an endpoint. A new one starts down.

    `streak` counts the results in a row that contradict `up`. `problem` is why the last failed
    check failed; it is kept until a pass confirms that the endpoint is up. `ready_at` is when `up`
    last became true, in seconds since the epoch, 0 for never.
    """

    up: bool = False
    ever_up: bool = False
    streak: int = 0
    problem: str = ""
    ready_at: float = 0.0


def judge(health: Health, check: HealthCheck, problem: str, now: float) -> Health:
    """The verdict after one more result: `problem` is empty for a pass. `now`: epoch seconds."""
    passed = not problem
    if passed == health.up:
        return replace(health, streak=0, problem=problem)
    streak = health.streak + 1
    if streak < (check.rise if passed else check.fall):
        return replace(health, streak=streak, problem=problem or health.problem)
    ready_at = now if passed else health.ready_at
    return Health(passed, True, 0, problem, ready_at)


def next_delay(health: Health, check: HealthCheck, age: float, random_unit: float) -> float:
    """Seconds from the end of a check to the next one.

    `age` is how long the endpoint has been watched, in seconds; `random_unit` lies in [0, 1).
    """
    if not health.ever_up:
        return _starting(check, age)
    base = min(check.interval, CONFIRM) if health.streak else check.interval
    return max(base * (1 + check.jitter * (2 * random_unit - 1)), LEAST)


def _starting(check: HealthCheck, age: float) -> float:
    """Fast, because readiness waits for it; slower with age, because a slow start needs its CPU.

    A command costs a process each time, so it goes at the widest pace from the beginning.
    """
    grown = min(1 + max(age - TIGHT, 0.0) / STRETCH, WIDEST)
    factor = WIDEST if check.kind is CheckKind.COMMAND else grown
    return max(min(check.start_interval * factor, max(check.interval, check.start_interval)), LEAST)
