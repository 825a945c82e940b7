"""What the API asks, answered by an agent: it says what its node serves, and decides nothing."""

from __future__ import annotations

from typing import Any

from fairlead.agent.follower import Follower
from fairlead.agent.link import Link
from fairlead.api.document import EndpointDoc, ServiceDoc
from fairlead.core.errors import BadInput, UnknownName
from fairlead.core.model import Cluster, Counters, Entry, EntryState, Event, State
from fairlead.daemon.control import Ending
from fairlead.daemon.status import NOTHING, counted_by, proxy_document
from fairlead.fleet.messages import Assignment
from fairlead.journal import EventLog

_STATES = {
    EntryState.UP: State.READY,
    EntryState.DOWN: State.UNHEALTHY,
    EntryState.DRAINING: State.DRAINING,
}


class AgentControl:
    """Implements api.control.Control."""

    def __init__(
        self, cluster: Cluster, follower: Follower, link: Link, journal: EventLog, ending: Ending
    ) -> None:
        self._cluster, self._follower, self._link = cluster, follower, link
        self._journal, self._ending = journal, ending

    async def status(self, service: str = "") -> dict[str, Any]:
        """With `controller`: which one it follows, up to which generation, or why none."""
        assignments = self._follower.assignments
        if service and service not in assignments:
            known = ", ".join(assignments) or "none"
            raise UnknownName(f"no service {service!r} (there are: {known})")
        info = await self._follower.proxy.info()
        chosen = [assignments[service]] if service else list(assignments.values())
        return {
            "cluster": self._cluster.name,
            "listen": list(info.listen),
            "proxy": proxy_document(info),
            "nodes": [],
            "services": [await self._service(each) for each in chosen],
            "controller": {
                "url": self._link.url,
                "generation": self._follower.applied,
                "problem": self._link.problem,
            },
        }

    async def _service(self, assignment: Assignment) -> ServiceDoc:
        name, table = assignment.service, assignment.table
        counted = await counted_by(self._follower.proxy, name)
        entries = [self._endpoint(e, counted.get(e.id, NOTHING)) for e in table.entries]
        return {
            "name": name,
            "strategy": "dynamic",
            "desired": len(entries),
            "ready": sum(each["state"] == State.READY.value for each in entries),
            "routes": [str(route) for route in table.routes],
            "endpoints": entries,
        }

    def _endpoint(self, entry: Entry, counters: Counters) -> EndpointDoc:
        health = self._follower.health.get(entry.id)
        state = _STATES[entry.state]
        if health is not None and state is not State.DRAINING:
            state = State.READY if health.up else State.UNHEALTHY
        return {
            "id": entry.id,
            "node": "",
            "address": entry.address,
            "port": entry.port,
            "pid": None,
            "state": state.value,
            "in_flight": counters.in_flight,
            "requests": counters.requests,
            "failures": counters.failures,
            "since": entry.ready_at,
            "reason": health.problem if health else "",
        }

    async def scale(self, service: str, replicas: int) -> None:  # noqa: ARG002
        raise self._elsewhere()

    async def resume(self, service: str) -> None:  # noqa: ARG002
        raise self._elsewhere()

    async def scaling(self, service: str = "", *, trial: bool = False) -> list[dict[str, Any]]:  # noqa: ARG002
        raise self._elsewhere()

    async def restart(self, service: str) -> None:  # noqa: ARG002
        raise self._elsewhere()

    async def drain(self, service: str, endpoint: str) -> None:  # noqa: ARG002
        raise self._elsewhere()

    async def leave(self, task: str) -> dict[str, Any]:  # noqa: ARG002
        raise self._elsewhere()

    async def apply(self) -> list[str]:
        raise self._elsewhere()

    async def events(self, since: int, timeout: float) -> list[Event]:
        return await self._journal.wait(since, timeout)

    async def down(self, *, keep: bool) -> None:
        self._ending.ask(keep=keep)

    def _elsewhere(self) -> BadInput:
        place = self._link.url or ", ".join(self._cluster.agent.controllers)
        return BadInput(f"this is an agent, which follows {place}: give the command there")
