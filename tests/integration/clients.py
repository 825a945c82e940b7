"""Clients that know a name only: each resolves it, keeps the answer for the TTL, and asks one of
the addresses, on a connection of its own for each request."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable

from bench.load import Call, Connection, Failed, describe
from tests.ground import until


class Clients:
    """`answered` counts by node and instance: the address that was asked, and its X-Instance."""

    def __init__(
        self,
        resolve: Callable[[], Awaitable[set[str]]],
        ttl: float,
        name: str,
        port: int,
        count: int = 4,
        path: str = "/a",
    ) -> None:
        self._resolve, self._ttl, self._name, self._port = resolve, ttl, name, port
        self._over, self._path = False, path
        self.failed: list[str] = []
        self.answered: Counter[tuple[str, str]] = Counter()
        self._tasks = [asyncio.create_task(self._ask()) for _ in range(count)]

    async def _ask(self) -> None:
        addresses, until_then = [""], 0.0
        while not self._over:
            if time.monotonic() >= until_then:
                addresses, until_then = sorted(await self._resolve()), time.monotonic() + self._ttl
            await self._once(random.choice(addresses))

    async def _once(self, address: str) -> None:
        try:
            async with asyncio.timeout(10):
                connection = await Connection.open(address, self._port)
                try:
                    answer = await connection.send(Call("GET", self._path).render(self._name))
                finally:
                    connection.close()
        except (OSError, EOFError, TimeoutError, Failed) as error:
            self.failed.append(f"{address}: {describe(error)}")
            return
        if answer.status == 200:
            self.answered[address, answer.headers["x-instance"]] += 1
        else:
            self.failed.append(f"{address}: status {answer.status}")

    def by_instance(self, node: str = "") -> Counter[str]:
        """Of one node (its address), or of all."""
        found: Counter[str] = Counter()
        for (address, instance), count in self.answered.items():
            if node in {"", address}:
                found[instance] += count
        return found

    async def served(self, more: int = 200, patience: float = 60.0) -> None:
        wanted = self.answered.total() + more
        await until(lambda: self.answered.total() >= wanted, f"{more} requests", patience)

    async def over(self) -> list[str]:
        self._over = True
        await asyncio.gather(*self._tasks)
        return self.failed
