"""What tests of controller and agents share."""

from __future__ import annotations

from fairlead.core.health import Health
from fairlead.core.model import Endpoint, Entry, EntryState, HealthCheck, ServiceTable
from fairlead.fleet.fleet import Fleet
from fairlead.fleet.messages import PROTOCOL, Hello
from tests.stub_edges import StubClock, StubJournal

UP, DOWN, DRAINING = EntryState.UP, EntryState.DOWN, EntryState.DRAINING
WELL = Health(up=True, ever_up=True, ready_at=1.0)
ILL = Health(up=False, ever_up=True, problem="status 503")
CHECK = HealthCheck()


def table(service: str = "app", **states: EntryState) -> ServiceTable:
    entries = (Entry(key, "127.0.0.1", 8000, state) for key, state in states.items())
    return ServiceTable(service, (), tuple(entries))


def endpoint(key: str, service: str = "app") -> Endpoint:
    return Endpoint(key, service, "local", "127.0.0.1", 8000, "r1")


def hello(node: str = "n1", **more: object) -> Hello:
    made = Hello(PROTOCOL, "1", node)
    return Hello(**{**{f: getattr(made, f) for f in made.__struct_fields__}, **more})


class Heard:
    """A fleet, and all that it has told."""

    def __init__(self) -> None:
        self.services: list[str] = []
        self.health: dict[str, Health] = {}
        self.journal, self.clock = StubJournal(), StubClock()
        self.fleet = Fleet(self.services.append, self._hear, self.journal, self.clock)

    def _hear(self, endpoint_id: str, health: Health) -> None:
        self.health[endpoint_id] = health

    def watch(self, *keys: str, initial: Health | None = None) -> None:
        for key in keys:
            self.fleet.watch(endpoint(key), CHECK, initial or Health())
