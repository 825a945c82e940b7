"""One round of checks: each endpoint until its verdict stands, or the time is over."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from fairlead.core.health import Health, judge, next_delay
from fairlead.core.model import Endpoint, HealthCheck
from fairlead.ports import Clock, Prober
from fairlead.probes.checker import AT_ONCE, UNKNOWN, Report

_MIDDLE = 0.5


@dataclass(frozen=True, slots=True)
class _Due:
    endpoint: Endpoint
    check: HealthCheck
    initial: Health


@dataclass(slots=True)
class OneRound:
    """Implements ports.Checks: what is watched is checked when `run` is called, and not again.

    A verdict is judged as the ones of the schedule are: `rise` passes, `fall` failures. An endpoint
    that never passed yet has all the time to do so, any other is believed after that many checks.
    """

    prober: Prober
    clock: Clock
    report: Report
    _due: dict[str, _Due] = field(default_factory=dict)

    def watch(self, endpoint: Endpoint, check: HealthCheck, initial: Health = UNKNOWN) -> None:
        self._due[endpoint.id] = _Due(endpoint, check, initial)

    def unwatch(self, endpoint_id: str) -> None:
        self._due.pop(endpoint_id, None)

    async def run(self, deadline: float) -> None:
        """Until all verdicts stand; none is begun after `deadline` (monotonic seconds)."""
        slots = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*(self._settle(due, deadline, slots) for due in self._due.values()))

    async def close(self) -> None:
        self._due.clear()

    async def _settle(self, due: _Due, deadline: float, slots: asyncio.Semaphore) -> None:
        health, began = due.initial, self.clock.now()
        while True:
            async with slots:
                problem = await self.prober.probe(due.check, due.endpoint)
            health = judge(health, due.check, problem, self.clock.wall())
            pause = next_delay(health, due.check, self.clock.now() - began, _MIDDLE)
            if _stands(health) or self.clock.now() + pause > deadline:
                break
            await asyncio.sleep(pause)
        self.report(due.endpoint.id, health)


def _stands(health: Health) -> bool:
    return health.ever_up and health.streak == 0
