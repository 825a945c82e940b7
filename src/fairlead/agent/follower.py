"""Keeps a node's proxy as it is told, checks what the proxy uses, and says what it sees."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress

from fairlead.agent.overlay import overlay
from fairlead.core.errors import ProxyError
from fairlead.core.health import Health
from fairlead.core.model import Counters, Entry, EntryState, RoutingTable, Waits
from fairlead.core.plan import SETTLE
from fairlead.faults import told
from fairlead.fleet.messages import Assignment, Hello, Orders, Report, Watched
from fairlead.ports import Checks, Journal, Proxy

RETRY = 0.5
DRAIN_POLL = 0.05
"""Seconds between two looks at what is in flight on draining endpoints."""
COUNT_EVERY = 5.0
"""Seconds between two reports of all counters; such a report is due even if nothing changed."""


class Follower:
    """`checks` reports to `saw`; `run` does the work, for as long as it is not cancelled.

    What a report held is kept until it was `sent`, so that one that got lost is said again.
    `applied` is the generation that the proxy follows with all services, `tried` with all but those
    that it `refused`, by service with the reason.
    """

    def __init__(self, proxy: Proxy, journal: Journal, node: str = "") -> None:
        self.proxy, self._journal, self._node = proxy, journal, node
        self.checks: Checks
        self.assignments: dict[str, Assignment] = {}
        self.health: dict[str, Health] = {}
        self.generation = self.applied = self.tried = 0
        self.serving, self.leaving, self.problem = True, False, ""
        self.refused: dict[str, str] = {}
        self.over = asyncio.Event()
        self._ended = False
        self._dirty: set[str] = set()
        self._work, self._news = asyncio.Event(), asyncio.Event()
        self._life = 0
        self._fresh: dict[str, Health] = {}
        self._in_flight: dict[str, int] = {}
        self._told: dict[str, int] = {}
        self._wakes: frozenset[str] = frozenset()

    def adopt(self, live: RoutingTable) -> None:
        """Go on from what the proxy serves."""
        self.assignments = {name: Assignment(name, 0, table) for name, table in live.items()}

    def take(self, orders: Orders) -> None:
        """What the controller says: the proxy follows soon."""
        for name in orders.gone:
            self._end(name)
        self.assign(orders.services)
        self.generation = orders.generation
        self._work.set()

    def assign(self, assignments: Iterable[Assignment]) -> None:
        for each in assignments:
            before = self.assignments.get(each.service)
            self.assignments[each.service] = each
            self._watch(before.watched if before else (), each)
            self._dirty.add(each.service)
        self._work.set()

    def alone(self, assignments: Iterable[Assignment]) -> None:
        """What was found without a controller: the next one has to say everything anew."""
        self.start_over()
        self.assign(assignments)

    def start_over(self) -> None:
        """Generations known so far mean nothing any more, and nothing of it is followed."""
        self._life += 1
        self.generation = self.applied = self.tried = 0
        self._in_flight.clear()
        self._told.clear()

    def saw(self, endpoint_id: str, health: Health) -> None:
        """Takes a change of health from the checks."""
        services = [n for n, a in self.assignments.items() if _has(a, endpoint_id)]
        if not services:
            return
        self.health[endpoint_id] = self._fresh[endpoint_id] = health
        self._dirty.update(services)
        self._work.set()
        self._news.set()

    def look_again(self, service: str) -> None:
        """Implements ports.Notify: the proxy may serve something else than it was told."""
        self._dirty.update([service] if service else self.assignments)
        self._work.set()

    def wake(self, service: str) -> None:
        """Implements ports.Wake: the controller is to hear it at once."""
        self._wakes |= {service}
        self._news.set()

    def leave(self) -> None:
        """From now on it says that it is about to end."""
        self.leaving = True
        self._news.set()

    def end(self) -> None:
        """The proxy has ended, after the last request in flight. `over`: that was sent."""
        self._ended = True
        self._news.set()

    async def run(self) -> None:
        while True:
            await self._wait()
            await self._follow()
            await self._measure()

    async def report(self) -> Report:
        """The next one: as soon as something has changed, and now and then with all counters."""
        with suppress(TimeoutError):
            async with asyncio.timeout(COUNT_EVERY):
                await self._news.wait()
                return self._report({})
        return self._report(await self._counters(), await self._waits())

    def sent(self, report: Report) -> None:
        for key, health in report.health.items():
            if self._fresh.get(key) == health:
                del self._fresh[key]
        if _followed(report) == self._followed():
            self._told |= report.in_flight
        self._wakes -= frozenset(report.wakes)
        if report.ended:
            self.over.set()

    def said_nothing(self) -> None:
        """To a controller that is met anew, everything is news; who waits is heard of again."""
        self._told.clear()
        self._wakes = frozenset()
        self._news.set()

    async def hello(self, protocol: int, version: str, node: str, life: str) -> Hello:
        try:
            serves = dict(await self.proxy.read())
        except ProxyError:
            serves = {name: each.table for name, each in self.assignments.items()}
        return Hello(protocol, version, node, life, self.generation, serves, dict(self.health))

    def _report(
        self,
        counters: dict[str, dict[str, Counters]],
        waits: dict[str, Waits] | None = None,
    ) -> Report:
        self._news.clear()
        in_flight = {k: n for k, n in self._in_flight.items() if self._told.get(k) != n}
        return Report(
            self.applied,
            dict(self._fresh),
            in_flight,
            counters,
            self.serving,
            self.leaving,
            self.problem,
            self.tried,
            dict(self.refused),
            self._ended,
            waits or {},
            tuple(sorted(self._wakes)),
        )

    def _followed(self) -> tuple[int, int, dict[str, str]]:
        return self.applied, self.tried, self.refused

    def _watch(self, before: Iterable[Watched], now: Assignment) -> None:
        entries = {entry.id: entry for entry in now.table.entries}
        wanted = {each.endpoint.id for each in now.watched}
        for each in before:
            if each.endpoint.id not in wanted:
                self._unwatch(each.endpoint.id)
        for each in now.watched:
            key = each.endpoint.id
            if key not in self.health and (entry := entries.get(key)):
                self.health[key] = _trusted(entry)
            self.checks.watch(each.endpoint, each.check, self.health.get(key, Health()))

    def _unwatch(self, endpoint_id: str) -> None:
        self.checks.unwatch(endpoint_id)
        self.health.pop(endpoint_id, None)
        self._fresh.pop(endpoint_id, None)

    def _end(self, service: str) -> None:
        ended = self.assignments.pop(service, None)
        for each in ended.watched if ended else ():
            self._unwatch(each.endpoint.id)
        self._dirty.add(service)

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pause()):
                await self._work.wait()
        self._work.clear()

    def _pause(self) -> float | None:
        if self._dirty:
            return RETRY
        return DRAIN_POLL if any(a.table.draining for a in self.assignments.values()) else None

    async def _follow(self) -> None:
        """Bring the proxy to what is assigned now; what it does not take is tried again."""
        life, generation, due = self._life, self.generation, self._dirty
        self._dirty = set()
        refused = {name: why for name in due if (why := await self._refusal(name))}
        self._dirty |= refused.keys()
        if due:
            await self._note(refused)
        if life == self._life:
            self._applied(generation, refused)

    async def _refusal(self, service: str) -> str:
        """Why the proxy does not take what is assigned; empty when it does."""
        try:
            await self._push(service)
        except ProxyError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 - a fault of ours in one service spares the rest
            return told(error)
        return ""

    def _applied(self, generation: int, refused: dict[str, str]) -> None:
        """What was in flight before says nothing of an endpoint that drains since now."""
        before = self._followed()
        self.tried, self.refused = generation, refused
        if not refused:
            self.applied = generation
        if self._followed() != before:
            self._in_flight.clear()
            self._told.clear()
            self._news.set()

    async def _push(self, service: str) -> None:
        assignment = self.assignments.get(service)
        if assignment is None:
            await self.proxy.drop(service)
        else:
            await self.proxy.push(overlay(assignment.table, self.health, self._node))

    async def _note(self, refused: Mapping[str, str]) -> None:
        """A proxy that refuses one table, and answers, serves the others."""
        problem = next((refused[name] for name in sorted(refused)), "")
        serving = not problem or await self._answers()
        if (serving, problem) == (self.serving, self.problem):
            return
        self.serving, self.problem = serving, problem
        kind = "problem" if problem else "recovered"
        self._journal.record(kind, "", problem or "the proxy takes its tables again")
        self._news.set()

    async def _answers(self) -> bool:
        with suppress(ProxyError):
            await self.proxy.read()
            return True
        return False

    async def _measure(self) -> None:
        """What is in flight on draining endpoints, once the proxy has taken them out."""
        draining = {n: ids for n, a in self.assignments.items() if (ids := a.table.draining)}
        kept = {key for ids in draining.values() for key in ids}
        self._in_flight = {k: n for k, n in self._in_flight.items() if k in kept}
        self._told = {k: n for k, n in self._told.items() if k in kept}
        if not draining:
            return
        followed = self._life, self._followed()
        await asyncio.sleep(SETTLE)
        for service, ids in draining.items():
            with suppress(ProxyError):
                counted = await self.proxy.counters(service)
                if followed == (self._life, self._followed()):
                    self._in_flight |= {k: counted[k].in_flight for k in ids if k in counted}
        if any(self._told.get(key) != n for key, n in self._in_flight.items()):
            self._news.set()

    async def _counters(self) -> dict[str, dict[str, Counters]]:
        found: dict[str, dict[str, Counters]] = {}
        for service in tuple(self.assignments):
            with suppress(ProxyError):
                found[service] = await self.proxy.counters(service)
        return found

    async def _waits(self) -> dict[str, Waits]:
        found: dict[str, Waits] = {}
        for service in tuple(self.assignments):
            with suppress(ProxyError):
                found[service] = await self.proxy.waits(service)
        return found


def _trusted(entry: Entry) -> Health:
    """What others found of it, until it has been checked here."""
    return Health(entry.state is EntryState.UP, ever_up=True, ready_at=entry.ready_at)


def _followed(report: Report) -> tuple[int, int, dict[str, str]]:
    return report.applied, report.tried, report.refused


def _has(assignment: Assignment, endpoint_id: str) -> bool:
    return any(each.endpoint.id == endpoint_id for each in assignment.watched)
