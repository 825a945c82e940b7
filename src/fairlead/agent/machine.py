"""The EC2 instance under an agent: who it is, and whether it is about to end.

The instance metadata service (version 2: a token first) tells it. A spot instance gets two minutes'
notice, a rebalance recommendation comes sooner, and an auto scaling group's lifecycle state says
when the group has chosen it.
"""

from __future__ import annotations

import asyncio
import os
import re
from functools import partial
from urllib.parse import urlsplit

from fairlead.core.errors import WireError
from fairlead.wire import Connection, Request, Response

ENDPOINT = "http://169.254.169.254"
TIMEOUT = 2.0
NOTICE_EVERY = 5.0
"""Seconds between two looks for a notice, as AWS advises."""
_MOST = 1 << 14
_ID = re.compile(r"i-[0-9a-f]{8,32}")
_ENDS = {"Terminated", "Detached"}


class Machine:
    """Where AWS_EC2_METADATA_SERVICE_ENDPOINT says, as AWS's own tools do."""

    def __init__(self, endpoint: str = "") -> None:
        given = endpoint or os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", "") or ENDPOINT
        split = urlsplit(given)
        self._host, self._port = split.hostname or "169.254.169.254", split.port or 80

    async def id(self) -> str:
        """The instance's id. WireError when this is no EC2 instance, or it cannot be asked."""
        found = await self._read("instance-id")
        if not _ID.fullmatch(found):
            raise WireError(f"{self._host} tells no instance's id: give agent.node in the settings")
        return found

    async def until_notice(self) -> str:
        """Wait until the instance is about to end; why it is."""
        while True:
            if notice := await self.notice():
                return notice
            await asyncio.sleep(NOTICE_EVERY)

    async def notice(self) -> str:
        """Why the instance is about to end, or nothing; also when it cannot be asked."""
        try:
            if await self._read("spot/instance-action"):
                return "its spot instance is taken back"
            state = await self._read("autoscaling/target-lifecycle-state")
        except WireError:
            return ""
        return f"its auto scaling group wants it {state.lower()}" if state in _ENDS else ""

    async def _read(self, what: str) -> str:
        """Empty when there is no such thing now."""
        seconds = (("x-aws-ec2-metadata-token-ttl-seconds", "60"),)
        token = await self._ask("PUT", "/latest/api/token", seconds)
        shown = (("x-aws-ec2-metadata-token", token.body.decode("latin-1").strip()),)
        answer = await self._ask("GET", f"/latest/meta-data/{what}", shown)
        return answer.body.decode("latin-1").strip() if answer.status == 200 else ""

    async def _ask(self, method: str, path: str, more: tuple[tuple[str, str], ...]) -> Response:
        request = Request(method, path, (("host", self._host), *more))
        connect = partial(asyncio.open_connection, self._host, self._port)
        try:
            async with asyncio.timeout(TIMEOUT):
                connection = await Connection.open(connect)
                try:
                    return await connection.exchange(request, _MOST)
                finally:
                    connection.close()
        except TimeoutError as error:
            raise WireError(f"{self._host} did not answer within {TIMEOUT:g} s") from error
