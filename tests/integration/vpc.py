"""Three nodes as on a VPC: network namespaces on one bridge, with addresses and loopbacks of their
own. Tasks of the local ECS run in their node's namespace, as do its agent and its nginx; ECS's API
and Knot answer at 10.0.1.1, each of two controllers has a host of its own, and the test is a host
more, so that its clients resolve and connect over that network."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from bench.load import Call, Load
from fairlead.core.lease import Lease
from fairlead.leases.file import FileLease
from fairlead.rehearsal.http import Front
from fairlead.rehearsal.rehearsal import Rehearsal
from tests.dns.knot import Knot, knot
from tests.ground import children_of, until
from tests.integration.asking import Asking
from tests.integration.ecs_shop import define, ids_of
from tests.integration.fleet import TOKEN, Daemon, Seat
from tests.integration.named import NAME, PATIENCE, Named
from tests.rehearsal.ground import rehearsal
from tests.spaces import Lan, Space, lan

NODES, CONTROLLERS, CLIENTS = (100, 101, 102), (10, 11), 50
PORT, HOOKS = 80, 7171
QUICK = {"path": "/health", "interval": "200ms", "timeout": "250ms", "fall": 2}
"""Noticed within 0.9 s."""
ORPHANS = {"orphan_after": "2s", "orphan_interval": "5s"}


@dataclass(frozen=True, slots=True)
class Asked:
    """One call of ECS's API. `when` is monotonic."""

    when: float
    address: str
    name: str


class Vpc(Named):
    def __init__(self, folder: Path, network: Lan, ecs: Rehearsal, server: Knot) -> None:
        self.network, self.asked = network, list[Asked]()
        self.hosts = [network.host(number) for number in CONTROLLERS]
        seats = [_seat(host, folder / "token") for host in self.hosts]
        super().__init__(folder, ecs, server, PORT, seats)
        self.agents, self.health = {**self.agents, **ORPHANS}, QUICK
        for number in NODES:
            host = network.host(number)
            ecs.add_node(address=host.address, space=host.name)

    def define(self, version: str = "1") -> str:
        """Register a revision of the task, with its drain sidecar."""
        drain = {
            "FAIRLEAD_HOOK_URL": f"http://{self.hosts[0].address}:{HOOKS}",
            "FAIRLEAD_HOOK_TOKEN": TOKEN,
            "FAIRLEAD_HOOK_TIMEOUT": "10",
        }
        return define(self.ecs, {"VERSION": version}, drain)

    @property
    def spaces(self) -> list[Space]:
        """Of the nodes."""
        return [Space(node.space, node.address) for node in self.nodes()]

    def asking(self) -> Asking:
        """At every node, with pauses: checks that are late look like endpoints that are away."""
        return Asking(self.loads())

    def loads(self) -> list[Load]:
        return self.fleet.loads(4, NAME, pause=0.01)

    async def settled(self, count: int) -> None:
        """So many endpoints, all ready, and every node's table is the controller's."""
        await self.fleet.ready(count, patience=PATIENCE)
        await until(lambda: asyncio.to_thread(self._same), lambda: str(self._tables()), PATIENCE)

    async def gone(self, tasks: list[str], count: int) -> None:
        """None of these tasks is an endpoint any more, and so many others are ready."""
        ids = ids_of(tasks)
        await until(lambda: not ids & self._ids(), lambda: f"{ids} are gone", PATIENCE)
        await self.settled(count)

    def seen(self) -> dict[str, int]:
        """By daemon: the number of its last event."""
        return {each.folder.name: each.events()[-1].seq for each in self.fleet.there()}

    async def missed(self) -> None:
        """Every agent knows that it has no controller."""

        def alone(agent: Daemon) -> bool:
            status: Any = agent.client.status()
            return bool(status["controller"]["problem"])

        await self.agents_are(alone)

    async def changed_alone(self, count: int) -> bool:
        """A task is stopped and the count is another one: every agent finds that by itself."""
        old = self.tasks()[0]
        self.update(desiredCount=count)
        self.stop(old)
        out = ids_of([old])

        def found(agent: Daemon) -> bool:
            ready = _ready(agent)
            return len(ready) == count and not out & ready

        await self.agents_are(found)
        return True

    async def agents_are(self, so: Callable[[Daemon], bool], patience: float = PATIENCE) -> None:
        for agent in self.fleet.agents:
            await until(partial(asyncio.to_thread, so, agent), agent.log, patience)

    def ready(self) -> set[str]:
        """The ids of the endpoints that are ready, as the controller sees them."""
        return _ready(self.fleet.controller)

    @asynccontextmanager
    async def steady(self) -> AsyncIterator[None]:
        """Meanwhile no agent takes an endpoint out that is ready now."""
        now = _ready(self.fleet.agents[0])

        async def look() -> None:
            while True:
                for agent in self.fleet.agents:
                    found = await asyncio.to_thread(_ready, agent)
                    assert now <= found, f"{agent.folder.name} has {found} of {now}"
                await asyncio.sleep(0.05)

        looking = asyncio.create_task(look())
        try:
            yield
        finally:
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking

    async def agent_sees(self, agent: Daemon, endpoint: str, state: str) -> None:
        def so() -> bool:
            return any((e["id"], e["state"]) == (endpoint, state) for e in agent.endpoints())

        await until(partial(asyncio.to_thread, so), agent.log, PATIENCE)

    async def idle(self, agent: Daemon, endpoint: str) -> None:
        """Nothing is in flight there, and no connection to it is waited for."""

        def so() -> bool:
            return any((e["id"], e["in_flight"]) == (endpoint, 0) for e in agent.endpoints())

        await until(partial(asyncio.to_thread, so), agent.log)

    def requests(self, endpoint: str) -> list[int]:
        """By agent: how many its nginx has sent there."""
        found = [{e["id"]: e["requests"] for e in a.endpoints()} for a in self.fleet.agents]
        return [each[endpoint] for each in found]

    async def die(self, number: int) -> float:
        """A node loses power, and its tasks cannot be reached; when that was (monotonic)."""
        agent, space = self.fleet.agents[number], self.spaces[number]
        nginx = agent.client.status()["proxy"]["pid"]
        assert nginx
        self.network.cut(space)
        began = time.monotonic()
        space.kill(nginx, *children_of(nginx))
        await agent.kill()
        return began

    async def revive(self, number: int) -> None:
        self.network.mend(self.spaces[number])
        await self.fleet.agents[number].start()
        await self.settled(3)

    def epoch(self, controller: Daemon) -> int:
        """Of which it leads; 0 when it does not."""
        told = [e for e in controller.events() if e.kind in {"waits", "leads", "led"}][-1]
        return int(told.message.rpartition(" ")[2]) if told.kind == "leads" else 0

    async def taken(self, epoch: int) -> float:
        """Seconds until the lease is somebody's in this epoch."""
        began, lease = time.monotonic(), FileLease(self.fleet.lease)

        async def is_taken() -> bool:
            return (await lease.read() or Lease()).epoch == epoch

        await until(is_taken, f"epoch {epoch}")
        return time.monotonic() - began

    async def slow(self, seconds: float) -> asyncio.Task[list[str]]:
        """Requests that take so long, some at every endpoint; why those failed that did. They are
        on their way when this returns."""
        calls = [Call("GET", f"/slow?{seconds}")]
        address = self.spaces[0].address

        async def ask() -> list[str]:
            load = Load(12, NAME, PORT, calls, address, timeout=60)
            asyncio.get_running_loop().call_later(1, load.stop)
            return list((await load.run()).reasons)

        def everywhere() -> bool:
            return all(each["in_flight"] >= 2 for each in self.fleet.agents[0].endpoints())

        asked = asyncio.create_task(ask())
        await until(partial(asyncio.to_thread, everywhere), "in flight")
        return asked

    def updates(self) -> int:
        """How many times somebody has changed DNS, with success."""
        return (self.server.directory / "log").read_text().count("DDNS, finished")

    def told(self, daemon: Daemon) -> set[tuple[str, str]]:
        """Its events, by kind and endpoint."""
        return {(event.kind, event.endpoint) for event in daemon.events()}

    def writes(self, since: float) -> list[Asked]:
        """What was asked of ECS since then (monotonic) that is no reading."""
        late = (asked for asked in self.asked if asked.when >= since)
        return [asked for asked in late if not asked.name.startswith(("Describe", "List"))]

    def stop(self, *tasks: str) -> None:
        for task in tasks:
            self.ecs.call("StopTask", cluster="shop", task=task, reason="by-hand")

    def _ids(self) -> set[str]:
        return {endpoint["id"] for endpoint in self.fleet.controller.endpoints()}

    def _same(self) -> bool:
        return len(set(self._tables().values())) == 1

    def _tables(self) -> dict[str, str]:
        """By daemon: the generation it is at, and what it has of each endpoint."""
        return {each.folder.name: _table(each) for each in self.fleet.there()}


