"""One controller, two nodes: no request is lost, whoever of them goes."""

from __future__ import annotations

import asyncio
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bench.load import Call, Connection
from fairlead.rehearsal.rehearsal import Rehearsal
from tests.ground import free_port, until
from tests.integration.asking import Asking
from tests.integration.cluster import service
from tests.integration.ecs_shop import OnEcs, define
from tests.integration.fleet import Daemon, Fleet, Seat
from tests.rehearsal.ground import rehearsal

pytestmark = pytest.mark.integration


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[Fleet]:
    made = Fleet(tmp_path, {"app": service(replicas=2)})
    yield made
    await made.down()
    shutil.rmtree(tmp_path, ignore_errors=True)


async def begun(fleet: Fleet) -> Asking:
    await fleet.start("n1", "n2")
    await fleet.ready(2)
    asking = Asking(fleet.loads())
    await asking.served()
    return asking


def applied(daemon: Daemon) -> int:
    return int(daemon.client.status()["controller"]["generation"])


async def test_scaling_rolling_and_draining_lose_no_request_at_any_node(fleet: Fleet) -> None:
    asking = await begun(fleet)
    await fleet.scaled(4)
    await fleet.scaled(1)
    await fleet.scaled(3)
    before = {e["id"] for e in fleet.controller.endpoints()}
    fleet.controller.settings["services"]["app"]["env"] = {"VERSION": "2"}
    fleet.controller.write()
    await asyncio.to_thread(fleet.controller.client.apply)
    await until(lambda: not before & {e["id"] for e in fleet.controller.endpoints()}, "rolled")
    await fleet.ready(3)
    victim = fleet.controller.endpoints()[0]["id"]
    await asyncio.to_thread(fleet.controller.client.drain, "app", victim)
    await until(lambda: victim not in {e["id"] for e in fleet.controller.endpoints()}, "drained")
    await fleet.ready(3)
    await asking.over()


async def test_a_controller_killed_or_stopped_is_missed_by_nobody(fleet: Fleet) -> None:
    asking = await begun(fleet)
    await fleet.controller.kill()
    await asking.served()
    await fleet.controller.start()
    await fleet.scaled(3)
    fleet.controller.send(signal.SIGSTOP)
    await asking.served(500)
    fleet.controller.send(signal.SIGCONT)
    await fleet.scaled(2)
    fleet.controller.send(signal.SIGTERM)
    assert await fleet.controller.ended() == 0
    await asking.served()
    await fleet.controller.start()
    await fleet.ready(2)
    await asking.over()


async def test_an_agent_killed_leaves_its_node_serving_and_finds_its_way_back(fleet: Fleet) -> None:
    asking = await begun(fleet)
    agent = fleet.agents[0]
    await agent.kill()
    await asking.served()
    await agent.start()
    await fleet.scaled(4)
    await fleet.scaled(2)
    await asking.over()


async def test_an_agent_that_ends_is_let_go_at_once_where_no_dns_names_its_node(
    fleet: Fleet,
) -> None:
    await fleet.start("n1", "n2")
    await fleet.ready(2)
    agent = fleet.agents[0]
    agent.send(signal.SIGTERM)
    assert await agent.ended() == 0
    assert not (agent.state / "nginx" / "nginx.pid").exists()
    told = [event["message"] for event in fleet.controller.client.events()]
    assert "n1 is about to leave" in told


async def test_a_wrong_token_is_refused_and_told(fleet: Fleet, tmp_path: Path) -> None:
    fleet.controller.spawn()
    wrong = tmp_path / "wrong"
    wrong.write_text("not-the-token-of-the-cluster")
    agent = fleet.agent("n1", token_file=str(wrong))
    await agent.start()
    problem = lambda: agent.client.status()["controller"]["problem"]  # noqa: E731
    await until(lambda: "401" in problem(), problem)


class Preferring(OnEcs):
    """Two nodes of a local ECS, each with an agent that prefers the two tasks of `app` on it."""

    def __init__(self, folder: Path, ecs: Rehearsal) -> None:
        self.ecs, self.hooks = ecs, f"127.0.0.1:{free_port()}"
        app = {**service(locality="prefer-node"), "service": "app", "container": "app"}
        del app["run"], app["replicas"]
        seat = Seat(f"127.0.0.1:{free_port()}", settings={"hooks": {"listen": self.hooks}})
        on = {"platform": "ecs", "ecs": {"cluster": ecs.setting.cluster}}
        self.fleet = Fleet(folder, {"app": app}, [seat], **on)

    async def start(self) -> None:
        sidecar = {"FAIRLEAD_HOOK_URL": f"http://{self.hooks}"}
        self.ecs.serve("app", define(self.ecs, {}, sidecar), 4)
        await self.fleet.start(*(node.machine for node in self.nodes()))
        await self.fleet.ready(4)

    async def instances(self) -> list[set[str]]:
        """Of the endpoints on each node, as they name themselves."""
        found = {node.address: set[str]() for node in self.nodes()}
        for endpoint in self.fleet.controller.endpoints():
            connection = await Connection.open(endpoint["address"], endpoint["port"])
            answer = await connection.send(Call().render("app.localhost"))
            connection.close()
            found[endpoint["address"]].add(answer.headers["x-instance"])
        return list(found.values())

    async def answered(self) -> list[set[str]]:
        """The endpoints that answered the clients at each node; none of them failed."""
        asking = Asking(self.fleet.loads(2))
        await asking.served()
        reports = await asking.end()
        assert [report.failed for report in reports] == [0, 0]
        return [set(report.instances) for report in reports]

    async def drain(self, index: int) -> None:
        """One node, until its endpoints are on the others."""
        node = self.nodes()[index]
        cluster, status = self.ecs.setting.cluster, "DRAINING"
        self.ecs.call(
            "UpdateContainerInstancesState",
            cluster=cluster, containerInstances=[node.arn], status=status,
        )  # fmt: skip
        endpoints = self.fleet.controller.endpoints
        await until(lambda: node.address not in {e["address"] for e in endpoints()})
        await self.fleet.ready(4)


@pytest.fixture
async def preferring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Preferring]:
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    async with rehearsal(nodes=2) as ecs:
        for name, value in ecs.environment().items():
            monkeypatch.setenv(name, value)
        made = Preferring(tmp_path, ecs)
        yield made
        await made.fleet.down()
    shutil.rmtree(tmp_path, ignore_errors=True)


async def test_a_preferred_node_serves_itself_and_spills_over_once_its_endpoints_are_gone(
    preferring: Preferring,
) -> None:
    await preferring.start()
    own = await preferring.instances()
    assert [len(each) for each in own] == [2, 2]
    assert await preferring.answered() == own
    asking = Asking(preferring.fleet.loads(2))
    await asking.served()
    await preferring.drain(0)
    await asking.over()
    left = await preferring.instances()
    assert [len(each) for each in left] == [0, 4]
    assert await preferring.answered() == [left[1], left[1]]
