"""The agent's connection to the controller: one at a time, tried again for ever."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from fairlead.agent.follower import Follower
from fairlead.core.errors import WireError
from fairlead.faults import told
from fairlead.fleet.messages import (
    MOST_ORDER,
    PROTOCOL,
    Farewell,
    Orders,
    Welcome,
    encode,
    from_controller,
)
from fairlead.ports import Clock, Journal

OPENING, PING = 5.0, 3.0
"""Seconds that a controller has for its welcome; and between two pings, and for the answer to one.
Together they are hardly longer than a lease (core/lease.py): who leads next finds agents there."""
SHORTEST, LONGEST = 0.1, 3.0
"""Seconds between two tries; they grow, with jitter."""
STEADY = 10.0
"""Seconds that an attempt has to last before the tries begin with short pauses again: one that is
let in and sent away at once, over and over, is no better than one that is refused."""


@dataclass(frozen=True, slots=True)
class Controllers:
    """Where they are (ws:// or wss://), in the order in which they are tried, and the token."""

    urls: Sequence[str]
    token: str
    node: str


class Link:
    """`since` is when the controller was lost (monotonic), None while it is there."""

    def __init__(
        self, controllers: Controllers, follower: Follower, clock: Clock, journal: Journal
    ) -> None:
        self._to, self._follower, self._clock, self._journal = controllers, follower, clock, journal
        self.since: float | None = clock.now()
        self.url, self.problem, self.life, self.epoch = "", "", "", 0
        self.farewell = asyncio.Event()

    async def run(self) -> None:
        tries = 0
        for url in itertools.cycle(self._to.urls):
            began = self._clock.now()
            await self._attempt(url)
            tries = 0 if self._clock.now() - began > STEADY else tries + 1
            longest = min(LONGEST, SHORTEST * 2.0 ** min(tries, 10))
            await asyncio.sleep(longest * random.uniform(0.5, 1))  # noqa: S311 - no secret

    async def _attempt(self, url: str) -> None:
        """Until it ends."""
        try:
            async with self._open(url) as connection:
                await self._greet(connection)
                self._found(url)
                await self._talk(connection)
        except TimeoutError:
            self._lost(f"{url}: no answer within {OPENING:g} s")
        except ConnectionClosed as error:
            self._lost(f"{url}: {_reason(error)}")
        except (OSError, WireError, WebSocketException) as error:
            self._lost(f"{url}: {error}")
        except Exception as error:  # noqa: BLE001 - a fault of ours: tried again like one of theirs
            self._lost(f"{url}: {told(error)}")

    def _open(self, url: str) -> connect:
        headers = {"Authorization": f"Bearer {self._to.token}"} if self._to.token else {}
        return connect(
            f"{url.rstrip('/')}/v1/agents",
            additional_headers=headers,
            compression=None,
            max_size=MOST_ORDER,
            open_timeout=OPENING,
            close_timeout=1.0,
            ping_interval=PING,
            ping_timeout=PING,
            proxy=None,
        )

    async def _greet(self, connection: ClientConnection) -> None:
        """WireError when the controller cannot be followed."""
        hello = await self._follower.hello(PROTOCOL, version("fairlead"), self._to.node, self.life)
        await connection.send(encode(hello), text=True)
        async with asyncio.timeout(OPENING):
            welcome = from_controller(await connection.recv())
        if not isinstance(welcome, Welcome) or welcome.protocol != PROTOCOL:
            raise WireError(f"it does not speak protocol {PROTOCOL}: run the same fairlead there")
        if welcome.epoch < self.epoch:
            raise WireError(
                f"it leads no more: epoch {welcome.epoch} is older than {self.epoch}"
                " (if its lease was made anew, restart this agent)"
            )
        if hello.generation != self._follower.generation:
            raise WireError("the platform was read meanwhile: the controller has to be asked again")
        if welcome.life != self.life:
            self._follower.start_over()
        self.life, self.epoch = welcome.life, welcome.epoch
        self._follower.said_nothing()

    async def _talk(self, connection: ClientConnection) -> None:
        """Both ways until one fails; the other ends with it."""
        both = [asyncio.create_task(each(connection)) for each in (self._listen, self._report)]
        try:
            done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)

    async def _listen(self, connection: ClientConnection) -> None:
        async for raw in connection:
            self._take(raw)
        raise WireError("the controller has ended")

    def _take(self, raw: str | bytes) -> None:
        match from_controller(raw):
            case Orders() as orders:
                self._follower.take(orders)
            case Farewell():
                self.farewell.set()
            case Welcome():
                raise WireError("it said welcome twice")

    async def _report(self, connection: ClientConnection) -> None:
        while True:
            report = await self._follower.report()
            await connection.send(encode(report), text=True)
            self._follower.sent(report)

    def _found(self, url: str) -> None:
        self.since, self.url, self.problem = None, url, ""
        self._journal.record("controller", "", f"follows {url}, epoch {self.epoch}")

    def _lost(self, problem: str) -> None:
        if self.since is None or not self.problem:
            self._journal.record("problem", "", f"no controller: {problem}; the node serves on")
        self.since = self._clock.now() if self.since is None else self.since
        self.problem = problem


def _reason(error: ConnectionClosed) -> str:
    if error.rcvd is not None and error.rcvd.reason:
        return error.rcvd.reason
    return "the connection broke"
