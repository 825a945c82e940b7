"""Many agents in one process: each the real link and the real follower, with a proxy in memory and
checks that find every endpoint well. Says when the last of them had taken a change.

python -m bench.fleet_agents PORT TOKEN_FILE COUNT
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from fairlead.agent.follower import Follower
from fairlead.agent.link import Controllers, Link
from fairlead.clock import SystemClock
from fairlead.core.errors import ProxyError
from fairlead.core.health import Health
from fairlead.core.model import Counters, Endpoint, HealthCheck, ServiceTable
from tests.stub_edges import StubJournal, StubProxy

WELL = Health(up=True, ever_up=True, ready_at=1.0)
FOLLOWS = "follows"
Tell = Callable[[str, float], None]


def _print(what: str, at: float) -> None:
    print(what, at, flush=True)


class Tally:
    """Which agents have something in a state; `tell` hears when the last one got there."""

    def __init__(self, agents: int, tell: Tell = _print) -> None:
        self._agents, self._tell = agents, tell
        self._have: dict[tuple[str, str], set[str]] = {}

    def have(self, node: str, key: str, state: str) -> None:
        having = self._have.setdefault((key, state), set())
        if node in having:
            return
        having.add(node)
        if len(having) == self._agents:
            self._tell(state, time.monotonic())

    def lost(self, node: str, key: str, state: str) -> None:
        self._have.get((key, state), set()).discard(node)


@dataclass
class Proxy(StubProxy):
    node: str = ""
    tally: Tally = field(default_factory=lambda: Tally(0))

    async def push(self, table: ServiceTable) -> int:
        for entry in table.entries:
            self.tally.have(self.node, entry.id, entry.state.value)
        return await super().push(table)

    async def counters(self, service: str) -> dict[str, Counters]:
        if service not in self.tables:
            raise ProxyError("it has no such table yet")
        return await super().counters(service)


@dataclass
class Journal(StubJournal):
    """Hears from the link that it has a controller, or none."""

    node: str = ""
    tally: Tally = field(default_factory=lambda: Tally(0))

    def record(self, kind: str, service: str, message: str, endpoint: str = "") -> None:
        super().record(kind, service, message, endpoint)
        if kind == "controller":
            self.tally.have(self.node, "", FOLLOWS)
        elif message.startswith("no controller"):
            self.tally.lost(self.node, "", FOLLOWS)


class Checks:
    """Finds every endpoint well at once."""

    def __init__(self, follower: Follower) -> None:
        self._follower = follower
        self._watched: set[str] = set()

    def watch(self, endpoint: Endpoint, check: HealthCheck, initial: Health) -> None:  # noqa: ARG002
        if endpoint.id not in self._watched:
            self._watched.add(endpoint.id)
            asyncio.get_running_loop().call_soon(self._follower.saw, endpoint.id, WELL)

    def unwatch(self, endpoint_id: str) -> None:
        self._watched.discard(endpoint_id)


async def agent(node: str, url: str, token: str, tally: Tally) -> None:
    journal = Journal(node=node, tally=tally)
    follower = Follower(Proxy(node=node, tally=tally), journal)
    follower.checks = Checks(follower)
    link = Link(Controllers((url,), token, node), follower, SystemClock(), journal)
    await asyncio.gather(follower.run(), link.run())


async def _agents(port: int, token: str, count: int) -> None:
    url, tally = f"ws://127.0.0.1:{port}", Tally(count)
    await asyncio.gather(*(agent(f"n{n}", url, token, tally) for n in range(count)))


if __name__ == "__main__":
    asyncio.run(_agents(int(sys.argv[1]), Path(sys.argv[2]).read_text(), int(sys.argv[3])))
