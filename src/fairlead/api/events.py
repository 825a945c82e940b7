"""GET /v1/events?since=&follow=1: events as lines of JSON, and, when followed, as they happen.

A followed stream sends an empty line while nothing happens, so that either side notices when the
other is gone. It ends when the daemon does.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from fairlead.api import body
from fairlead.api.control import Control
from fairlead.core.model import Event

HEARTBEAT = 10.0
MEDIA_TYPE = "application/x-ndjson"


def to_lines(events: Iterable[Event]) -> bytes:
    return b"".join(json.dumps(asdict(event)).encode() + b"\n" for event in events)


class Events:
    """`closing` is set when the daemon ends: it ends the streams that are followed."""

    def __init__(self, control: Control, closing: asyncio.Event) -> None:
        self._control, self._closing = control, closing

    async def get(self, request: Request) -> Response:
        since = body.whole_number(request, "since")
        if body.whole_number(request, "follow"):
            return Stream(self._control, since, self._closing)
        events = await self._control.events(since, 0)
        return Response(to_lines(events), media_type=MEDIA_TYPE)


class Stream(Response):
    """Starlette's StreamingResponse would bring anyio's event loop glue into memory."""

    def __init__(self, control: Control, since: int, closing: asyncio.Event) -> None:
        super().__init__(media_type=MEDIA_TYPE)
        del self.headers["content-length"]
        self._control, self._since, self._closing = control, since, closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        await receive()  # the request itself; the next message is the client's end
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        ends = [asyncio.create_task(_wait(receive)), asyncio.create_task(self._closing.wait())]
        try:
            async for chunk in self._chunks(ends):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        finally:
            for end in ends:
                end.cancel()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _chunks(self, ends: list[asyncio.Task[Any]]) -> AsyncIterator[bytes]:
        yield b"\n"
        while not any(end.done() for end in ends):
            events = await self._next(ends)
            self._since = max((event.seq for event in events), default=self._since)
            yield to_lines(events) or b"\n"

    async def _next(self, ends: list[asyncio.Task[Any]]) -> list[Event]:
        read = asyncio.create_task(self._control.events(self._since, HEARTBEAT))
        try:
            await asyncio.wait([read, *ends], return_when=asyncio.FIRST_COMPLETED)
            return read.result() if read.done() else await self._control.events(self._since, 0)
        finally:
            read.cancel()


async def _wait(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
