"""A scaler over a loop in memory, with a load that the test sets and a clock that it moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import ceil
from pathlib import Path

from fairlead.commands import Commands
from fairlead.core.model import Cluster, Route, Service
from fairlead.core.scaling.policy import Scale
from fairlead.core.scaling.verdict import Load, Opinion, Reading, Sight, Verdict
from fairlead.meters.board import Look
from fairlead.scaling.history import History
from fairlead.scaling.mind import Think
from fairlead.scaling.scaler import TICK, Means, Scaler
from tests.stub_edges import StubWorld

CATALOG = Service(
    "catalog", (Route("catalog.localhost"),), replicas=2, run=("app",), scale=Scale(1, 10)
)
PER_COPY = 10.0
"""Requests a second that one endpoint takes, for the policy below."""


def by_rate(_: str) -> Think:
    """A policy as plain as can be: so many endpoints as the rate asks for, at once."""

    def think(policy: Scale, sight: Sight) -> Verdict:
        if sight.load is None:
            blind = Opinion("requests", None, PER_COPY, None, "nothing fresh is known")
            return Verdict(sight.wanted, sight.wanted, (blind,), held=("no metrics",))
        rate = sight.load.arrivals / sight.load.span
        desired = ceil(rate / PER_COPY)
        count = min(policy.max, max(policy.min, desired))
        most = count if sight.placeable is None else min(count, sight.placeable)
        held = (f"max {policy.max}",) if count < desired else ()
        opinion = Opinion("requests", rate, PER_COPY, desired)
        return Verdict(most, desired, (opinion,), "requests", held, count - most)

    return think


@dataclass
class StubBoard:
    """Says what the test says; `looks` are the services that were looked at. `stamped` takes the
    place of all readings."""

    now: Callable[[], float]
    rates: dict[str, float] = field(default_factory=dict)
    readings: dict[str, float] = field(default_factory=dict)
    stamped: Reading | None = None
    in_flight: float = 0.0
    blind: str = ""
    fault: Exception | None = None
    looks: list[str] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)

    async def look(self, service: str, scale: Scale) -> Look:
        self.looks.append(service)
        if self.fault:
            raise self.fault
        known = {name: Reading(value, self.now()) for name, value in self.readings.items()}
        if self.stamped:
            known = dict.fromkeys(known, self.stamped)
        if self.blind:
            return Look(None, known, blind=self.blind)
        rate = self.rates.get(service, 0.0)
        count = rate * TICK
        return Look(Load(self.now(), TICK, count, count, in_flight=self.in_flight), known)

    def forget(self, service: str) -> None:
        self.forgotten.append(service)


@dataclass
class StubRoom:
    most_of: int | None = None
    limit: str = "memory on i-1"

    async def most(self, service: Service) -> tuple[int | None, str]:
        return self.most_of, self.limit


class Ground:
    def __init__(
        self,
        folder: Path,
        service: Service = CATALOG,
        world: StubWorld | None = None,
        begin: Callable[[str], Think] = by_rate,
    ) -> None:
        self.world = world or StubWorld()
        self.board, self.room = StubBoard(self.world.clock.wall), StubRoom()
        self.folder, self.begin = folder / "history", begin
        self.service = service
        self.adopt()

    def adopt(self, service: Service | None = None) -> None:
        """With a loop and a scaler that remember nothing, as after a restart."""
        self.world.loop = self.world.new_loop()
        self.commands = Commands(self.world.loop)
        self.commands.adopt(Cluster(services=(service or self.service,)))
        means = Means(self.board, self.begin, History(self.folder), self.room)
        self.scaler = Scaler(self.world.loop, self.commands, means)

    async def restart(self, service: Service | None = None) -> None:
        self.adopt(service)
        self.world.loop.restore(self.world.proxy.tables)
        await self.ready()

    async def ready(self) -> None:
        """The loop has done what is wanted, and all have passed their checks."""
        self.world.loop.notify("catalog")
        await self.world.settle()
        self.world.pass_checks()
        await self.world.settle()

    async def tick(self, rate: float | None = None, times: int = 1) -> None:
        """Looks of the scaler, one after the other, and what the loop does on them."""
        if rate is not None:
            self.board.rates["catalog"] = rate
        for _ in range(times):
            self.world.clock.time += TICK
            await self.scaler.turn()
            await self.ready()

    @property
    def count(self) -> int:
        return self.world.loop.tracked["catalog"].service.replicas

    def told(self, kind: str) -> list[str]:
        return [message for k, _, message, _ in self.world.journal.records if k == kind]


def scaled(**changes: object) -> Service:
    return replace(CATALOG, scale=Scale(**changes))  # type: ignore[arg-type]
