from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.contract.ecs_worlds import ecs_world, local_ecs_world
from tests.contract.worlds import World, docker_world, process_world
from tests.docker_engine import PrivateEngine, private_engine

WORLDS = {
    "process": lambda get: process_world(get("tmp_path")),
    "docker": lambda get: docker_world(get("mortal_engine")),
    "ecs": lambda _: ecs_world(),
    "local ecs": lambda get: local_ecs_world(get("monkeypatch"), get("tmp_path")),
}


@pytest.fixture(scope="session")
def mortal_engine() -> Iterator[PrivateEngine]:
    """For tests that take it away: its containers outlive that."""
    with private_engine(live_restore=True) as engine:
        yield engine


@pytest.fixture(params=WORLDS)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    async with WORLDS[request.param](request.getfixturevalue) as each:
        await each.again()
        yield each
