"""All containers that matter, in memory; tells by name which service has changed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace

from fairlead.core.errors import BadInput
from fairlead.core.model import Container as Box
from fairlead.core.model import Endpoint, Phase, Service
from fairlead.platforms.docker.containers import Container
from fairlead.platforms.docker.events import Happening
from fairlead.platforms.docker.kept import Kept, Marks
from fairlead.platforms.docker.labels import read_role
from fairlead.ports import Notify

FOUND = "docker"
_REMEMBERED = 256
Tell = Callable[[str, str], None]
"""Called with a service's name (or "") and something that the user should know of it."""


class Fleet:
    """`ignore` holds the names of containers that are being made or cleared away. `read` is set
    when everything has been read once: what comes then is new."""

    def __init__(self, cluster: str, notify: Notify, tell: Tell) -> None:
        self._cluster, self._notify, self._tell = cluster, notify, tell
        self._kept: dict[str, Kept] = {}
        self._of_service: dict[str, dict[str, Kept]] = {}
        self._of_endpoint: dict[str, Kept] = {}
        self._marks: dict[str, Marks] = {}
        self._problems: dict[str, str] = {}
        self._destroyed: deque[str] = deque(maxlen=_REMEMBERED)
        self.read = False
        self.ignore: set[str] = set()

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with containers that are left out, or only partly followed."""
        return tuple(self._problems.values())

    def ids(self) -> set[str]:
        return {*self._kept, *self._marks, *self._problems}

    def find(self, endpoint_id: str) -> Kept | None:
        return self._of_endpoint.get(endpoint_id)

    def managed(self) -> tuple[Kept, ...]:
        """What fairlead has started and not forgotten."""
        return tuple(k for k in self._kept.values() if k.role.managed and not k.hidden)

    def endpoints(self, service: Service) -> Iterator[Endpoint]:
        """Our own, and those of others where the service itself is one that was found."""
        for kept in tuple(self._of_service.get(service.name, {}).values()):
            if kept.hidden:
                continue
            if kept.role.managed:
                yield kept.endpoint
            elif service.found == FOUND:
                yield replace(kept.endpoint, revision=service.revision)

    def services(self) -> tuple[Service, ...]:
        """What others' containers are labelled with, one service a name.

        One that has stopped but was not removed counts: its service's requests are held or refused
        as such, and not as those of an unknown host.
        """
        found = (self._service(name) for name in sorted(self._of_service))
        return tuple(service for service in found if service)

    def put(self, container: Container, order: int) -> None:
        """A description, asked for as the `order`th: one older than the last is of no use."""
        if container.name in self.ignore or container.id in self._destroyed:
            return
        kept = self._kept.get(container.id)
        if kept is None:
            kept = self._meet(container)
        elif order < kept.order:
            return
        if kept:
            self._renew(kept, container, order)

    def destroyed(self, container_id: str) -> None:
        """A description that was asked for before does not bring it back: ids are not reused."""
        self._destroyed.append(container_id)
        self.drop(container_id)

    def drop(self, container_id: str) -> None:
        self._marks.pop(container_id, None)
        self._problems.pop(container_id, None)
        kept = self._kept.pop(container_id, None)
        if kept:
            of_one = self._of_service[kept.role.service]
            del of_one[container_id]
            self._of_endpoint.pop(kept.role.endpoint, None)
            if not of_one:
                del self._of_service[kept.role.service]
            self._notify(kept.role.service)

    def happen(self, happening: Happening) -> None:
        """An event, also one of a container that was not met yet."""
        kept = self._kept.get(happening.container)
        before = kept.view if kept else None
        marks = self._marks.setdefault(happening.container, Marks())
        marks.take(happening, kept.container.stop_signal if kept else "TERM")
        if kept and kept.view != before:
            self._notify(kept.role.service)

    def stopping(self, kept: Kept) -> None:
        kept.stopped_run = kept.container.started
        self._notify(kept.role.service)

    def hide(self, kept: Kept) -> None:
        kept.forgotten_run = kept.container.started

    def take_back(self, service: str) -> None:
        """Others' containers that were taken out of use are used again."""
        for kept in self._of_service.get(service, {}).values():
            if not kept.role.managed and kept.asked_to_stop:
                kept.stopped_run = kept.forgotten_run = -1.0
        self._notify(service)

    def complain(self, container_id: str, service: str, problem: str) -> None:
        """Say it once."""
        if self._problems.get(container_id) != problem:
            self._problems[container_id] = problem
            self._tell(service, problem)

    def _meet(self, container: Container) -> Kept | None:
        try:
            role = read_role(container, self._cluster)
        except BadInput as error:
            name = container.name or container.id[:12]
            self.complain(container.id, "", f"container {name} is left out: {error}")
            return None
        if role is None:
            return None
        kept = Kept(container, role, self._marks.setdefault(container.id, Marks()))
        just_now = self.read and kept.marks.died_at >= container.started
        if not role.managed and not container.running and not just_now:
            self.hide(kept)  # it ended long ago: nobody has to be told
        if not self.read and container.health == "unhealthy":
            kept.healthy_run = container.started  # it may well have served until now
        return kept

    def _renew(self, kept: Kept, container: Container, order: int) -> None:
        new = container.id not in self._kept
        before = None if new else kept.view
        kept.order = order
        kept.renew(container)
        if new:
            self._kept[container.id] = self._of_endpoint[kept.role.endpoint] = kept
            self._of_service.setdefault(kept.role.service, {})[container.id] = kept
            self._complain_of_labels(kept)
        if kept.mistake:
            told = f"{kept.role.endpoint} gets no requests: {kept.mistake}"
            self.complain(container.id, kept.role.service, told)
        if kept.view != before:
            self._notify(kept.role.service)

    def _complain_of_labels(self, kept: Kept) -> None:
        leader = self._leader(kept.role.service)
        for other in self._of_service[kept.role.service].values():
            if leader and not other.role.managed and other.role.labelled != leader.role.labelled:
                self.complain(
                    other.container.id,
                    kept.role.service,
                    f"the labels of {other.role.endpoint} differ from those of the older"
                    f" {leader.role.endpoint}, which hold",
                )

    def _leader(self, name: str) -> Kept | None:
        """Whose labels hold: of those that run, else of all, the oldest."""
        found = [k for k in self._of_service.get(name, {}).values() if not k.role.managed]
        return min(found, key=_seniority, default=None)

    def _service(self, name: str) -> Service | None:
        leader = self._leader(name)
        if leader is None or leader.role.labelled is None:
            return None
        said = leader.role.labelled
        box = Box(port=said.port, network=leader.role.network)
        return Service(name, said.routes, container=box, health=said.health, found=FOUND)


def _seniority(kept: Kept) -> tuple[bool, float, str]:
    return kept.phase is Phase.EXITED, kept.container.created, kept.container.id
