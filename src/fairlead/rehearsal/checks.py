"""Container health checks, with the rules of Docker's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from fairlead.core.ecs.model import HEALTHY, UNHEALTHY, HealthCommand

Probe = Callable[[float], Awaitable[bool]]
"""Runs the command once within so many seconds; whether it passed."""


async def check(health: HealthCommand, probe: Probe, report: Callable[[str], None]) -> None:
    """Probe again and again, until cancelled. The first probe is one interval after the start;
    failures within the start period do not count."""
    loop = asyncio.get_running_loop()
    begun, failures, passed = loop.time(), 0, False
    while True:
        await asyncio.sleep(health.interval)
        if await probe(health.timeout):
            failures, passed = 0, True
            report(HEALTHY)
        elif passed or loop.time() - begun >= health.start_period:
            failures += 1
            if failures >= health.retries:
                report(UNHEALTHY)
