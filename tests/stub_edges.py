"""Edges in memory, complete enough to run the real loop on: for tests of the loop and its bench."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from fairlead.core.errors import PlatformError, ProxyError
from fairlead.core.health import Health
from fairlead.core.model import (
    Counters,
    Decision,
    Endpoint,
    EntryState,
    Front,
    HealthCheck,
    Node,
    Phase,
    RoutingTable,
    Service,
    ServiceTable,
    Sighting,
    Waits,
)
from fairlead.ports import Notify, ProxyInfo
from fairlead.reconcile import Reconciler
from fairlead.service_pass import Edges


@dataclass
class StubClock:
    time: float = 100.0

    def now(self) -> float:
        return self.time

    def wall(self) -> float:
        return 1_000_000.0 + self.time


@dataclass
class StubPlatform:
    """Runs endpoints that exist in name only. `away`: reads fail; `broken`: starts fail."""

    notify: Notify = lambda _: None
    endpoints: dict[str, dict[str, Endpoint]] = field(default_factory=dict)
    away: bool = False
    broken: str = ""
    number: int = 0

    async def nodes(self) -> tuple[Node, ...]:
        return (Node("local", "127.0.0.1"),)

    async def observe(self, services: Collection[Service]) -> Sighting:
        if self.away:
            return Sighting((), complete=False, problem="the platform is away")
        return Sighting(tuple(e for s in services for e in self.of(s.name).values()))

    async def start(self, service: Service) -> Endpoint:
        if self.broken:
            raise PlatformError(self.broken)
        self.number += 1
        new = Endpoint(
            f"{service.name}-{self.number}",
            service.name,
            "local",
            "127.0.0.1",
            20000 + self.number % 10000,
            service.revision,
            started=float(self.number),
        )
        self.of(service.name)[new.id] = new
        return new

    async def stop(self, endpoint: Endpoint, timeout: float) -> None:
        self.end(endpoint.id, "exit 0")

    async def forget(self, endpoint: Endpoint) -> None:
        self.of(endpoint.service).pop(endpoint.id, None)

    async def close(self) -> None: ...

    def reset(self, service: str) -> None: ...

    def of(self, service: str) -> dict[str, Endpoint]:
        return self.endpoints.setdefault(service, {})

    def end(self, endpoint_id: str, how: str) -> None:
        service = endpoint_id.rpartition("-")[0]
        endpoint = self.of(service)[endpoint_id]
        self.of(service)[endpoint_id] = replace(endpoint, phase=Phase.EXITED, exit=how)
        self.notify(service)


@dataclass
class StubOrchestrator(StubPlatform):
    """Keeps a count by itself; `place` is what its scheduler does.

    With `slow` a retired one goes on stopping, and the count falls with `lower`.
    """

    counts: dict[str, int] = field(default_factory=dict)
    slow: bool = False
    departing: list[str] = field(default_factory=list)
    resizes: list[int] = field(default_factory=list)
    marks: dict[str, str] = field(default_factory=dict)
    retired: list[str] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)

    async def observe(self, services: Collection[Service]) -> Sighting:
        sighting = await super().observe(services)
        name = next(iter(services)).name
        if self.away:
            return sighting
        departing = sum(1 for key in self.departing if key in self.of(name))
        noted = self.notes.get(name, "")
        return replace(sighting, desired=self.counts.get(name), departing=departing, noted=noted)

    async def resize(self, service: Service, count: int) -> None:
        if self.broken:
            raise PlatformError(self.broken)
        self.counts[service.name] = count
        self.resizes.append(count)

    async def retire(self, endpoint: Endpoint, timeout: float) -> None:
        self.retired.append(endpoint.id)
        self.departing.append(endpoint.id)
        self.change(endpoint.id, phase=Phase.STOPPING)
        if not self.slow:
            self.lower(endpoint.id)
            await self.stop(endpoint, timeout)

    def lower(self, endpoint_id: str) -> None:
        """The count falls by a retired one, which may go on stopping."""
        self.departing.remove(endpoint_id)
        self.counts[endpoint_id.rpartition("-")[0]] -= 1

    async def mark(self, endpoint: Endpoint, reason: str) -> None:
        self.marks[endpoint.id] = reason

    async def note(self, service: Service, paused: str) -> None:
        if self.broken:
            raise PlatformError(self.broken)
        self.notes[service.name] = paused

    async def place(self, service: Service, *, pending: bool = False) -> Endpoint:
        """One more copy, as the platform's own scheduler starts it."""
        new = await self.start(service)
        if pending:
            new = replace(new, phase=Phase.PENDING, address="", port=0)
            self.of(service.name)[new.id] = new
        self.notify(service.name)
        return new

    def change(self, endpoint_id: str, **what: object) -> None:
        service = endpoint_id.rpartition("-")[0]
        endpoint = self.of(service)[endpoint_id]
        self.of(service)[endpoint_id] = replace(endpoint, **what)  # type: ignore[arg-type]
        self.notify(service)


