from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fairlead.core.errors import PlatformError
from fairlead.core.model import Container, Service
from fairlead.rehearsal.from_settings import can_run
from fairlead.rehearsal.processes import MARK, Processes
from fairlead.rehearsal.rehearsal import Rehearsal
from fairlead.rehearsal.runtime import Launch
from tests.ground import free_port, until
from tests.rehearsal.ground import (
    SERVER,
    address,
    answers,
    children,
    network,
    program,
    rehearsal,
    running,
)
from tests.spaces import lan

FAIRLEAD = [sys.executable, "-c", "from fairlead.cli.main import main; main()"]
CHILD = (
    "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(99)'])"
)


def launch(tmp_path: Path, *argv: str) -> Launch:
    return Launch(argv, {}, "", tmp_path / "out" / "a.log")


async def test_exit_codes_are_dockers(tmp_path: Path) -> None:
    runtime = Processes()
    ended = runtime.start(launch(tmp_path, "sh", "-c", "echo hello; exit 3")).ended
    assert await ended == 3
    assert (tmp_path / "out" / "a.log").read_text() == "hello\n"
    sleeper = runtime.start(launch(tmp_path, "sleep", "99"))
    sleeper.terminate()
    assert await sleeper.ended == 143
    assert await runtime.run(launch(tmp_path, "sleep", "99"), 0.05) == 124
    assert await runtime.run(launch(tmp_path, "false"), 5) == 1
    with pytest.raises(PlatformError, match="/no/such: cannot be started"):
        runtime.start(launch(tmp_path, "/no/such"))
    await runtime.close()


async def test_a_leader_takes_its_group_along(tmp_path: Path) -> None:
    runtime = Processes()
    leader = runtime.start(launch(tmp_path, "sh", "-c", "sleep 99 & sleep 0.1"))
    assert await leader.ended == 0
    await until(lambda: not set(children(runtime.mark)) - {runtime._watchdog.pid})
    await runtime.close()


async def test_a_node_in_a_namespace_has_its_tasks_there() -> None:
    with lan("10.0.1") as network:
        host, other = network.host(100), network.host(101)
        async with rehearsal(nodes=0) as ecs:
            ecs.add_node(address=host.address, space=host.name)
            ecs.serve("web", ecs.define("web", *SERVER), 2)
            places = [address(task, ecs) for task in await running(ecs, 2)]
            assert {place[0] for place in places} == {"10.0.1.100"}
            for place in places:
                with other.entered():
                    await until(lambda place=place: answers(place), str(place))
                assert not await answers(place)
        assert not host.pids()


async def test_nothing_is_left_when_the_block_ends(tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with rehearsal() as ecs:
        ecs.serve("web", ecs.define("web", *program(log, "a", deaf=1)), 2)
        ecs.serve("two", ecs.define("two", sys.executable, "-c", CHILD))
        await running(ecs, 3)
        mark = f"{MARK}={ecs.plane.site.runtime.mark}"
        await until(lambda: len(list(children(mark))) == 4)
    assert list(children(mark)) == []


SERVE = f"{sys.executable}, -m, http.server, '{{port}}'"


def served(tmp_path: Path, *options: str, run: str = SERVE) -> subprocess.Popen[str]:
    file = tmp_path / "fairlead.yaml"
    file.write_text(
        "cluster: shop\nservices:\n  web:\n    replicas: 3\n    routes: [web.localhost]\n"
        f"    run: [{run}]\n"
    )
    place = f"127.0.0.1:{free_port()}"
    argv = [*FAIRLEAD, "rehearse", "-f", str(file), "--listen", place, "--network", network()]
    return subprocess.Popen([*argv, *options], stdout=subprocess.PIPE, text=True)


def mark_of(pid: int) -> str:
    """The mark that the server's containers carry, from one of them."""
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        for word in Path(f"/proc/{child}/environ").read_bytes().split(b"\0"):
            if word.startswith(MARK.encode()):
                return word.decode()
    return ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
async def test_processes_do_not_outlive_the_server(tmp_path: Path, number: int) -> None:
    with served(tmp_path) as server:
        assert server.stdout
        head = [server.stdout.readline().strip() for _ in range(9)]
        assert head[0].startswith("export AWS_ENDPOINT_URL_ECS=http://127.0.0.1:")
        assert "export AWS_DEFAULT_REGION=us-east-1" in head
        assert re.fullmatch(r"# cluster shop: 2 nodes, 127\.\S+\.1 to 127\.\S+\.2", head[5])
        scale = "aws ecs update-service --cluster shop --service shop-web --desired-count 2"
        assert f"#   {scale}" in head
        mark = await until(lambda: mark_of(server.pid))
        await until(lambda: len(list(children(mark))) == 3)
        os.kill(server.pid, number)
        status = server.wait(20)
    assert status == (0 if number != signal.SIGKILL else -signal.SIGKILL)
    await until(lambda: not list(children(mark)), "the containers end", 10)


@pytest.mark.parametrize(
    ("run", "told"),
    [
        ("sh, -c, exit 7", "Essential container in task exited: app: exit code 7"),
        ("/no/such", "Task failed to start: app: CannotStartContainerError: /no/such: cannot be"),
    ],
)
def test_why_a_task_did_not_stay_is_shown(tmp_path: Path, run: str, told: str) -> None:
    with served(tmp_path, run=run) as server:
        assert server.stdout
        shown = next((line for line in server.stdout if line.startswith("# task ")), "")
        server.terminate()
    assert f"of service:shop-web: {told}" in shown


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--network", "10.0.0"], "begin with 127"),
        (["--listen", "nonsense"], "give address:port"),
        (["--outputs", "/proc/none"], "outputs /proc/none: no such directory can be made"),
        (["--nodes", "255"], "255 is not in the range"),
        (["-f", "/no/such.yaml"], "/no/such.yaml"),
    ],
)
def test_what_cannot_be_used_is_said(options: list[str], words: str) -> None:
    done = refused("--network", network(), "--listen", "127.0.0.1:0", *options)
    assert done.returncode == 2
    assert words in done.stderr


def refused(*options: str) -> subprocess.CompletedProcess[str]:
    argv = [*FAIRLEAD, "rehearse", *options]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)


async def test_two_at_once_do_not_get_into_one_anothers_way() -> None:
    async with rehearsal() as ecs:
        place = ecs.url.removeprefix("http://")
        done = await asyncio.to_thread(refused, "--network", network(), "--listen", place)
        assert done.returncode == 1
        assert f"cannot listen on {place}: something listens there already" in done.stderr
        for near in (ecs.setting.network, next_to(ecs.setting.network)):
            free = f"127.0.0.1:{free_port()}"
            done = await asyncio.to_thread(refused, "--network", near, "--listen", free)
            assert done.returncode == 1
            assert f"network {near}: another local ECS" in done.stderr
        async with Rehearsal() as other:
            (node,) = other.cluster.instances.values()
            assert node.address not in {n.address for n in ecs.cluster.instances.values()}
    async with rehearsal(network=ecs.setting.network):
        """The network is free again."""


def next_to(network: str) -> str:
    """The network of its awsvpc tasks."""
    first, _, last = network.rpartition(".")
    return f"{first}.{int(last) + 1}"


def test_a_file_runs_what_can_run_here() -> None:
    process = Service("process", run=("serve",))
    boxed = Service("boxed", run=("serve",), container=Container(image="shop:1"))
    found = [[s.name for s in (process, boxed) if can_run(s, docker)] for docker in (False, True)]
    assert found == [["process"], ["boxed"]]
