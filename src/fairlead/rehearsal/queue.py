"""Events to an SQS queue: one after the other, so that they keep their order where SQS does."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from fairlead.core.errors import BadInput

_TRIES = 5
_log = logging.getLogger(__name__)


class Queue:
    """`url` is the queue's, as CreateQueue gives it. Credentials are whatever botocore finds, and
    made-up ones without any: a queue of this machine asks for none."""

    def __init__(self, url: str, region: str) -> None:
        """BadInput when it is no URL of a queue."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.path.strip("/"):
            raise BadInput(f"queue {url!r}: give the URL of an SQS queue")
        self._url, self._region = url, region
        self._endpoint = f"{parts.scheme}://{parts.netloc}"
        self._events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._client: Any = None

    def put(self, event: dict[str, Any]) -> None:
        self._events.put_nowait(event)

    async def run(self) -> None:
        """Send what is put, until cancelled. An event that cannot be sent is lost, and logged."""
        while True:
            event = await self._events.get()
            try:
                await asyncio.to_thread(self._send, json.dumps(event))
            except Exception as error:  # noqa: BLE001 - botocore's are many; the next may go
                _log.warning("an event is lost: %s: %s", self._url, error)
            self._events.task_done()

    async def flush(self, timeout: float = 5.0) -> None:
        """Until all that was put is sent, or the time (seconds) is up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._events.join()

    def _send(self, body: str) -> None:
        if self._client is None:
            self._client = self._connected()
        self._client.send_message(QueueUrl=self._url, MessageBody=body)

    def _connected(self) -> Any:
        from botocore.config import Config
        from botocore.session import Session

        session = Session()
        if session.get_credentials() is None:
            session.set_credentials("rehearse", "rehearse")
        config = Config(retries={"total_max_attempts": _TRIES, "mode": "standard"})
        return session.create_client(
            "sqs", region_name=self._region, endpoint_url=self._endpoint, config=config
        )
