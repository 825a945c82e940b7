"""Three nodes of a local ECS, named by a real name server: who honours the TTL loses no request."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.dns.knot import knot
from tests.ground import children_of, free_port
from tests.integration.cluster import APP
from tests.integration.named import TTL, Named
from tests.rehearsal.ground import rehearsal

pytestmark = pytest.mark.integration
DRAINED = 10.0
"""Seconds after which a node that ECS drains is out of DNS at the latest, without events."""


@pytest.fixture
async def named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Named]:
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    (tmp_path / "knot").mkdir()
    with knot(tmp_path / "knot") as server:
        async with rehearsal(nodes=3) as ecs:
            for name, value in ecs.environment().items():
                monkeypatch.setenv(name, value)
            made = Named(tmp_path, ecs, server, free_port())
            argv = ["python3", str(APP), "{port}"]
            try:
                await made.start(ecs.define("app", *argv, memory=64), 3)
                yield made
            finally:
                await made.down()
    shutil.rmtree(tmp_path, ignore_errors=True)


async def test_a_node_that_ends_is_out_of_dns_and_its_ttl_over_before_it_stops(
    named: Named,
) -> None:
    clients = named.clients()
    await clients.served()
    leaving, agent = named.nodes()[0], named.fleet.agents[0]
    agent.send(signal.SIGTERM)
    await named.answers({node.address for node in named.nodes()[1:]})
    gone = time.monotonic()
    assert await agent.ended() == 0
    assert time.monotonic() - gone > TTL / 2
    await clients.served()
    assert await clients.over() == []
    assert leaving.address not in await named.resolve()


async def test_a_node_that_ecs_drains_leaves_dns(named: Named) -> None:
    named.ecs.call(
        "UpdateContainerInstancesState",
        cluster="shop",
        containerInstances=[named.nodes()[2].arn],
        status="DRAINING",
    )
    await named.answers({node.address for node in named.nodes()[:2]}, DRAINED + 5.0)


async def test_a_node_that_dies_is_withdrawn_within_ten_seconds(named: Named) -> None:
    agent = named.fleet.agents[1]
    nginx = agent.client.status()["proxy"]["pid"]
    assert nginx
    workers = children_of(nginx)
    await agent.kill()
    for pid in (nginx, *workers):
        os.kill(pid, signal.SIGKILL)
    began = time.monotonic()
    await named.answers({n.address for n in named.nodes() if n is not named.nodes()[1]})
    assert time.monotonic() - began < 10
