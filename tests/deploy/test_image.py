"""The image: built by a real engine, run as ECS runs it, on the node's network with a local ECS.

It takes minutes, so it is not among the others: scripts/image. It prints what it measures.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fairlead.core.errors import WireError
from fairlead.rehearsal.rehearsal import Rehearsal
from fairlead.wire import Connection, Request
from tests.deploy.debian_base import debian_base, need_debootstrap
from tests.docker_engine import PrivateEngine, private_engine
from tests.ground import PATIENCE, until
from tests.integration.cluster import APP
from tests.rehearsal.ground import rehearsal

pytestmark = [pytest.mark.image, pytest.mark.timeout(900)]
ROOT = Path(__file__).parents[2]
IMAGE = "fairlead:test"
FRONT = f"127.{os.getpid() % 200 + 20}.{os.getpid() // 200 % 250}.80"
"""A loopback address of this run's own, so that its ports 80 and 7171 are free."""
SIDECAR = json.loads((ROOT / "deploy/service.json").read_text())["containerDefinitions"][1]
TOKEN = "a-token-for-the-sidecars-of-tasks"
MIB = 1 << 20


@pytest.fixture(scope="module")
def engine() -> Iterator[PrivateEngine]:
    need_debootstrap()
    with private_engine() as engine:
        build(engine)
        yield engine


