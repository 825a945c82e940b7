"""The platform over the local ECS: the real client, the real wire, real processes, two nodes."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from fairlead.clock import SystemClock
from fairlead.core.model import Container, Ecs, Endpoint, Phase, Service, Sighting
from fairlead.platforms.ecs.platform import EcsPlatform
from fairlead.rehearsal.rehearsal import Rehearsal
from tests.ground import until
from tests.platforms.ecs.ground import Told

SLEEP = (sys.executable, "-c", "import time; time.sleep(300)")
CATALOG = Service("catalog", container=Container(task_service="catalog"))


@dataclass
class Local:
    """A local ECS with two nodes, and a platform that reads it."""

    ecs: Rehearsal
    told: Told = field(default_factory=Told)
    notified: list[str] = field(default_factory=list)
    opened: list[EcsPlatform] = field(default_factory=list)

    async def open(self) -> EcsPlatform:
        settings = Ecs(cluster="shop", interval=0.5)
        platform = EcsPlatform(settings, self.notified.append, SystemClock(), self.told)
        self.opened.append(platform)
        await platform.observe([CATALOG])
        await platform.open()
        return platform

    def tasks(self, status: str = "RUNNING") -> set[str]:
        found = self.ecs.call(
            "ListTasks", cluster="shop", serviceName="catalog", desiredStatus=status
        )
        return {f"catalog-{arn.rpartition('/')[2][:12]}" for arn in found["taskArns"]}

    @property
    def addresses(self) -> set[str]:
        return {node.address for node in self.ecs.cluster.instances.values()}

    def desired(self) -> int:
        found = self.ecs.call("DescribeServices", cluster="shop", services=["catalog"])
        return int(found["services"][0]["desiredCount"])


@pytest.fixture
async def local(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> AsyncIterator[Local]:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    async with Rehearsal(nodes=2, cluster="shop", throttle=True) as ecs:
        for name, value in ecs.environment().items():
            monkeypatch.setenv(name, value)
        found = Local(ecs)
        yield found
        for platform in found.opened:
            await platform.close()


async def sight(platform: EcsPlatform) -> Sighting:
    return await platform.observe([CATALOG])


async def running(platform: EcsPlatform, count: int) -> list[Endpoint]:
    async def found() -> list[Endpoint] | None:
        sighting = await sight(platform)
        mine = [e for e in sighting.endpoints if e.phase is Phase.RUNNING]
        return mine if sighting.complete and len(mine) == count else None

    return list(await until(found, f"{count} running", 20))


async def test_dynamic_ports_on_two_nodes(local: Local) -> None:
    local.ecs.serve("catalog", local.ecs.define("catalog", *SLEEP), 4)
    platform = await local.open()
    found = await running(platform, 4)
    assert {e.id for e in found} == local.tasks()
    assert {e.address for e in found} <= local.addresses
    assert len({(e.address, e.port) for e in found}) == 4
    nodes = {n.id: n for n in await platform.nodes()}
    assert all(nodes[e.node].address == e.address for e in found)
    assert {n.zone for n in nodes.values()} == {"us-east-1a", "us-east-1b"}
    assert (await sight(platform)).desired == 4


async def test_two_with_one_fixed_port_need_two_nodes(local: Local) -> None:
    """The case of the scaling analysis: what ECS cannot place is told, and is no endpoint."""
    local.ecs.serve("catalog", local.ecs.define("catalog", *SLEEP, host_port=8083), 2)
    platform = await local.open()
    places = {(e.address, e.port) for e in await running(platform, 2)}
    assert places == {(address, 8083) for address in local.addresses}
    await platform.resize(CATALOG, 3)
    told = await until(lambda: local.told.of("ecs"), "what ECS says", 20)
    assert "unable to place a task" in told[0]
    assert len(await running(platform, 2)) == 2
    assert (await sight(platform)).desired == 3


async def test_out_and_in_by_a_chosen_victim(local: Local) -> None:
    local.ecs.serve("catalog", local.ecs.define("catalog", *SLEEP), 1)
    platform = await local.open()
    await running(platform, 1)
    await platform.resize(CATALOG, 4)
    found = await running(platform, 4)
    for victim in (found[2], found[0]):
        await platform.mark(victim, "scale in")
        assert platform.marked([CATALOG])[victim.id] == "scale in"
        await platform.retire(victim, 30)
    stay = {found[1].id, found[3].id}
    assert {e.id for e in await running(platform, 2)} == stay
    await until(lambda: local.tasks() == stay, "ECS agrees", 20)
    assert local.desired() == 2
    await until(lambda: not platform._departures.busy(), "all done", 30)
    arns = local.ecs.call("ListTasks", cluster="shop", serviceName="catalog")["taskArns"]
    left = local.ecs.call("GetTaskProtection", cluster="shop", tasks=arns)["protectedTasks"]
    assert not any(each["protectionEnabled"] for each in left)


async def test_a_crash_is_seen_and_replaced(local: Local) -> None:
    crash = (sys.executable, "-c", "import time; time.sleep(1.5); raise SystemExit(3)")
    local.ecs.serve("catalog", local.ecs.define("catalog", *crash), 1)
    platform = await local.open()

    async def ended() -> Endpoint | None:
        ends = [e for e in (await sight(platform)).endpoints if e.phase is Phase.EXITED]
        return ends[0] if ends else None

    gone = await until(ended, "the crash", 20)
    assert "exited with 3" in gone.exit
    await until(lambda: "catalog" in local.notified, "a notice")
    await platform.forget(gone)
    assert gone.id not in {e.id for e in (await sight(platform)).endpoints}


async def test_a_stop_is_replaced_and_a_deploy_is_followed(local: Local) -> None:
    local.ecs.serve("catalog", local.ecs.define("catalog", *SLEEP), 2)
    platform = await local.open()
    old, other = await running(platform, 2)
    await platform.stop(old, 30)

    async def replaced(gone: set[str]) -> bool:
        now = [e.id for e in (await sight(platform)).endpoints if e.phase is Phase.RUNNING]
        return len(now) == 2 and not gone & set(now)

    await until(partial(replaced, {old.id}), "a new one", 20)
    assert local.desired() == 2
    new = local.ecs.define("catalog", *SLEEP)
    local.ecs.call("UpdateService", cluster="shop", service="catalog", taskDefinition=new)
    await until(partial(replaced, {old.id, other.id}), "the deploy", 30)
    assert local.desired() == 2


async def test_events_come_before_the_next_read(local: Local) -> None:
    """Straight from the local ECS: what EventBridge would put into the queue."""
    local.ecs.serve("catalog", local.ecs.define("catalog", *SLEEP), 1)
    settings = Ecs(cluster="shop", interval=600)
    platform = EcsPlatform(settings, local.notified.append, SystemClock(), local.told)
    local.opened.append(platform)
    await platform.observe([CATALOG])
    await until(local.tasks, "a task", 20)
    await platform.open()
    local.ecs.subscribe(lambda event: platform._events.hear(json.dumps(event, default=str)))
    (found,) = await running(platform, 1)
    task = local.ecs.call("ListTasks", cluster="shop", serviceName="catalog")["taskArns"][0]
    local.ecs.call("StopTask", cluster="shop", task=task)

    async def going() -> bool:
        phases = {e.id: e.phase for e in (await sight(platform)).endpoints}
        return phases[found.id] in (Phase.STOPPING, Phase.EXITED)

    await until(going, "the end by event", 2)
    assert platform.heard().taken
    assert platform.heard().malformed == 0


async def test_a_local_ecs_that_is_gone_for_a_while_empties_nothing(local: Local) -> None:
    local.ecs.serve("catalog", local.ecs.define("catalog", *SLEEP), 2)
    platform = await local.open()
    before = await running(platform, 2)
    await local.ecs._stack.aclose()
    await until(lambda: local.told.of("problem"), "the problem told", 20)
    sighting = await sight(platform)
    assert not sighting.complete
    assert list(sighting.endpoints) == before


async def test_discovery_by_labels(local: Local) -> None:
    labels = {"fairlead.service": "shop", "fairlead.host": "shop.example.com"}
    local.ecs.serve("shop-service", local.ecs.define("shop", *SLEEP, dockerLabels=labels), 1)
    platform = await local.open()

    async def found() -> list[Service]:
        return list(await platform.services())

    (shop,) = await until(found, "the service", 20)
    assert (shop.name, shop.container.task_service) == ("shop", "shop-service")
