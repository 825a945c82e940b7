"""The schedule of checks: each endpoint on its own, so a slow one delays no other."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from fairlead.core.health import Health, judge, next_delay
from fairlead.core.model import Endpoint, HealthCheck
from fairlead.ports import Clock, Prober

AT_ONCE = 256
"""Checks in flight at most: bounds open sockets and processes."""
AT_ONCE_PER_SERVICE = 32
"""The same for one service: endpoints that hang use up their own service's share only."""

REASON_PACE = 0.2
"""Seconds between two reports of an endpoint that differ only in the reason: a command may say
something else each time."""

UNKNOWN = Health()
"""Of an endpoint that was never checked: down."""

Report = Callable[[str, Health], None]
"""Called with an endpoint's id and its health: each time `up` has turned, and while it is down when
the reason has changed."""


class Timer(Protocol):
    def cancel(self) -> None: ...


Later = Callable[[float, Callable[[], None]], Timer]
"""Calls a function after so many seconds; `loop.call_later` is one."""


@dataclass(slots=True, eq=False)
class _Watch:
    """An endpoint's schedule: at any time it has either a timer or a check in flight."""

    endpoint: Endpoint
    check: HealthCheck
    health: Health
    since: float
    timer: Timer | None = None
    task: asyncio.Task[None] | None = None
    told: Health = UNKNOWN
    told_at: float = -math.inf

    def is_news(self, now: float) -> bool:
        if self.health.up != self.told.up:
            return True
        other_reason = not self.health.up and self.health.problem != self.told.problem
        return other_reason and now - self.told_at >= REASON_PACE

    def halt(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
        if self.task is not None:
            self.task.cancel()
        self.timer = self.task = None


@dataclass(slots=True)
class _Share:
    """A service's part of the checks in flight."""

    watched: int = 0
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE_PER_SERVICE))


class Checker:
    """Checks the watched endpoints and keeps their health. Belongs to one event loop."""

    def __init__(
        self,
        prober: Prober,
        clock: Clock,
        report: Report,
        *,
        later: Later | None = None,
        random_unit: Callable[[], float] = random.random,
    ) -> None:
        self._prober, self._clock, self._report = prober, clock, report
        self._later = later or asyncio.get_running_loop().call_later
        self._random_unit = random_unit
        self._watches: dict[str, _Watch] = {}
        self._shares: dict[str, _Share] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    def watch(self, endpoint: Endpoint, check: HealthCheck, initial: Health = UNKNOWN) -> None:
        """Begin to check, or follow a change of the check or the endpoint; else nothing happens.

        `initial` counts only for an endpoint that is not watched yet. One that was up before (it
        is adopted) is first checked somewhere within its interval, a new one at once.
        """
        known = self._watches.get(endpoint.id)
        if known is None:
            self._begin(_Watch(endpoint, check, initial, self._clock.now(), told=initial))
        else:
            self._follow(known, endpoint, check)

    def unwatch(self, endpoint_id: str) -> None:
        """Forget it; a check in flight is cancelled. An unknown id is no error."""
        watch = self._watches.pop(endpoint_id, None)
        if watch is None:
            return
        watch.halt()
        share = self._shares[watch.endpoint.service]
        share.watched -= 1
        if not share.watched:
            del self._shares[watch.endpoint.service]

    async def close(self) -> None:
        """Forget all and wait until no check is in flight."""
        for endpoint_id in tuple(self._watches):
            self.unwatch(endpoint_id)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, watch: _Watch) -> None:
        self._watches[watch.endpoint.id] = watch
        self._shares.setdefault(watch.endpoint.service, _Share()).watched += 1
        adopted = watch.health.ever_up
        self._schedule(watch, self._random_unit() * watch.check.interval if adopted else 0.0)

    def _follow(self, watch: _Watch, endpoint: Endpoint, check: HealthCheck) -> None:
        old = watch.endpoint
        same = (check, endpoint.address, endpoint.port) == (watch.check, old.address, old.port)
        watch.endpoint, watch.check = endpoint, check
        if not same:
            watch.halt()
            self._schedule(watch, 0.0)

    def _schedule(self, watch: _Watch, delay: float) -> None:
        if watch.timer is not None:
            watch.timer.cancel()
        watch.timer = self._later(delay, lambda: self._fire(watch))

    def _fire(self, watch: _Watch) -> None:
        watch.timer = None
        watch.task = asyncio.create_task(self._check(watch))
        self._tasks.add(watch.task)
        watch.task.add_done_callback(self._tasks.discard)

    async def _check(self, watch: _Watch) -> None:
        task = asyncio.current_task()
        try:
            async with self._shares[watch.endpoint.service].slots, self._slots:
                problem = await self._prober.probe(watch.check, watch.endpoint)
            self._judge(watch, problem)
        finally:
            if watch.task is task:
                watch.task = None
                self._schedule(watch, self._delay(watch))

    def _judge(self, watch: _Watch, problem: str) -> None:
        watch.health = judge(watch.health, watch.check, problem, self._clock.wall())
        now = self._clock.now()
        if watch.is_news(now):
            watch.told, watch.told_at = watch.health, now
            self._report(watch.endpoint.id, watch.health)

    def _delay(self, watch: _Watch) -> float:
        age = self._clock.now() - watch.since
        return next_delay(watch.health, watch.check, age, self._random_unit())