def build(engine: PrivateEngine) -> None:
    debian_base(engine, "bookworm", "debian:bookworm-slim")
    command = ["docker", "build", "-q", "--network", "host", "-f", "deploy/Dockerfile", "-t"]
    done = subprocess.run(
        [*command, IMAGE, "."], cwd=ROOT, capture_output=True, text=True, check=False,
        env={**engine.environment(), "DOCKER_BUILDKIT": "0"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


@pytest.fixture
async def ecs(engine: PrivateEngine) -> AsyncIterator[Rehearsal]:
    async with rehearsal(nodes=1) as ecs:
        yield ecs
        await engine.clear()


@pytest.fixture
async def task(ecs: Rehearsal) -> str:
    """The ARN of the one task of the service `catalog`."""
    app = {
        "name": "app", "image": "app", "command": [sys.executable, str(APP), "{port}"],
        "memory": 64, "essential": True, "portMappings": [{"containerPort": 8080, "hostPort": 0}],
    }  # fmt: skip
    defined = ecs.call("RegisterTaskDefinition", family="catalog", containerDefinitions=[app])
    ecs.serve("catalog", defined["taskDefinition"]["taskDefinitionArn"], 1)

    def started() -> list[str]:
        return list(ecs.call("ListTasks", cluster="shop", serviceName="catalog")["taskArns"])

    (arn,) = await until(started, "the task is there")
    return str(arn)


def settings() -> str:
    """As Terraform's yamlencode hands them over: JSON is YAML."""
    return json.dumps({
        "cluster": "shop",
        "platform": "ecs",
        "listen": f"{FRONT}:80",
        "hooks": {"listen": f"{FRONT}:7171", "token_file": "hook-token"},
        "services": {
            "catalog": {
                "service": "catalog", "container": "app", "routes": ["catalog.localhost"],
                "health": {"path": "/health"},
            }
        },
    })  # fmt: skip


async def node(engine: PrivateEngine, ecs: Rehearsal, name: str) -> str:
    """The container that the Terraform module's task definition describes; its id."""
    variables = {
        **ecs.environment(), "FAIRLEAD_SETTINGS": settings(), "FAIRLEAD_HOOK_TOKEN": TOKEN
    }  # fmt: skip
    given = [word for key, value in variables.items() for word in ("-e", f"{key}={value}")]
    place = ["--network", "host", "-v", "fairlead-state:/var/lib/fairlead"]
    return await engine.run("--name", name, *place, *given, IMAGE)


async def answered() -> bool:
    request = Request("GET", "/", (("Host", "catalog.localhost"),))
    try:
        async with asyncio.timeout(PATIENCE):
            connection = await Connection.open(partial(asyncio.open_connection, FRONT, 80))
            try:
                return (await connection.exchange(request, 1 << 16)).status == 200
            finally:
                connection.close()
    except WireError:
        return False


async def served(engine: PrivateEngine, container: str) -> None:
    try:
        await until(answered, "a request is answered")
    except AssertionError as error:
        raise AssertionError(f"{error}:\n{await written(engine, container)}") from error


async def resident(engine: PrivateEngine, container: str) -> float:
    """MiB that its processes hold, what they share counted once."""
    pids = (await engine.docker("top", container, "-o", "pid")).split()[1:]
    return sum(map(_proportional, pids)) / 1024


def _proportional(pid: str) -> int:
    """Its proportional set size in KiB."""
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(row.split()[1]) for row in rows if row.startswith("Pss:"))


async def inspect(engine: PrivateEngine, what: str, field: str) -> Any:
    return json.loads(await engine.docker("inspect", "-f", f"{{{{json {field}}}}}", what))


async def test_it_is_fairlead_of_a_user_without_rights(
    engine: PrivateEngine, capfd: pytest.CaptureFixture[str]
) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert version in await engine.docker("run", "--rm", IMAGE, "fairlead", "--version")
    assert int(await engine.docker("run", "--rm", IMAGE, "id", "-u")) > 0
    size = await inspect(engine, IMAGE, ".Size") / MIB
    tell(capfd, f"image: {size:.0f} MiB")
    assert size < 200


async def test_it_serves_port_80_of_the_node_and_stops_in_order(
    engine: PrivateEngine, ecs: Rehearsal, task: str, capfd: pytest.CaptureFixture[str]
) -> None:
    container = await node(engine, ecs, "first")
    await served(engine, container)
    status = ["fairlead", "status", "-f", "/var/lib/fairlead/fairlead.yaml"]
    assert task.rpartition("/")[2][:6] in await engine.docker("exec", container, *status)
    held = await resident(engine, container)
    tell(capfd, f"fairlead and nginx, a task on ECS: {held:.1f} MiB")
    assert held < 75
    await engine.docker("stop", "-t", "60", container)
    assert await inspect(engine, container, ".State.ExitCode") == 0


async def test_one_that_was_killed_is_followed_by_another_on_its_volume(
    engine: PrivateEngine, ecs: Rehearsal, task: str
) -> None:
    await served(engine, first := await node(engine, ecs, "first"))
    await engine.docker("kill", first)
    await served(engine, await node(engine, ecs, "second"))


async def test_the_sidecar_has_its_task_drained(
    engine: PrivateEngine, ecs: Rehearsal, task: str, capfd: pytest.CaptureFixture[str]
) -> None:
    await served(engine, await node(engine, ecs, "first"))
    given = {
        "FAIRLEAD_HOOK_URL": f"http://{FRONT}:7171", "FAIRLEAD_HOOK_TOKEN": TOKEN,
        "FAIRLEAD_TASK": task.rpartition("/")[2],
    }  # fmt: skip
    words = [word for key, value in given.items() for word in ("-e", f"{key}={value}")]
    words += ["--network", "host", "--memory", f"{SIDECAR['memory']}m"]
    hook = await engine.run(*words, IMAGE, *SIDECAR["command"])
    await until(partial(said, engine, hook, "waits for SIGTERM"), "the sidecar waits")
    held = await resident(engine, hook)
    tell(capfd, f"the sidecar: {held:.1f} MiB")
    assert held < 8
    await engine.docker("stop", "-t", str(SIDECAR["stopTimeout"]), hook)
    assert await inspect(engine, hook, ".State.ExitCode") == 0
    assert await said(engine, hook, "nothing is in flight")


async def said(engine: PrivateEngine, container: str, words: str) -> bool:
    return words in await written(engine, container)


async def written(engine: PrivateEngine, container: str) -> str:
    """All that it wrote; of `docker logs`, part would be on standard error."""
    log = await engine.docker("inspect", "-f", "{{.LogPath}}", container)
    return await asyncio.to_thread(Path(log).read_text)


def tell(capfd: pytest.CaptureFixture[str], text: str) -> None:
    with capfd.disabled():
        print(f"\n{text}")
