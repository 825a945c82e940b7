"""A load at a given rate, whatever becomes of the answers: what many independent users send.

Each request is counted in the second in which it was due, and its latency from that moment on, so
that a service that is too slow is not spared by clients that wait for it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from bench.load import Call, Connection, Failed, describe

SLOW, BUDGET = 0.25, 0.05
"""A second is in violation when a larger share than BUDGET of its requests takes longer."""
TIMEOUT = 60.0
KEPT = 15.0
"""Seconds that an idle connection is kept: well below the time after which nginx ends it itself."""


@dataclass(slots=True)
class Second:
    requests: int = 0
    slow: int = 0


@dataclass(slots=True)
class Paced:
    """`rate` (requests a second, with Poisson's arrivals) may be set while it runs."""

    host: str
    port: int
    call: Call
    rate: float
    address: str = "127.0.0.1"
    seed: int = 1
    failed: Counter[str] = field(default_factory=Counter)
    seconds: dict[int, Second] = field(default_factory=lambda: defaultdict(Second))
    begin: float = 0.0
    _idle: list[tuple[float, Connection]] = field(default_factory=list)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Until `stop`; requests in flight then are waited for."""
        draw, request = random.Random(self.seed), self.call.render(self.host)
        self.begin = due = time.monotonic()
        async with asyncio.TaskGroup() as group:
            while not self._stopping.is_set():
                due += draw.expovariate(self.rate)
                await self._until(due)
                group.create_task(self._ask(request, due))
        for _, connection in self._idle:
            connection.close()

    def stop(self) -> None:
        self._stopping.set()

    @property
    def requests(self) -> int:
        return sum(second.requests for second in self.seconds.values())

    def now(self) -> int:
        """The second that it is, of those that are counted."""
        return int(time.monotonic() - self.begin)

    def in_violation(self, since: int = 0, until: int = 1 << 40) -> list[int]:
        """The seconds from `since` to `until` in which too many requests were slow or failed."""
        of = sorted(at for at in self.seconds if since <= at < until)
        return [at for at in of if self.seconds[at].slow > BUDGET * self.seconds[at].requests]

    async def _until(self, due: float) -> None:
        try:
            async with asyncio.timeout(max(0.0, due - time.monotonic())):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def _ask(self, request: bytes, due: float) -> None:
        second = self.seconds[int(due - self.begin)]
        second.requests += 1
        try:
            async with asyncio.timeout(TIMEOUT):
                ok = await self._exchange(request)
        except (OSError, EOFError, ValueError, Failed) as error:
            self.failed[describe(error)] += 1
            ok = False
        second.slow += not ok or time.monotonic() - due > SLOW

    async def _exchange(self, request: bytes) -> bool:
        connection = self._kept() or await Connection.open(self.address, self.port)
        try:
            answer = await connection.send(request)
        except BaseException:
            connection.close()
            raise
        if answer.last:
            connection.close()
        else:
            self._idle.append((time.monotonic(), connection))
        if answer.status != self.call.status:
            self.failed[f"status {answer.status}"] += 1
        return answer.status == self.call.status

    def _kept(self) -> Connection | None:
        """The one that was used last; those that have been idle for long are ended."""
        old = time.monotonic() - KEPT
        while self._idle and self._idle[0][0] < old:
            self._idle.pop(0)[1].close()
        return self._idle.pop()[1] if self._idle else None
