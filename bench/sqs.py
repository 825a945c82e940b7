"""One SQS queue in memory: as much of its JSON protocol as the local ECS and fairlead speak.

What was received is never given again, as if it had been deleted at once.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fairlead.rehearsal.listening import bind, serve

Document = dict[str, Any]


class Sqs:
    """`url` is the queue's, `endpoint` the server's; so many are `waiting` for a message."""

    def __init__(self) -> None:
        self.endpoint = self.url = ""
        self.waiting = 0
        self._messages: list[str] = []
        self._news, self._ended = asyncio.Event(), False
        self._operations = {
            "AmazonSQS.SendMessage": self._send,
            "AmazonSQS.ReceiveMessage": self._receive,
            "AmazonSQS.DeleteMessageBatch": self._delete,
        }

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Sqs]:
        listener = bind("127.0.0.1:0")
        self.endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.url = f"{self.endpoint}/123456789012/events"
        app = Starlette(routes=[Route("/", self._answer, methods=["POST"])])
        server = await serve(app, listener)
        try:
            yield self
        finally:
            self._ended = True
            self._news.set()
            await server.shutdown(sockets=[listener])

    async def _answer(self, request: Request) -> Response:
        operation = self._operations.get(request.headers.get("x-amz-target", ""))
        if operation is None:
            return JSONResponse({"__type": "UnsupportedOperation"}, 400)
        return JSONResponse(await operation(json.loads(await request.body())))

    async def _send(self, given: Document) -> Document:
        self._messages.append(given["MessageBody"])
        self._news.set()
        return {"MessageId": str(uuid.uuid4())}

    async def _receive(self, given: Document) -> Document:
        """Waits for the first message; the others are those that are there then."""
        self.waiting += 1
        with suppress(TimeoutError):
            async with asyncio.timeout(given.get("WaitTimeSeconds", 0)):
                await self._news.wait()
        self.waiting -= 1
        most = given["MaxNumberOfMessages"]
        given_out, self._messages = self._messages[:most], self._messages[most:]
        if not self._messages and not self._ended:
            self._news.clear()
        return {"Messages": [_message(body) for body in given_out]}

    async def _delete(self, given: Document) -> Document:
        done = [{"Id": entry["Id"]} for entry in given["Entries"]]
        return {"Successful": done, "Failed": []}


def _message(body: str) -> Document:
    identity = str(uuid.uuid4())
    return {"MessageId": identity, "ReceiptHandle": identity, "Body": body}
