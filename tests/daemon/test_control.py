"""What the daemon refuses and follows, over the real loop on edges in memory."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from fairlead.core.errors import BadInput, FairleadError, PlatformError
from fairlead.core.model import Cluster, Entry, Route, Service, ServiceTable
from fairlead.daemon.control import DaemonControl, Ending
from fairlead.journal import EventLog
from fairlead.settings import load
from tests.stub_edges import StubClock, StubWorld

SHOP = Cluster(ports=(21000, 21009), services=(Service("a", run=("x",)), Service("b", run=("x",))))


class Ground:
    """A control over a world; `file` is what the next apply reads."""

    def __init__(self, folder: Path) -> None:
        self.world, self.file = StubWorld(), SHOP
        self.ranges: list[tuple[int, int]] = []
        self.running = running = SimpleNamespace(
            follow=lambda cluster: self.ranges.append(cluster.ports), discovery=None, metered=None
        )
        wired = SimpleNamespace(
            loop=self.world.loop, proxy=self.world.proxy, running=running, roster=None
        )
        wired.bell, wired.usage = SimpleNamespace(), None
        self.journal = EventLog(folder / "events.jsonl", StubClock())
        self.control = DaemonControl(cast(Any, wired), self.journal, self.load, Ending())
        self.control.begin(SHOP, set())

    def load(self) -> Cluster:
        return self.file


@pytest.fixture
async def ground(tmp_path: Path) -> Any:
    ground = Ground(tmp_path)
    yield ground
    ground.journal.close()


async def test_more_endpoints_than_ports_are_refused_and_change_nothing(ground: Ground) -> None:
    await ground.control.scale("a", 9)
    with pytest.raises(BadInput, match=r"cannot scale b to 2: ports 21000-21009 are too few"):
        await ground.control.scale("b", 2)
    assert ground.world.loop.tracked["b"].service.replicas == 1
    await ground.control.scale("a", 8)
    await ground.control.scale("b", 2)
    with pytest.raises(BadInput, match="no service 'c'"):
        await ground.control.scale("c", 900)


class _Found:
    """Implements ports.Discovery: `away` until it can be read."""

    def __init__(self, *found: Service) -> None:
        self.found, self.away = found, True

    async def services(self) -> tuple[Service, ...]:
        if self.away:
            raise PlatformError("the engine is away")
        return self.found


async def test_discovered_services_are_served_on_while_nothing_can_be_discovered(
    ground: Ground,
) -> None:
    blog = Service("blog", (Route("blog.localhost"),), found="docker")
    discovery, proxy = _Found(blog), ground.world.proxy
    ground.running.discovery = discovery
    old = {name: ServiceTable(name, entries=(Entry(f"{name}-1", "127.0.0.1", 80),)) for name in
           ("blog", "gone")}  # fmt: skip
    proxy.tables |= old
    ground.control.begin(SHOP, set(old))
    await ground.control.discover()
    ground.world.loop.restore(await proxy.read())
    ground.world.loop.notify("")
    await ground.world.loop._resync()
    await ground.world.settle()
    assert {name: proxy.tables[name] for name in old} == old
    discovery.away, ground.world.platform.away = False, True
    await ground.control.discover()
    await ground.world.settle()
    assert proxy.tables["blog"].entries == old["blog"].entries
    assert "gone" not in proxy.tables
    assert proxy.tables["blog"].routes == blog.routes


async def test_apply_follows_a_changed_range_of_ports(ground: Ground) -> None:
    ground.file = replace(SHOP, ports=(21500, 21999))
    assert await ground.control.apply() == ["ports: 21000-21009 -> 21500-21999 for new endpoints"]
    assert ground.ranges == [(21500, 21999)]
    await ground.control.scale("a", 400)


async def test_every_mistake_is_refused_at_once_and_the_journal_tells_the_first(
    ground: Ground, tmp_path: Path
) -> None:
    file = tmp_path / "fairlead.yaml"
    file.write_text("servces: {}\nlisten: 0\nports: 1\n")
    ground.load = lambda: load(file)  # type: ignore[method-assign]
    ground.control._load = ground.load
    with pytest.raises(FairleadError) as refused:
        await ground.control.apply()
    assert len(str(refused.value).splitlines()) == 3
    (event,) = await ground.journal.wait(0, 0)
    assert event.kind == "apply-refused"
    assert "(and 2 more, see: fairlead check); the settings in force stay" in event.message
    await asyncio.sleep(0)


async def test_what_is_met_later_is_served_on_as_well_while_nothing_can_be_discovered(
    ground: Ground,
) -> None:
    discovery, proxy = _Found(), ground.world.proxy
    ground.running.discovery = discovery
    ground.control.begin(SHOP, set())
    proxy.tables["late"] = ServiceTable("late", entries=(Entry("z", "127.0.0.1", 80),))
    await ground.world.loop._resync()
    assert "late" in proxy.tables
    discovery.away = False
    await ground.control.discover()
    await ground.world.loop._resync()
    assert "late" not in proxy.tables