def _ready(daemon: Daemon) -> set[str]:
    """The ids of endpoints that are ready."""
    return {each["id"] for each in daemon.endpoints() if each["state"] == "ready"}


def _table(daemon: Daemon) -> str:
    status: Any = daemon.client.status("app")
    of = status["controller" if daemon.role == "agent" else "proxy"]
    found = [(e["id"], e["address"], e["port"], e["state"]) for e in daemon.endpoints()]
    return f"{of['generation']} {sorted(found)}"


def _seat(host: Space, token: Path) -> Seat:
    hooks = {"listen": f"{host.address}:{HOOKS}", "token_file": str(token)}
    return Seat(f"{host.address}:7700", host.entered, {"hooks": hooks})


def _noted(asked: list[Asked]) -> Callable[[Front, str, Request, bytes], bytes]:
    """As the local ECS answers; who asked what is written down."""
    answer = Front._answer

    def noting(front: Front, target: str, request: Request, body: bytes) -> bytes:
        who = request.client.host if request.client else ""
        asked.append(Asked(time.monotonic(), who, target.rpartition(".")[2]))
        return answer(front, target, request, body)

    return noting


@asynccontextmanager
async def vpc(folder: Path) -> AsyncIterator[Vpc]:
    """Started, with three ready tasks; nothing of it is left afterwards."""
    async with AsyncExitStack() as stack:
        env = stack.enter_context(pytest.MonkeyPatch.context())
        env.delenv("AWS_PROFILE", raising=False)
        env.setenv("AWS_CONFIG_FILE", str(folder / "none"))
        network = stack.enter_context(lan("10.0.1"))
        stack.enter_context(network.host(CLIENTS).entered())
        (folder / "knot").mkdir()
        with network.bridge.entered():
            server = stack.enter_context(knot(folder / "knot", network.bridge.address))
            listen = f"{network.bridge.address}:0"
            ecs = await stack.enter_async_context(rehearsal(nodes=0, listen=listen))
        for name, value in ecs.environment().items():
            env.setenv(name, value)
        made = Vpc(folder, network, ecs, server)
        env.setattr(Front, "_answer", _noted(made.asked))
        stack.push_async_callback(made.down)
        await made.start(made.define(), 3)
        yield made
