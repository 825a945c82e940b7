"""The agents that a controller knows, and what each has said last."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from fairlead.core.health import Health
from fairlead.core.model import Counters, Waits
from fairlead.fleet.messages import Hello, Report
from fairlead.ports import Tally

SILENT = 3.0
"""Seconds without a word from an agent, which is asked for one every PULSE (fleet/server.py), after
which either side of the connection may be cut off."""


@dataclass(slots=True)
class Agent:
    """One node's agent. `lost` is when it went away (monotonic), None while it is connected;
    `heard` is when it said or answered something last. `alone`: it has read the platform itself.

    `in_flight` holds for each draining endpoint what is in flight there, and the generation that
    the node's proxy followed with its service when it was looked at. `counted` is when a service's
    counters came (monotonic). `digesting`
    are services on whose health its hello had news: it is told nothing before their tables follow
    that.
    """

    node: str
    version: str = ""
    serving: bool = True
    leaving: bool = False
    problem: str = ""
    lost: float | None = None
    heard: float = math.inf
    alone: bool = False
    applied: int = 0
    followed: Callable[[str], int] = lambda _: 0
    in_flight: dict[str, tuple[int, int]] = field(default_factory=dict)
    counters: dict[str, dict[str, Counters]] = field(default_factory=dict)
    waits: dict[str, Waits] = field(default_factory=dict)
    counted: dict[str, float] = field(default_factory=dict)
    digesting: set[str] = field(default_factory=set)
    hang_up: Callable[[], None] = lambda: None
    parting: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def state(self) -> str:
        """In a word, as the status document has it."""
        if self.lost is not None:
            return "away"
        if not self.serving:
            return "broken"
        return "leaving" if self.leaving else "serves"

    def is_heard(self, now: float) -> bool:
        return self.lost is None and now - self.heard <= SILENT

    def went(self, now: float) -> float:
        """Since when it is away, when its connection has ended: one that was silent before had gone
        then."""
        return now if now - self.heard <= SILENT else self.heard

    def silence(self, now: float) -> float:
        """For so many seconds it may be away."""
        return now - (self.heard if self.lost is None else self.lost)

    def take(self, report: Report, service_of: Mapping[str, str] = MappingProxyType({})) -> None:
        """`service_of` gives the service of each endpoint in flight."""
        self.applied, self.followed, self.serving = report.applied, report.followed, report.serving
        self.leaving, self.problem = report.leaving, report.problem
        if report.leaving:
            self.parting.set()
        for key, count in report.in_flight.items():
            self.in_flight[key] = report.followed(service_of.get(key, "")), count
        self.counters |= report.counters
        self.waits |= report.waits
        self.counted |= dict.fromkeys(report.counters, self.heard)

    def tally(self, service: str) -> Tally | None:
        """What its proxy counts; None as long as it has not said so."""
        counters = self.counters.get(service)
        if counters is None:
            return None
        waits = self.waits.get(service, Waits())
        return Tally(self.counted[service], counters, waits.waiting, waits.refused)


class Roster:
    """Agents by node, and their votes on the health of endpoints."""

    def __init__(self) -> None:
        self.agents: dict[str, Agent] = {}
        self._votes: dict[str, dict[str, Health]] = {}

    def __iter__(self) -> Iterator[Agent]:
        return iter(self.agents.values())

    def welcome(self, hello: Hello, hang_up: Callable[[], None]) -> Agent:
        """Take it in; another one of the same node is hung up on."""
        if before := self.agents.get(hello.node):
            before.hang_up()
        agent = Agent(hello.node, hello.version, hang_up=hang_up)
        self.agents[hello.node] = agent
        return agent

    def forget(self, node: str) -> set[str]:
        """Drop the agent and its votes; the endpoints that it had voted on."""
        self.agents.pop(node, None)
        voted = {key for key, votes in self._votes.items() if node in votes}
        for key in voted:
            self._retract(node, key)
        return voted

    def retract(self, node: str, endpoint_ids: Collection[str]) -> None:
        """Drop its votes on endpoints that are none of these."""
        kept = frozenset(endpoint_ids)
        for key in [key for key, votes in self._votes.items() if node in votes and key not in kept]:
            self._retract(node, key)

    def vote(self, node: str, endpoint_id: str, health: Health) -> None:
        self._votes.setdefault(endpoint_id, {})[node] = health

    def votes(self, endpoint_id: str) -> Mapping[str, Health]:
        """By node."""
        return self._votes.get(endpoint_id, {})

    def strike(self, endpoint_id: str) -> None:
        """Nobody is asked about this endpoint any more."""
        self._votes.pop(endpoint_id, None)
        for agent in self:
            agent.in_flight.pop(endpoint_id, None)

    def _retract(self, node: str, endpoint_id: str) -> None:
        votes = self._votes[endpoint_id]
        del votes[node]
        if not votes:
            del self._votes[endpoint_id]

    def follow(self, service: str, generation: int) -> bool:
        """Whether every node's proxy follows that generation of the service; not as long as there
        is none."""
        return bool(self.agents) and all(a.followed(service) >= generation for a in self)

    def in_flight(self, endpoint_id: str, since: int) -> int | None:
        """On all nodes together, each looked at after generation `since`; None while one of them
        has not said so, or nobody is there to say it. What an agent had said before it went away
        stands: its proxy serves on from the table of which it said so."""
        if not self.agents:
            return None
        total = 0
        for agent in self:
            generation, count = agent.in_flight.get(endpoint_id, (-1, 0))
            if generation < since:
                return None
            total += count
        return total
