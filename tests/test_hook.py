"""The drain sidecar as its own process, against the listener that the daemon gives it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from fairlead import hook
from fairlead.api.server import serve_hooks
from fairlead.core.errors import BadInput, Busy
from fairlead.core.model import Hooks
from fairlead.wire import Request
from tests.ground import fetch, free_port, until

TASK = "4f0c1d7a9b1e4a70a1d2e3f405162738"
SECRET = "a-token-for-the-tests"


class Daemon:
    """What the hook asks of; `left` counts the requests that are in flight."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.left: int | None = 2

    async def leave(self, task: str) -> dict[str, Any]:
        self.asked.append(task)
        return {"known": True, "in_flight": self.left, "done": self.left == 0}


class Sidecar:
    def __init__(self, folder: Path, **env: str) -> None:
        self.folder, self.env = folder, env
        self.process: asyncio.subprocess.Process | None = None

    async def start(self, says: bytes = b"waits for SIGTERM") -> None:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-S", hook.__file__,
            env={**os.environ, "FAIRLEAD_TASK": TASK, **self.env},
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert self.process.stderr
        assert says in await self.process.stderr.readline()

    async def told(self) -> str:
        """What it says after its start, once it has ended; it never fails its task."""
        assert self.process
        assert self.process.stderr
        text = (await self.process.stderr.read()).decode()
        assert await self.process.wait() == 0
        return text

    def stop(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGTERM)


def private_kib(pid: int) -> int:
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(row.split()[1]) for row in rows if row.startswith("Private"))


@pytest.fixture
async def daemon() -> Daemon:
    return Daemon()


@pytest.fixture
async def listener(daemon: Daemon, tmp_path: Path) -> AsyncIterator[str]:
    token = tmp_path / "token"
    token.write_text(SECRET + "\n")
    listen = f"127.0.0.1:{free_port()}"
    async with serve_hooks(daemon, Hooks(listen, str(token))):  # type: ignore[arg-type]
        yield f"http://{listen}"


async def test_it_ends_when_nothing_is_in_flight(
    daemon: Daemon, listener: str, tmp_path: Path
) -> None:
    sidecar = Sidecar(tmp_path, FAIRLEAD_HOOK_URL=listener, FAIRLEAD_HOOK_TOKEN=SECRET)
    await sidecar.start()
    assert daemon.asked == []
    sidecar.stop()
    await until(lambda: len(daemon.asked) >= 3)
    assert sidecar.process
    assert sidecar.process.returncode is None
    daemon.left = 0
    assert "nothing is in flight" in await sidecar.told()
    assert set(daemon.asked) == {TASK}


async def test_it_ends_when_the_time_is_up(daemon: Daemon, listener: str, tmp_path: Path) -> None:
    sidecar = Sidecar(
        tmp_path,
        FAIRLEAD_HOOK_URL=listener,
        FAIRLEAD_HOOK_TOKEN=SECRET,
        FAIRLEAD_HOOK_TIMEOUT="0.3",
    )
    await sidecar.start()
    sidecar.stop()
    assert "the time is up: requests are in flight still" in await sidecar.told()


@pytest.mark.parametrize(
    ("env", "why"),
    [
        ({"FAIRLEAD_HOOK_TOKEN": "a-guess"}, "401"),
        ({"FAIRLEAD_HOOK_URL": "http://127.0.0.1:9"}, "Connection refused"),
        ({"FAIRLEAD_HOOK_URL": "ftp://x"}, "no http:// URL"),
    ],
)
async def test_it_says_why_it_could_not_ask(
    daemon: Daemon, listener: str, tmp_path: Path, env: dict[str, str], why: str
) -> None:
    all_ = {"FAIRLEAD_HOOK_URL": listener, "FAIRLEAD_HOOK_TIMEOUT": "0.2", **env}
    sidecar = Sidecar(tmp_path, **all_)
    await sidecar.start()
    sidecar.stop()
    assert why in await sidecar.told()
    assert daemon.asked == []


async def test_it_finds_its_task_in_the_metadata_of_ecs(
    daemon: Daemon, listener: str, tmp_path: Path
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1]
        arn = f"arn:aws:ecs:eu-west-1:123456789012:task/shop/{TASK}"
        body = json.dumps({"Cluster": "shop", "TaskARN": arn}) if line == b"/v4/x/task" else ""
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()

    daemon.left = 0
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        sidecar = Sidecar(
            tmp_path,
            FAIRLEAD_HOOK_URL=listener,
            FAIRLEAD_HOOK_TOKEN=SECRET,
            FAIRLEAD_TASK="",
            ECS_CONTAINER_METADATA_URI_V4=f"http://127.0.0.1:{port}/v4/x",
        )
        await sidecar.start()
        sidecar.stop()
        assert "nothing is in flight" in await sidecar.told()
    assert daemon.asked == [TASK]


