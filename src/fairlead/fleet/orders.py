"""What agents are to do, by service, with the generation of each change: anybody can be brought up
from any generation, and however many changes there were, each service is sent once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from fairlead.core.model import ServiceTable
from fairlead.fleet.messages import Assignment, Orders, Watched

MOST_GONE = 10_000
"""Names of services kept after their end, for agents that come back later."""


class Book:
    """`generation` grows by one with each change. `drained_of` gives the service of each endpoint
    that is draining."""

    def __init__(self) -> None:
        self.generation = 0
        self._tables: dict[str, ServiceTable] = {}
        self._written: dict[str, int] = {}
        self._gone: dict[str, int] = {}
        self._draining: dict[str, int] = {}
        self.drained_of: dict[str, str] = {}
        self._watched: dict[str, dict[str, Watched]] = {}

    def __contains__(self, service: str) -> bool:
        return service in self._tables

    def table(self, service: str) -> ServiceTable | None:
        return self._tables.get(service)

    def tables(self) -> dict[str, ServiceTable]:
        return dict(self._tables)

    def put(self, table: ServiceTable) -> bool:
        """Whether that changes anything."""
        if self._tables.get(table.service) == table:
            return False
        self._write(table)
        return True

    def drop(self, service: str) -> None:
        self.generation += 1
        dropped = self._tables.pop(service, ServiceTable(service))
        self._written.pop(service, None)
        self._watched.pop(service, None)
        self._gone[service] = self.generation
        while len(self._gone) > MOST_GONE:
            del self._gone[next(iter(self._gone))]
        self._undrain(dropped.draining)

    def watch(self, watched: Watched, table: ServiceTable) -> None:
        """Have it probed; `table` is what its service is served with, if it is not known yet."""
        service = watched.endpoint.service
        of_service = self._watched.setdefault(service, {})
        if of_service.get(watched.endpoint.id) == watched:
            return
        of_service[watched.endpoint.id] = watched
        self._write(self._tables.get(service, table))

    def unwatch(self, service: str, endpoint_id: str) -> None:
        if self._watched.get(service, {}).pop(endpoint_id, None) is None:
            return
        if known := self._tables.get(service):
            self._write(known)

    def written(self, service: str) -> int:
        """The generation of the service's last change, or end."""
        return self._written.get(service) or self._gone.get(service, 0)

    def draining(self, endpoint_id: str) -> int | None:
        """The generation since which it is draining; None when it is not."""
        return self._draining.get(endpoint_id)

    def since(self, generation: int) -> Orders:
        """All that has changed after that generation."""
        changed = [name for name, at in self._written.items() if at > generation]
        gone = [name for name, at in self._gone.items() if at > generation]
        return Orders(self.generation, tuple(map(self._assignment, changed)), tuple(gone))

    def _assignment(self, service: str) -> Assignment:
        watched = tuple(self._watched.get(service, {}).values())
        return Assignment(service, self._written[service], self._tables[service], watched)

    def _write(self, table: ServiceTable) -> None:
        service = table.service
        self.generation += 1
        self._gone.pop(service, None)
        before = self._tables.get(service, ServiceTable(service))
        self._tables[service], self._written[service] = table, self.generation
        self._undrain(before.draining - table.draining)
        for key in table.draining:
            self._draining.setdefault(key, self.generation)
            self.drained_of[key] = service

    def _undrain(self, endpoint_ids: Iterable[str]) -> None:
        for key in endpoint_ids:
            self._draining.pop(key, None)
            self.drained_of.pop(key, None)


def merged(tables: Iterable[Mapping[str, ServiceTable]]) -> dict[str, ServiceTable]:
    """One table a service from what several proxies serve: every endpoint that one of them has."""
    whole: dict[str, ServiceTable] = {}
    for each in tables:
        for name, table in each.items():
            known = whole.setdefault(name, table)
            ids = {entry.id for entry in known.entries}
            new = tuple(entry for entry in table.entries if entry.id not in ids)
            if new:
                entries = (*known.entries, *new)
                whole[name] = replace(known, entries=entries)
    return whole
