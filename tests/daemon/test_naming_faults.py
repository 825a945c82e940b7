"""A fault of fairlead's own in what keeps DNS: it is told, and DNS is kept all the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fairlead.core.dns_names import names_of, nodes_of
from fairlead.core.model import Node
from fairlead.daemon import naming_alone, start
from fairlead.daemon.naming import named
from fairlead.daemon.naming_alone import kept, named_alone
from fairlead.dns import keeper as keeping
from fairlead.dns.keeper import Keeper, unfenced
from fairlead.journal import EventLog, read
from fairlead.settings import parse
from tests.fleet.ground import Heard, hello
from tests.ground import until
from tests.stub_edges import StubClock

NODE = Node("n1", "10.0.1.100")
SETTINGS = """
cluster: test
dns: {{address: 10.0.1.100, hosts: {{file: {hosts}}}}}
services: {{app: {{run: [app], routes: [app.example.com]}}}}
"""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "SHORTEST", 0.0001)
    monkeypatch.setattr(keeping, "SETTLE", 0.001)
    monkeypatch.setattr(naming_alone, "LOOK_EVERY", 0.01)


def failing(times: int, right: Callable[..., Any]) -> Callable[..., Any]:
    """Does as `right` does, after it has failed so many times."""
    left = [ZeroDivisionError("a fault")] * times

    def made(*given: Any) -> Any:
        if left:
            raise left.pop()
        return right(*given)

    return made


class World:
    def __init__(self, folder: Path) -> None:
        self.hosts = folder / "hosts"
        self.cluster = parse(SETTINGS.format(hosts=self.hosts))
        self.file, self.clock = folder / "events.jsonl", StubClock()
        self.journal = EventLog(self.file, self.clock)
        self.tracked: Any = {
            s.name: SimpleNamespace(service=s, removed=False) for s in self.cluster.services
        }
        self.platform = SimpleNamespace(nodes=self._nodes)

    @property
    def wired(self) -> Any:
        edges = SimpleNamespace(clock=self.clock)
        loop = SimpleNamespace(edges=edges, tracked=self.tracked)
        return SimpleNamespace(loop=loop, running=SimpleNamespace(platform=self.platform))

    async def _nodes(self) -> tuple[Node, ...]:
        return (NODE,)

    def named(self) -> bool:
        return self.hosts.exists() and "10.0.1.100 app.example.com" in self.hosts.read_text()

    def told(self) -> int:
        """How many faults were."""
        problems = [e.message for e in read(self.file) if e.kind == "problem"]
        assert all("ZeroDivisionError" in p and "begun again" in p for p in problems)
        return len(problems)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.journal.close()


async def test_a_keeper_that_failed_does_at_once_what_it_was_told_before(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Keeper, "once", failing(2, Keeper.once))
    async with kept(world.cluster, world.wired, world.journal, unfenced) as [(keeper, wanted)]:
        keeper.update(wanted.names(), nodes_of(wanted.dns, [NODE]))
        await until(world.named)
    assert world.told() == 2


async def test_a_machine_that_failed_to_look_at_its_names_looks_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(naming_alone, "names_of", failing(2, names_of))
    async with named_alone(world.cluster, world.wired, world.journal):
        await until(world.named)
    assert world.told() == 2


async def test_a_controller_that_failed_to_look_at_its_nodes_looks_again(world: World) -> None:
    world.platform.nodes = failing(2, world.platform.nodes)
    heard = Heard()
    heard.fleet.join(hello("n1"), lambda: None)
    async with named(world.cluster, world.wired, heard.fleet, world.journal, unfenced):
        await until(world.named)
    assert world.told() == 2
