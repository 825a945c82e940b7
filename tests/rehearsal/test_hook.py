"""The drain sidecar beside an app, as ECS stops them: the sidecar first, and then the app."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from fairlead import hook
from fairlead.rehearsal.rehearsal import Rehearsal
from tests.docker_engine import PrivateEngine, private_engine
from tests.ground import until
from tests.rehearsal.ground import lines, program, rehearsal, running, stopped

COMMAND = [sys.executable, "-c", "from fairlead.cli.main import main; main()", "hook"]
INTERPRETER = str(Path(sys.executable).resolve())
AFTER_APP = [{"containerName": "app", "condition": "START"}]


class Listener:
    """Stands in for a fairlead: it is asked to let a task go, and says whether it has."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.done = False
        self.url = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked.append(head.decode().partition(" HTTP")[0])
        done = "true" if self.done else "false"
        writer.write(f'HTTP/1.1 200 OK\r\n\r\n{{"known": true, "done": {done}}}'.encode())
        await writer.drain()
        writer.close()


@asynccontextmanager
async def listening(address: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Listener]:
    listener = Listener()
    async with await asyncio.start_server(listener.answer, address, port) as server:
        listener.url = "http://{}:{}".format(*server.sockets[0].getsockname()[:2])
        yield listener


def sidecar(**env: str) -> dict[str, Any]:
    given = [{"name": name, "value": value} for name, value in env.items()]
    return {
        "name": "hook",
        "image": "fairlead",
        "command": COMMAND,
        "memory": 16,
        "environment": given,
        "dependsOn": AFTER_APP,
    }


async def begun(ecs: Rehearsal, *containers: dict[str, Any]) -> str:
    """The ARN of a task whose containers all run."""
    ecs.call("RegisterTaskDefinition", family="t", containerDefinitions=list(containers))
    (task,) = ecs.call("RunTask", cluster="shop", taskDefinition="t")["tasks"]
    await running(ecs, 1)
    return str(task["taskArn"])


def exit_codes(task: dict[str, Any]) -> dict[str, int]:
    return {each["name"]: each["exitCode"] for each in task["containers"]}


async def told(outputs: Path, arn: str, words: str) -> None:
    """Waits until the hook says so."""
    log = outputs / arn.rpartition("/")[2] / "hook.log"
    await until(lambda: words in log.read_text(), log.read_text)


async def test_the_app_gets_its_sigterm_when_nothing_is_in_flight(tmp_path: Path) -> None:
    log = tmp_path / "log"
    app = {"name": "app", "image": "app", "command": program(log, "app"), "memory": 32}
    async with listening() as listener, rehearsal(outputs=str(tmp_path)) as ecs:
        arn = await begun(ecs, app, sidecar(FAIRLEAD_HOOK_URL=listener.url))
        await told(tmp_path, arn, "waits for SIGTERM")
        assert listener.asked == []
        ecs.call("StopTask", cluster="shop", task=arn)
        await until(lambda: len(listener.asked) >= 5)
        assert set(listener.asked) == {f"POST /v1/tasks/{arn.rpartition('/')[2]}/leave"}
        assert lines(log) == ["app BEGIN"]
        listener.done = True
        found = await stopped(ecs, arn)
        await told(tmp_path, arn, "nothing is in flight")
        assert lines(log) == ["app BEGIN", "app TERM", "app END"]
        assert exit_codes(found) == {"app": 0, "hook": 0}
        assert found["stopCode"] == "UserInitiated"


async def test_a_listener_that_is_away_costs_no_more_than_the_hooks_own_time(
    tmp_path: Path,
) -> None:
    log = tmp_path / "log"
    app = {"name": "app", "image": "app", "command": program(log, "app"), "memory": 32}
    away = {"FAIRLEAD_HOOK_URL": "http://127.0.0.1:9", "FAIRLEAD_HOOK_TIMEOUT": "1"}
    clock = asyncio.get_running_loop().time
    async with rehearsal(outputs=str(tmp_path)) as ecs:
        arn = await begun(ecs, app, sidecar(**away))
        await told(tmp_path, arn, "waits for SIGTERM")
        asked = clock()
        ecs.call("StopTask", cluster="shop", task=arn)
        await until(lambda: "app TERM" in lines(log))
        assert 1 <= clock() - asked < 15
        found = await stopped(ecs, arn)
        assert exit_codes(found) == {"app": 0, "hook": 0}
        await told(tmp_path, arn, "the time is up")


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[PrivateEngine]:
    with private_engine() as found:
        monkeypatch.setenv("DOCKER_HOST", found.host)
        yield found


def python() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """This machine's interpreter and the sidecar, as volumes and their mount points."""
    needed = {sys.base_prefix, "/lib", "/lib64", "/usr/lib", str(Path(hook.__file__).parent)}
    paths = sorted(path for path in needed if os.path.isdir(path))  # noqa: PTH112
    volumes = [{"name": f"v{n}", "host": {"sourcePath": p}} for n, p in enumerate(paths)]
    mounts = [
        {"sourceVolume": f"v{n}", "containerPath": p, "readOnly": True} for n, p in enumerate(paths)
    ]
    return volumes, mounts


@pytest.mark.integration
async def test_in_containers_it_finds_fairlead_at_the_gateway(
    engine: PrivateEngine, tmp_path: Path
) -> None:
    """Nothing is set: it takes the metadata's word for its task, and its node for fairlead's."""
    log = tmp_path / "log"
    trap = "echo 'app TERM' >> /log/log; exit 0"
    wait = f'trap "{trap}" TERM; while true; do sleep 0.05; done'
    image: dict[str, Any] = {"image": engine.image, "memory": 64, "stopTimeout": 20}
    volumes, mounts = python()
    shared = {"sourceVolume": "log", "containerPath": "/log"}
    app = {"name": "app", "command": ["sh", "-c", wait], "mountPoints": [shared], **image}
    argv = [INTERPRETER, "-I", "-S", hook.__file__]
    side = {"name": "hook", "entryPoint": argv, "dependsOn": AFTER_APP, "mountPoints": mounts}
    form = "{{range .IPAM.Config}}{{.Gateway}}{{end}}"
    bridge = await engine.docker("network", "inspect", "bridge", "--format", form)
    own = {
        "family": "t",
        "volumes": [*volumes, {"name": "log", "host": {"sourcePath": str(tmp_path)}}],
    }
    async with (
        listening(bridge, hook.PORT) as listener,
        rehearsal(docker=True, outputs=str(tmp_path / "out")) as ecs,
    ):
        ecs.call("RegisterTaskDefinition", containerDefinitions=[app, {**side, **image}], **own)
        (task,) = ecs.call("RunTask", cluster="shop", taskDefinition="t")["tasks"]
        await running(ecs, 1)
        await told(tmp_path / "out", task["taskArn"], f"then asks http://{bridge}:{hook.PORT}")
        ecs.call("StopTask", cluster="shop", task=task["taskArn"])
        await until(lambda: len(listener.asked) >= 5)
        assert listener.asked[0] == f"POST /v1/tasks/{task['taskArn'].rpartition('/')[2]}/leave"
        assert lines(log) == []
        listener.done = True
        found = await stopped(ecs, task["taskArn"])
        await told(tmp_path / "out", task["taskArn"], "nothing is in flight")
        assert lines(log) == ["app TERM"]
        assert exit_codes(found) == {"app": 0, "hook": 0}
