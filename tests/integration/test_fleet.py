"""One controller, two nodes: no request is lost, whoever of them goes."""

from __future__ import annotations

import asyncio
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.ground import until
from tests.integration.asking import Asking
from tests.integration.cluster import service
from tests.integration.fleet import Daemon, Fleet

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
