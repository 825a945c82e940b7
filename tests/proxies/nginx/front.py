"""A real nginx with fairlead's rendered configuration, and tiny upstream servers."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import h11

import fairlead.proxies.nginx as package
from fairlead.core.model import Front
from fairlead.proxies.nginx.config import render
from fairlead.proxies.nginx.machine import find
from tests.ground import free_port, until

LUA = Path(package.__file__).parent / "lua"
TOKEN = "trace-of-the-tests"

Reply = Callable[["Request", asyncio.StreamWriter], Awaitable[bytes]]
Start = Callable[..., Awaitable["Upstream"]]


class Request:
    """What an upstream got: the target as sent, headers in lower case, the body."""

    def __init__(
        self, target: str, method: str, headers: list[tuple[str, str]], body: bytes
    ) -> None:
        self.target, self.method, self.all_headers, self.body = target, method, headers, body
        self.headers = dict(headers)


class Answer:
    """What a client got."""

    def __init__(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status, self.all_headers, self.body = status, headers, body
        self.headers = dict(headers)

    @property
    def text(self) -> str:
        return self.body.decode()


async def _read_head(reader: asyncio.StreamReader) -> tuple[str, list[tuple[str, str]]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = [line.split(":", 1) for line in head[1:] if line]
    return head[0], [(name.lower(), value.strip()) for name, value in pairs]


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body


async def read_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if "chunked" in headers.get("transfer-encoding", ""):
        return await _read_chunks(reader)
    return await reader.readexactly(int(headers.get("content-length", 0)))


class Upstream:
    """Answers its name, or what `reply` returns; remembers the requests."""

    def __init__(self, name: str, reply: Reply | None) -> None:
        self.name, self.reply = name, reply
        self.requests: list[Request] = []
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self, port: int = 0) -> None:
        # With asyncio's own backlog of 100 a burst drops SYNs, which come again after 1 s,
        # when nginx has given the connection up.
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the listener and every connection at once."""
        if self._server is None:
            return
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await self._server.wait_closed()
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while await self._one(reader, writer):
                    pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        line, headers = await _read_head(reader)
        method, target, _ = line.split(" ")
        request = Request(target, method, headers, await read_body(reader, dict(headers)))
        self.requests.append(request)
        raw = await self.reply(request, writer) if self.reply else ok(self.name)
        writer.write(raw)
        await writer.drain()
        return bool(raw)


def ok(text: str, status: str = "200 OK", extra: str = "") -> bytes:
    body = text.encode()
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{extra}\r\n".encode() + body


async def fetch(
    port: int | Path,
    target: str = "/",
    *,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    body: bytes = b"",
) -> Answer:
    """One request on a connection of its own; `port` may be a unix socket's path."""
    if isinstance(port, Path):
        reader, writer = await asyncio.open_unix_connection(str(port))
    else:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    sent = {"Host": "shop.localhost", "Connection": "close", **(headers or {})}
    if body or method in ("PUT", "POST"):
        sent["Content-Length"] = str(len(body))
    lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    try:
        writer.write(f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode() + body)
        return await read_answer(reader)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
    connection.send(h11.EndOfMessage())
    head, body = None, b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Response):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            assert head is not None
            pairs = [(n.decode().lower(), v.decode()) for n, v in head.headers]
            return Answer(head.status_code, pairs, body)


TRAFFIC = {
    "balance": "p2c",
    "hash_key": "ip",
    "sticky": "",
    "slow_start": 0.0,
    "hold": 0.0,
    "retries": 2,
    "connect_timeout": 1.0,
    "timeout": 60.0,
    "stream": False,
}


def entry(id_: str, port: int, slot: int, **changes: Any) -> dict[str, Any]:
    plain = {"address": "127.0.0.1", "state": "up", "weight": 1, "ready_at": 0.0}
    return {"id": id_, "port": port, "slot": slot, **plain, **changes}


def route(host: str, path: str = "/", strip: bool = False) -> dict[str, Any]:
    return {"host": host, "path": path, "strip": strip}


def doc(
    service: str, entries: list[dict[str, Any]], *routes: dict[str, Any], **traffic: Any
) -> dict[str, Any]:
    found = list(routes) or [route("shop.localhost")]
    return {
        "service": service,
        "routes": found,
        "entries": entries,
        "traffic": {**TRAFFIC, **traffic},
    }


class Nginx:
    """nginx in the foreground under a prefix of its own."""

    def __init__(self, prefix: Path) -> None:
        self.prefix, self.port = prefix, free_port()
        self.socket = prefix / "control.sock"
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self, workers: int = 1) -> None:
        for folder in ("table", "temp"):
            (self.prefix / folder).mkdir(exist_ok=True)
        machine = find()
        user = "root" if os.geteuid() == 0 else ""
        front = Front(listen=(f"127.0.0.1:{self.port}",), workers=workers, max_body=64 << 20)
        config = self.prefix / "nginx.conf"
        config.write_text(render(front, self.prefix, machine.modules, LUA, TOKEN, user))
        self._process = await asyncio.create_subprocess_exec(
            machine.nginx,
            "-p",
            str(self.prefix),
            "-c",
            str(config),
            stderr=asyncio.subprocess.DEVNULL,
        )
        await until(self._answers)

    async def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.returncode is None, self.errors()
        with suppress(OSError):
            return (await fetch(self.socket, "/info")).status == 200
        return False

    async def in_flight(self, id_: str, expected: int) -> None:
        """Wait until so many requests are at the entry."""

        async def reached() -> bool:
            with suppress(ConnectionError, KeyError):
                return bool((await self.counters())[id_]["in_flight"] == expected)
            return False

        await until(reached)

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
        if self._process is not None:
            await self._process.wait()
        self.socket.unlink(missing_ok=True)

    def errors(self) -> str:
        log = self.prefix / "error.log"
        return log.read_text(errors="replace") if log.exists() else ""

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        raw = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        answer = await fetch(self.socket, path, method=method, body=raw)
        return answer.status, json.loads(answer.body)

    async def put(self, table: dict[str, Any]) -> int:
        status, answer = await self.control("PUT", f"/services/{table['service']}", table)
        assert status == 200, answer
        return int(answer["generation"])

    async def counters(self, service: str = "") -> dict[str, Any]:
        query = f"?service={service}" if service else ""
        status, answer = await self.control("GET", f"/counters{query}")
        assert status == 200
        return dict(answer)

    async def get(self, target: str = "/", **how: Any) -> Answer:
        return await fetch(self.port, target, **how)