@dataclass
class StubProxy:
    """Holds tables and in-flight counts; `dead`: it can be neither read nor pushed to."""

    tables: dict[str, ServiceTable] = field(default_factory=dict)
    in_flight: dict[str, int] = field(default_factory=dict)
    pushes: list[str] = field(default_factory=list)
    waiting: dict[str, Waits] = field(default_factory=dict)
    dead: bool = False

    async def start(self, tables: Collection[ServiceTable] = ()) -> None: ...

    async def configure(self, front: Front) -> None: ...

    async def info(self) -> ProxyInfo:
        return ProxyInfo("stub", len(self.pushes))

    async def read(self) -> RoutingTable:
        self._live()
        return dict(self.tables)

    async def push(self, table: ServiceTable) -> int:
        self._live()
        self.tables[table.service] = table
        self.pushes.append(table.service)
        return len(self.pushes)

    async def drop(self, service: str) -> int:
        self._live()
        self.tables.pop(service, None)
        return len(self.pushes)

    async def follows(self, service: str) -> bool:
        return not self.dead

    async def counters(self, service: str) -> dict[str, Counters]:
        self._live()
        entries = self.tables[service].entries
        return {e.id: Counters(in_flight=self.in_flight.get(e.id, 0)) for e in entries}

    async def waits(self, service: str) -> Waits:
        self._live()
        return self.waiting.get(service, Waits())

    async def close(self) -> None: ...

    async def stop(self) -> None: ...

    def _live(self) -> None:
        if self.dead:
            raise ProxyError("the proxy does not answer")

    def up(self, service: str) -> set[str]:
        return {e.id for e in self.tables[service].entries if e.state is EntryState.UP}


@dataclass
class StubChecks:
    """Reports what the test says of the endpoints that are watched."""

    watched: dict[str, HealthCheck] = field(default_factory=dict)

    def watch(self, endpoint: Endpoint, check: HealthCheck, initial: Health) -> None:
        self.watched[endpoint.id] = check

    def unwatch(self, endpoint_id: str) -> None:
        self.watched.pop(endpoint_id, None)


@dataclass
class StubDecisions:
    kept: dict[str, Decision] = field(default_factory=dict)

    def get(self, service: str) -> Decision:
        return self.kept.get(service, Decision())

    def put(self, service: str, decision: Decision) -> None:
        self.kept[service] = decision

    def drop(self, service: str) -> None:
        self.kept.pop(service, None)


@dataclass
class StubJournal:
    records: list[tuple[str, str, str, str]] = field(default_factory=list)

    def record(self, kind: str, service: str, message: str, endpoint: str = "") -> None:
        self.records.append((kind, service, message, endpoint))

    def kinds(self) -> list[str]:
        return [kind for kind, *_ in self.records]


@dataclass
class StubWorld:
    """A loop over stub edges, advanced by hand."""

    platform: StubPlatform = field(default_factory=StubPlatform)
    proxy: StubProxy = field(default_factory=StubProxy)
    checks: StubChecks = field(default_factory=StubChecks)
    decisions: StubDecisions = field(default_factory=StubDecisions)
    journal: StubJournal = field(default_factory=StubJournal)
    clock: StubClock = field(default_factory=StubClock)

    def __post_init__(self) -> None:
        self.loop = self.new_loop()

    def new_loop(self) -> Reconciler:
        """What a restart of fairlead makes: nothing remembered, all edges as they are."""
        loop = Reconciler(
            Edges(
                (self.platform,),
                self.proxy,
                self.checks,
                self.decisions,
                self.journal,
                self.clock,
                self.platform if isinstance(self.platform, StubOrchestrator) else None,
            )
        )
        self.platform.notify = loop.notify
        return loop

    async def settle(self, passes: int = 6) -> None:
        for _ in range(passes):
            self.clock.time += 0.05
            await self.loop.run_once()

    def pass_checks(self, *endpoint_ids: str) -> None:
        for endpoint_id in endpoint_ids or tuple(self.checks.watched):
            self.loop.report(endpoint_id, Health(up=True, ever_up=True, ready_at=1.0))

    def fail_checks(self, endpoint_id: str) -> None:
        self.loop.report(endpoint_id, Health(up=False, ever_up=True, problem="status 503"))

    def running(self, service: str) -> set[str]:
        found = self.platform.of(service).values()
        return {e.id for e in found if e.phase is Phase.RUNNING}
