"""What the tests of the nginx proxy stand on: endpoints, clients, a journal that is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fairlead.core.model import Entry, Front, Route, ServiceTable, Traffic
from fairlead.proxies.nginx.proxy import NginxProxy
from fairlead.wire import Request
from tests.ground import fetch, free_port, until


@asynccontextmanager
async def endpoint(
    name: str, pause: Callable[[], Awaitable[Any]] | None = None
) -> AsyncIterator[Entry]:
    """Answers every request with its name, after `pause`."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                if pause:
                    await pause()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(name))
                writer.write(name.encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield Entry(name, "127.0.0.1", server.sockets[0].getsockname()[1])


def table(service: str, *entries: Entry, **traffic: Any) -> ServiceTable:
    return ServiceTable(service, (Route(f"{service}.localhost"),), entries, Traffic(**traffic))


class Ground:
    """A state directory with a front; as many fairleads on it, one after the other, as wanted."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.port = free_port()
        self.front = Front((f"127.0.0.1:{self.port}",), workers=1)
        self.notified: list[str] = []
        self.journal: list[tuple[str, str, str]] = []
        self.proxy = self.another()

    def another(self) -> NginxProxy:
        self.proxy = NginxProxy(self.state, self.front, self.notified.append, self)
        return self.proxy

    def record(self, kind: str, service: str, message: str, endpoint: str = "") -> None:
        self.journal.append((kind, service, message))

    def kinds(self) -> list[str]:
        return [kind for kind, _, _ in self.journal]

    @property
    def prefix(self) -> Path:
        return self.state.resolve() / "nginx"

    def pid(self) -> int:
        pid = self.proxy._child.pid
        assert pid is not None
        return pid

    async def get(self, service: str, port: int = 0) -> tuple[int, str]:
        request = Request("GET", "/", (("host", f"{service}.localhost"),))
        answer = await fetch(port or self.port, request)
        return answer.status, answer.body.decode()

    async def another_pid(self, before: int) -> int:
        await until(lambda: self.proxy._child.pid not in (before, None))
        return self.pid()


def processes_of(prefix: Path) -> list[int]:
    """nginx masters that name the prefix, and every process of their sessions."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if f" -p {prefix} " in (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def session_of(pid: int) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == pid and fields[0] != b"Z":
            found.append(int(entry.name))
    return found
