"""The agent's life: its node's nginx first, then the controller, and in the end the other way."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

from fairlead.agent.follower import Follower
from fairlead.agent.link import Controllers, Link
from fairlead.agent.machine import Machine
from fairlead.agent.orphan import Orphan, Patience, Sources
from fairlead.api.server import serve
from fairlead.clock import SystemClock
from fairlead.core.errors import BadInput
from fairlead.core.model import Cluster, Event, Service
from fairlead.daemon.agent_control import AgentControl
from fairlead.daemon.control import Ending, with_found
from fairlead.daemon.lock import hold
from fairlead.daemon.signals import on_signals
from fairlead.daemon.start import Work, lasting, running
from fairlead.journal import EventLog
from fairlead.platforms.fixed import FixedPlatform
from fairlead.probes import Probes
from fairlead.probes.checker import Checker
from fairlead.proxies.nginx.proxy import NginxProxy
from fairlead.settings import load
from fairlead.tokens import read_token
from fairlead.wiring import open_platform

SAID = 2.0
"""Seconds that the controller has to take the last word of an agent that ends."""


class Agent:
    """One node's nginx, the connection to the controller, and what takes its place."""

    def __init__(self, cluster: Cluster, state: Path, node: str, journal: EventLog) -> None:
        self._cluster, self._state, self._journal = cluster, state, journal
        self._clock, self.ending = SystemClock(), Ending()
        proxy = NginxProxy(state, cluster.front, self._again, journal, self._wake)
        self._follower = Follower(proxy, journal, node)
        self._checker = Checker(Probes(), self._clock, self._follower.saw)
        self._follower.checks = self._checker
        token = read_token(cluster.agent.token_file, "agent")
        self._controllers = Controllers(cluster.agent.controllers, token, node)
        self._link = Link(self._controllers, self._follower, self._clock, journal)

    def _again(self, service: str) -> None:
        self._follower.look_again(service)

    def _wake(self, service: str) -> None:
        self._follower.wake(service)

    async def live(self) -> None:
        proxy = self._follower.proxy
        control = AgentControl(
            self._cluster, self._follower, self._link, self._journal, self.ending
        )
        await proxy.start()
        self._follower.adopt(await proxy.read())
        async with (
            serve(control, self._state / "fairlead.sock"),
            self._at_work([self._link.run]),
        ):
            async with self._at_work(self._works()):
                on_signals(lambda: self.ending.ask(keep=False), control.apply)
                self._journal.record("up", "", f"{self._controllers.node} serves what it is told")
                await self.ending.asked.wait()
                if not self.ending.keep:
                    await self._part()
            await self._checker.close()
            await (proxy.close() if self.ending.keep else self._end())
        self._journal.record("down", "", "nginx serves on" if self.ending.keep else "all stopped")

    def _works(self) -> Iterator[Work]:
        yield self._follower.run
        yield self._orphan().run
        if self._cluster.platform == "ecs":
            yield lambda: self._heed(Machine())

    @asynccontextmanager
    async def _at_work(self, works: Iterable[Work]) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for work in works:
                kept = lasting(work, self._journal, self._clock)
                await stack.enter_async_context(running(kept))
            yield

    async def _end(self) -> None:
        """nginx first, which finishes its requests; that it has ended is the last thing said."""
        await self._follower.proxy.stop()
        self._follower.end()
        if self._link.since is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(SAID):
                    await self._follower.over.wait()

    async def _heed(self, machine: Machine) -> None:
        """Once the instance is about to end the node leaves DNS; it serves to the last moment."""
        self._journal.record("leaves", "", await machine.until_notice())
        self._follower.leave()

    async def _part(self) -> None:
        """Until nobody is sent here any more, or for as long as the settings give it."""
        self._follower.leave()
        self._journal.record("leaves", "", "waiting until nobody is sent here any more")
        with suppress(TimeoutError):
            async with asyncio.timeout(self._cluster.agent.leave_timeout):
                await self._link.farewell.wait()

    def _orphan(self) -> Orphan:
        settings = self._cluster.agent
        patience = Patience(settings.orphan_after, settings.orphan_interval)
        alone = lambda: self._link.since  # noqa: E731
        return Orphan(self._follower, alone, self._opened, patience, self._clock, self._journal)

    async def _opened(self) -> Sources:
        """The platform, read as seldom as an orphan reads."""
        slow = replace(self._cluster.ecs, interval=self._cluster.agent.orphan_interval)
        cluster = replace(self._cluster, ecs=slow)
        found = open_platform(cluster, self._state, _ignored, self._journal)
        await found.open()
        fixed = FixedPlatform(_ignored, self._clock)

        async def services() -> tuple[Service, ...]:
            discovered = await found.discovery.services() if found.discovery else ()
            return with_found(cluster, discovered).services

        async def close() -> None:
            await found.platform.close()
            await fixed.close()

        return Sources((found.platform, fixed), services, close)


async def follow(file: Path, state: Path, tell: Callable[[Event], None] | None) -> None:
    """BadInput when the settings name no controller."""
    cluster = load(file)
    if not cluster.agent.controllers:
        raise BadInput(f"{file.name} has no agent section: say where its controllers are")
    if cluster.proxy != "nginx":
        raise BadInput(
            f"an agent counts requests in flight, which proxy.kind: {cluster.proxy} cannot: leave "
            "it out, or run fairlead sync on this node instead"
        )
    with hold(state):
        journal = EventLog(state / "events.jsonl", SystemClock())
        if tell:
            journal.listen(tell)
        await Agent(cluster, state, await _node(cluster), journal).live()
        journal.close()


async def _node(cluster: Cluster) -> str:
    """WireError when neither the settings nor, on ECS, the instance say which node it is."""
    if cluster.agent.node:
        return cluster.agent.node
    return await Machine().id() if cluster.platform == "ecs" else socket.gethostname()


def _ignored(_: str) -> None:
    """An orphan looks when it is time, and not before."""
