"""One pass over DNS with the nodes of the local ECS, into a file and into a real name server."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairlead.core.model import Cluster
from fairlead.daemon.naming_once import Outcome, name_once
from fairlead.settings import parse
from tests.dns.knot import knot
from tests.rehearsal.ground import Rehearsal, rehearsal

SETTINGS = """
cluster: shop
platform: ecs
dns: {{provider: rfc2136, rfc2136: {{server: "127.0.0.1:{port}", key_file: {key}}}}}
services:
  catalog: {{service: web-service, routes: [shop.example.com/api]}}
"""


def drain(ecs: Rehearsal, index: int) -> None:
    arns = ecs.call("ListContainerInstances", cluster="shop")["containerInstanceArns"]
    wanted = {"containerInstances": [sorted(arns)[index]], "status": "DRAINING"}
    ecs.call("UpdateContainerInstancesState", cluster="shop", **wanted)


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    (tmp_path / "notes").mkdir()
    return tmp_path / "notes"


async def test_the_nodes_of_a_cluster_are_named_and_one_that_is_drained_leaves(
    tmp_path: Path, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    (tmp_path / "knot").mkdir()
    async with rehearsal(nodes=3) as ecs:
        for name, value in ecs.environment().items():
            monkeypatch.setenv(name, value)
        with knot(tmp_path / "knot") as server:
            cluster = parse(SETTINGS.format(port=server.port, key=server.key_file))
            first = await _named(cluster, notes, write=False)
            assert await server.resolve("shop.example.com", "A") == set()
            assert first.dry
            made = await _named(cluster, notes, write=True)
            assert (made.plan, made.nodes, made.dry) == (first.plan, first.nodes, False)
            addresses = {node.address for node in first.nodes}
            assert len(addresses) == 3
            assert await server.resolve("shop.example.com", "A") == addresses
            drain(ecs, 0)
            second = await _named(cluster, notes, write=True)
            (leaving,) = {node.address for node in second.nodes if node.leaving}
            assert await server.resolve("shop.example.com", "A") == addresses - {leaving}


async def _named(cluster: Cluster, notes: Path, *, write: bool) -> Outcome:
    outcome = await name_once(cluster, notes, write=write)
    assert outcome.problems == ()
    return outcome
