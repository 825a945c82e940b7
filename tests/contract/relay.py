"""A way to a server that can be cut and opened again, at the same address."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import TracebackType
from urllib.parse import urlsplit

from tests.ground import free_port


class Relay:
    """`async with Relay(url) as relay:` passes on at `relay.url` what comes and goes."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._there = parts.hostname, parts.port
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._met, "127.0.0.1", self._port)

    async def cut(self) -> None:
        """Connections that are open break, new ones are refused."""
        assert self._server
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await self._server.wait_closed()

    async def __aenter__(self) -> Relay:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self.cut()

    async def _met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, on = await asyncio.open_connection(self._host, self._there)
        self._writers |= {writer, on}
        await asyncio.gather(_pass(reader, on), _pass(there, writer))
        self._writers -= {writer, on}


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    writer.close()
