"""All nodes' proxies and checks as one: what the loop pushes goes to every agent, what agents see
comes back as one word. So a controller runs the same loop as a machine of its own.

In flight is what is in flight on all nodes: as long as one of them has not said so, it is unknown,
and the drain goes on waiting, up to its timeout.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import zip_longest

import msgspec

from fairlead.core.errors import WireError
from fairlead.core.health import Health
from fairlead.core.model import (
    Counters,
    Endpoint,
    Front,
    HealthCheck,
    RoutingTable,
    ServiceTable,
    Waits,
)
from fairlead.core.votes import tally
from fairlead.faults import told
from fairlead.fleet.messages import Hello, Report, Watched, encode
from fairlead.fleet.orders import Book, merged
from fairlead.fleet.roster import Agent, Roster
from fairlead.ports import Clock, Journal, Notify, ProxyInfo, Tally, Wake

FORGET = 60.0
"""Seconds after which an agent that went away is counted no more."""
GATHER, QUIET = 5.0, 0.5
"""A new controller waits so long for agents, and until none has come for so long (seconds)."""
FOLLOW = 0.2
"""Seconds that tables take to follow a read of the platform."""
DIGEST = 1.0
"""Seconds that an agent's first orders wait for what it has said."""


class Fleet:
    """Implements ports.Proxy, ports.Tallies and ports.Checks.

    `report` is told the health of endpoints, `changed` whenever an agent comes, goes, or says
    something else of its proxy, `woken` with services that are asleep and that a request waits for
    somewhere. `unnamed` is awaited before a node that wants to end may do so:
    until nobody is sent there any more. `informed` is awaited before an agent that has read the
    platform itself is told anything: until all that is known here was read later.
    """

    def __init__(
        self,
        notify: Notify,
        report: Callable[[str, Health], None],
        journal: Journal,
        clock: Clock,
    ) -> None:
        self._notify, self._report, self._journal, self._clock = notify, report, journal, clock
        self.life = secrets.token_hex(8)
        self.roster = Roster()
        self.changed: Callable[[], None] = lambda: None
        self.woken: Wake = lambda _: None
        self.unnamed: Callable[[str], Awaitable[None]] = _at_once
        self.informed: Callable[[], Awaitable[None]] = _known
        self._book = Book()
        self._encoded: dict[int, bytes] = {}
        self._found: dict[str, ServiceTable] = {}
        self._told: dict[str, Health] = {}
        self._service: dict[str, str] = {}
        self._news = asyncio.Event()
        self._joined = asyncio.Event()

    # What agents' sessions use.

    def join(self, hello: Hello, hang_up: Callable[[], None]) -> Agent:
        """An agent has come, with what it serves and knows."""
        agent = self.roster.welcome(hello, hang_up)
        self.heard(agent)
        agent.alone = hello.life == self.life and not hello.generation
        self.roster.retract(hello.node, (*self._service, *hello.health))
        new = {n: table for n, table in hello.serves.items() if not self._book.written(n)}
        self._found = merged((self._found, new))
        if new:
            self._notify("")
        agent.digesting = self._take_votes(hello.node, hello.health)
        self._joined.set()
        self._journal.record("agent", "", f"{hello.node} is there, with fairlead {hello.version}")
        self.changed()
        return agent

    def heard(self, agent: Agent) -> None:
        """It has answered, whatever it was."""
        agent.heard = self._clock.now()

    def hear(self, agent: Agent, report: Report) -> None:
        """WireError when it follows what this controller never said. What it says of endpoints and
        services that have ended meanwhile is passed over, and never kept."""
        for generation in (report.applied, report.tried):
            if not 0 <= generation <= self._book.generation:
                raise WireError(f"generation {generation} was never given here")
        if self.roster.agents.get(agent.node) is not agent:
            return
        self.heard(agent)
        if report.ended:
            self._let_go(agent, "has ended, and its proxy with it")
            return
        before = (agent.serving, agent.leaving, agent.problem)
        agent.take(self._of_now(report), self._book.drained_of)
        self._take_votes(agent.node, {k: h for k, h in report.health.items() if k in self._service})
        for service in filter(self._book.__contains__, report.wakes):
            self.woken(service)
        for service in {self._book.drained_of.get(key, "") for key in report.in_flight} - {""}:
            self._notify(service)
        if before != (agent.serving, agent.leaving, agent.problem):
            self._tell_state(agent)
            self.changed()

    def failed(self, node: str, error: Exception) -> None:
        """A fault of ours has ended the session of that node's agent, which comes again."""
        self._journal.record("problem", "", f"{told(error)}, in the session of {node}")

    def leave(self, agent: Agent) -> None:
        """Its connection has ended; unless it comes back it is forgotten after a while."""
        if self.roster.agents.get(agent.node) is not agent:
            return
        agent.lost = agent.went(self._clock.now())
        self._journal.record("agent", "", f"{agent.node} has gone; its node serves on")
        asyncio.get_running_loop().call_later(FORGET, self._forget, agent)
        self.changed()

    async def digested(self, agent: Agent) -> None:
        """Until tables follow what the agent said of their endpoints, or for a moment; and until
        they are newer than what it has found when it was alone."""
        if agent.alone:
            await self.informed()
            await asyncio.sleep(FOLLOW)
        with suppress(TimeoutError):
            async with asyncio.timeout(DIGEST):
                while agent.digesting:
                    await self._news.wait()

    async def orders(self, generation: int) -> tuple[int, bytes]:
        """What has changed since that generation, as soon as there is something, as a message; and
        up to which generation. Most agents know the same one: it is encoded once for all of them.
        """
        while self._book.generation <= generation:
            await self._news.wait()
        if generation not in self._encoded:
            self._encoded[generation] = encode(self._book.since(generation))
        return self._book.generation, self._encoded[generation]

    @property
    def generation(self) -> int:
        return self._book.generation

    # ports.Proxy

    async def start(self, tables: Collection[ServiceTable] = ()) -> None:  # noqa: ARG002
        """Wait for the agents that are there to say what they serve, so that a new controller
        goes on from it: until no more come, or for a while."""
        with suppress(TimeoutError):
            async with asyncio.timeout(GATHER):
                await self._joined.wait()
                while self._joined.is_set():
                    self._joined.clear()
                    await asyncio.sleep(QUIET)

    async def configure(self, front: Front) -> None:
        """Each agent's own settings say where its proxy listens."""

    async def info(self) -> ProxyInfo:
        return ProxyInfo("fleet", self._book.generation)

    async def read(self) -> RoutingTable:
        return {**self._found, **self._book.tables()}

    async def push(self, table: ServiceTable) -> int:
        """On its way to all agents; who has taken it is known by what they say is in flight."""
        self._found.pop(table.service, None)
        digested = [agent for agent in self.roster if table.service in agent.digesting]
        for agent in digested:
            agent.digesting.discard(table.service)
        if self._book.put(table) or digested:
            self._wake()
        return self._book.generation

    async def drop(self, service: str) -> int:
        self._found.pop(service, None)
        self._book.drop(service)
        for agent in self.roster:
            agent.counters.pop(service, None)
            agent.waits.pop(service, None)
        self._wake()
        return self._book.generation

    async def follows(self, service: str) -> bool:
        return self.roster.follow(service, self._book.written(service))

    async def counters(self, service: str) -> dict[str, Counters]:
        """Summed over all nodes; a draining endpoint is left out while that is not known of it."""
        table = self._book.table(service)
        ids = [entry.id for entry in table.entries] if table else []
        found = {key: self._counted(service, key) for key in ids}
        return {key: counters for key, counters in found.items() if counters is not None}

    async def tallies(self, service: str) -> dict[str, Tally | None]:
        """Implements ports.Tallies: of each node, as its agent has told them last."""
        return {agent.node: agent.tally(service) for agent in self.roster}

    async def waits(self, service: str) -> Waits:
        """Summed over all nodes, as they were when each agent last said so."""
        told = [agent.waits[service] for agent in self.roster if service in agent.waits]
        return Waits(
            sum(w.waiting for w in told),
            sum(w.held for w in told),
            sum(w.refused for w in told),
            max((w.last for w in told), default=0.0),
        )

    async def close(self) -> None:
        """Of the proxies and of the checks: agents serve and check on."""

    async def stop(self) -> None:
        """A controller never ends the nodes' proxies."""

    # ports.Checks

    def watch(self, endpoint: Endpoint, check: HealthCheck, initial: Health) -> None:
        self._service[endpoint.id] = endpoint.service
        self._told.setdefault(endpoint.id, initial)
        served = self._found.get(endpoint.service, ServiceTable(endpoint.service))
        self._book.watch(Watched(endpoint, check), served)
        self._wake()
        if self.roster.votes(endpoint.id):
            self._count(endpoint.id)

    def unwatch(self, endpoint_id: str) -> None:
        service = self._service.pop(endpoint_id, None)
        if service is None:
            return
        self._told.pop(endpoint_id, None)
        self.roster.strike(endpoint_id)
        self._book.unwatch(service, endpoint_id)
        self._wake()

    def _wake(self) -> None:
        self._encoded.clear()
        self._news.set()
        self._news = asyncio.Event()

    def _of_now(self, report: Report) -> Report:
        in_flight = {
            key: n
            for key, n in report.in_flight.items()
            if n >= 0 and self._book.draining(key) is not None
        }
        counters = {name: each for name, each in report.counters.items() if name in self._book}
        waits = {name: each for name, each in report.waits.items() if name in self._book}
        return msgspec.structs.replace(report, in_flight=in_flight, counters=counters, waits=waits)

    def _take_votes(self, node: str, health: Mapping[str, Health]) -> set[str]:
        """The services on whose endpoints that brings news."""
        for endpoint_id, vote in health.items():
            self.roster.vote(node, endpoint_id, vote)
        return {self._service[key] for key in health if self._count(key)}

    def _count(self, endpoint_id: str) -> bool:
        """Tell what the votes say of an endpoint that is watched; whether it is up or down now and
        was not before."""
        before = self._told.get(endpoint_id)
        if before is None:
            return False
        now = tally(tuple(self.roster.votes(endpoint_id).values()), before)
        if (now.up, now.problem) != (before.up, before.problem):
            self._told[endpoint_id] = now
            self._report(endpoint_id, now)
        return now.up != before.up

    def _counted(self, service: str, endpoint_id: str) -> Counters | None:
        of_agents = [agent.counters.get(service, {}).get(endpoint_id) for agent in self.roster]
        whole = summed([each for each in of_agents if each is not None])
        since = self._book.draining(endpoint_id)
        if since is None:
            return whole
        in_flight = self.roster.in_flight(endpoint_id, since)
        return None if in_flight is None else replace(whole, in_flight=in_flight)

    def _forget(self, agent: Agent) -> None:
        if self.roster.agents.get(agent.node) is agent and agent.lost is not None:
            self._let_go(agent, "is counted no more")

    def _let_go(self, agent: Agent, why: str) -> None:
        for endpoint_id in self.roster.forget(agent.node):
            self._count(endpoint_id)
        self._journal.record("agent", "", f"{agent.node} {why}")
        self.changed()
        self._notify("")

    def _tell_state(self, agent: Agent) -> None:
        refused = f"serves, but: {agent.problem}" if agent.problem else "serves"
        serving = refused if agent.serving else f"does not serve: {agent.problem or 'no reason'}"
        state = "is about to leave" if agent.leaving else serving
        self._journal.record("agent", "", f"{agent.node} {state}")


async def _at_once(_: str) -> None:
    """Nobody is sent to nodes by name."""


async def _known() -> None:
    """The platform is always known as it is."""


def summed(of_nodes: Collection[Counters]) -> Counters:
    return Counters(
        sum(c.in_flight for c in of_nodes),
        sum(c.requests for c in of_nodes),
        sum(c.failures for c in of_nodes),
        _added(c.statuses for c in of_nodes) or Counters().statuses,
        _added(c.latency for c in of_nodes),
        sum(c.latency_sum for c in of_nodes),
    )


def _added(rows: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    """Column by column; agents of another version may know more of them."""
    return tuple(sum(column) for column in zip_longest(*rows, fillvalue=0))
