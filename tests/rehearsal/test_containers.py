"""Tasks as containers of a real Docker engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.docker_engine import PrivateEngine, private_engine
from tests.ground import until
from tests.rehearsal.ground import address, answers, rehearsal, running, stopped, task

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def engine() -> Iterator[PrivateEngine]:
    with private_engine() as found:
        yield found


@pytest.fixture(autouse=True)
def _use(engine: PrivateEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", engine.host)


async def test_two_nodes_run_images_on_the_same_host_port(engine: PrivateEngine) -> None:
    async with rehearsal(nodes=2, docker=True) as ecs:
        more: dict[str, Any] = {"image": engine.image, "stopTimeout": 5}
        ecs.serve("web", ecs.define("web", host_port=8091, **more), 2)
        places = {address(found, ecs) for found in await running(ecs, 2)}
        assert {port for _, port in places} == {8091}
        for place in places:
            await until(lambda place=place: answers(place), f"{place} answers")
        assert len((await engine.docker("ps", "-q")).split()) == 2
    assert await engine.docker("ps", "-aq") == ""


async def test_a_container_ends_by_sigterm_or_is_killed(engine: PrivateEngine) -> None:
    trap = "trap 'exit 5' TERM; while true; do sleep 0.05; done"
    async with rehearsal(docker=True) as ecs:
        for argv, code in ((["sh", "-c", trap], 5), (["sleep", "99"], 137)):
            ecs.define("a", *argv, image=engine.image, stopTimeout=2)
            asked = ecs.call("RunTask", cluster="shop", taskDefinition="a")
            arn = asked["tasks"][0]["taskArn"]
            await until(lambda: engine.docker("ps", "-q"))
            ecs.call("StopTask", cluster="shop", task=arn)
            found = await stopped(ecs, arn)
            assert found["containers"][0]["exitCode"] == code


async def test_a_health_check_runs_inside_the_container(engine: PrivateEngine) -> None:
    check = {"command": ["CMD-SHELL", "test -e /www/index.html"], "interval": 5}
    async with rehearsal(docker=True, hurry=20) as ecs:
        ecs.define("a", image=engine.image, healthCheck=check, stopTimeout=2)
        arn = ecs.call("RunTask", cluster="shop", taskDefinition="a")["tasks"][0]["taskArn"]
        await until(lambda: task(ecs, arn)["healthStatus"] == "HEALTHY")


async def test_what_docker_refuses_is_said(engine: PrivateEngine) -> None:
    async with rehearsal(docker=True) as ecs:
        ecs.define("a", "no-such-program", image=engine.image)
        arn = ecs.call("RunTask", cluster="shop", taskDefinition="a")["tasks"][0]["taskArn"]
        found = await stopped(ecs, arn)
        assert found["stopCode"] == "TaskFailedToStart"
        assert "no-such-program" in found["stoppedReason"]
