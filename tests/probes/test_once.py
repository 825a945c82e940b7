"""One round of checks: verdicts as the schedule would reach them, within the time."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from fairlead.clock import SystemClock
from fairlead.core.health import Health
from fairlead.core.model import Endpoint, HealthCheck
from fairlead.probes.once import OneRound

CHECK = HealthCheck(interval=0.01, start_interval=0.01, rise=2, fall=3)
UP = Health(up=True, ever_up=True, ready_at=1.0)
NEW = Health()


@dataclass
class Script:
    """Answers as it is told, then with the last answer for ever."""

    answers: dict[str, list[str]]
    asked: dict[str, int] = field(default_factory=dict)

    async def probe(self, check: HealthCheck, endpoint: Endpoint) -> str:
        number = self.asked[endpoint.id] = self.asked.get(endpoint.id, 0) + 1
        answers = self.answers[endpoint.id]
        return answers[min(number, len(answers)) - 1]


async def outcome(answers: list[str], initial: Health, seconds: float = 5.0) -> tuple[Health, int]:
    script, told = Script({"a": answers}), {}
    clock = SystemClock()
    checks = OneRound(script, clock, told.__setitem__)
    checks.watch(Endpoint("a", "catalog", "n", "127.0.0.1", 1), CHECK, initial)
    await checks.run(clock.now() + seconds)
    return told["a"], script.asked["a"]


@pytest.mark.parametrize(
    ("answers", "initial", "up", "asked"),
    [
        ([""], UP, True, 1),
        (["no"], UP, False, 3),
        (["no", ""], UP, True, 2),
        (["no", "no", ""], UP, True, 3),
        ([""], NEW, True, 2),
        (["no", "no", "no", "no", ""], NEW, True, 6),
        (["no"], Health(up=False, ever_up=True), False, 1),
    ],
)
async def test_each_is_asked_until_its_verdict_stands(
    answers: list[str], initial: Health, up: bool, asked: int
) -> None:
    health, times = await outcome(answers, initial)
    assert (health.up, times) == (up, asked)


async def test_a_new_one_that_does_not_pass_is_given_up_at_the_deadline() -> None:
    health, times = await outcome(["no"], NEW, 0.1)
    assert (health.up, health.ever_up, health.problem) == (False, False, "no")
    assert times > 1


async def test_without_any_time_each_is_still_asked_once() -> None:
    health, times = await outcome(["no"], UP, 0.0)
    assert (health.up, times) == (True, 1)


async def test_one_that_is_unwatched_is_not_asked() -> None:
    script, told = Script({"a": [""]}), {}
    checks = OneRound(script, SystemClock(), told.__setitem__)
    checks.watch(Endpoint("a", "catalog", "n", "127.0.0.1", 1), CHECK, NEW)
    checks.unwatch("a")
    await checks.run(SystemClock().now() + 1)
    assert (script.asked, told) == ({}, {})