@pytest.mark.parametrize("told", [b"", b"HTTP/1.1 200 OK\r\n\r\n"])
async def test_a_listener_without_end_does_not_hold_it_up(tmp_path: Path, told: bytes) -> None:
    """It answers a byte at a time, each well within the limit for one read."""
    ended = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(told)
        while not reader.at_eof():
            writer.write(b" ")
            with suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    await reader.read()
        writer.close()
        ended.set()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        sidecar = Sidecar(tmp_path, FAIRLEAD_HOOK_URL=url, FAIRLEAD_HOOK_TIMEOUT="0.5")
        await sidecar.start()
        begun = asyncio.get_running_loop().time()
        sidecar.stop()
        async with asyncio.timeout(10):
            assert "the time is up: timed out" in await sidecar.told()
            await ended.wait()
        assert asyncio.get_running_loop().time() - begun >= 0.5


async def test_metadata_that_fails_at_first_is_asked_again(
    daemon: Daemon, listener: str, tmp_path: Path
) -> None:
    asked = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        await reader.readuntil(b"\r\n\r\n")
        asked += 1
        body = json.dumps({"TaskARN": f"arn:aws:ecs:eu-west-1:123456789012:task/shop/{TASK}"})
        status = "200 OK" if asked > 2 else "500 Busy"
        writer.write(f"HTTP/1.1 {status}\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()

    daemon.left = 0
    env = {"FAIRLEAD_HOOK_URL": listener, "FAIRLEAD_HOOK_TOKEN": SECRET, "FAIRLEAD_TASK": ""}
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        metadata = f"http://127.0.0.1:{port}/v4/x"
        sidecar = Sidecar(tmp_path, ECS_CONTAINER_METADATA_URI_V4=metadata, **env)
        await sidecar.start()
        sidecar.stop()
        assert "nothing is in flight" in await sidecar.told()
    assert (asked, set(daemon.asked)) == (3, {TASK})


async def test_without_metadata_it_says_so_in_time(tmp_path: Path) -> None:
    env = {"ECS_CONTAINER_METADATA_URI_V4": "http://127.0.0.1:9", "FAIRLEAD_TASK": ""}
    sidecar = Sidecar(tmp_path, FAIRLEAD_HOOK_TIMEOUT="0.3", **env)
    await sidecar.start()
    sidecar.stop()
    async with asyncio.timeout(10):
        assert "cannot tell which task this is: " in await sidecar.told()


async def test_a_timeout_that_is_no_number_does_not_fail_the_task(
    daemon: Daemon, listener: str, tmp_path: Path
) -> None:
    daemon.left = 0
    env = {"FAIRLEAD_HOOK_URL": listener, "FAIRLEAD_HOOK_TOKEN": SECRET}
    sidecar = Sidecar(tmp_path, FAIRLEAD_HOOK_TIMEOUT="soon", **env)
    await sidecar.start(b"FAIRLEAD_HOOK_TIMEOUT 'soon' is no number of seconds: it is 25")
    sidecar.stop()
    assert "nothing is in flight" in await sidecar.told()


async def test_it_takes_a_few_mebibytes(listener: str, tmp_path: Path) -> None:
    sidecar = Sidecar(tmp_path, FAIRLEAD_HOOK_URL=listener)
    await sidecar.start()
    assert sidecar.process
    private = private_kib(sidecar.process.pid)
    sidecar.process.kill()
    await sidecar.process.wait()
    assert private < 8 * 1024


@pytest.mark.parametrize(
    "given", ["", "Bearer", "Bearer a-guess", SECRET, SECRET[:-1], f"Basic {SECRET}"]
)
async def test_only_who_knows_the_token_is_heard(daemon: Daemon, listener: str, given: str) -> None:
    port = int(listener.rpartition(":")[2])
    request = Request("POST", f"/v1/tasks/{TASK}/leave", (("host", "x"), ("authorization", given)))
    assert (await fetch(port, request)).status == 401
    assert daemon.asked == []


@pytest.mark.parametrize("task", ["short", "a" * 65, "a%0ab-12345678", "%2e%2e%2fetc%2fpasswd"])
async def test_what_is_no_task_is_refused(daemon: Daemon, listener: str, task: str) -> None:
    port = int(listener.rpartition(":")[2])
    header = (("host", "x"), ("authorization", f"Bearer {SECRET}"))
    answer = await fetch(port, Request("POST", f"/v1/tasks/{task}/leave", header))
    assert answer.status in (400, 404)
    assert daemon.asked == []


async def test_a_token_that_cannot_be_read_or_is_short_is_refused(tmp_path: Path) -> None:
    short = tmp_path / "short"
    short.write_text("1234")
    for file in (short, tmp_path / "none"):
        with pytest.raises(BadInput, match="token"):
            async with serve_hooks(Daemon(), Hooks(f"127.0.0.1:{free_port()}", str(file))):  # type: ignore[arg-type]
                pass


async def test_a_taken_address_is_refused(listener: str) -> None:
    with pytest.raises(Busy, match="hooks"):
        async with serve_hooks(Daemon(), Hooks(listener.removeprefix("http://"))):  # type: ignore[arg-type]
            pass
