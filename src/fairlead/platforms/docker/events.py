"""The engine's stream of events, read so that nothing is missed.

GET /events answers one JSON object a line as things happen. It is subscribed to first and the
containers are read afterwards, so that nothing happens in between unseen; the stream begins a
little in the past, because the engine answers a moment before it subscribes.
"""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import msgspec

from fairlead.core.errors import PlatformError
from fairlead.platforms.docker.answers import number, text
from fairlead.platforms.docker.engine import Call, Engine, EngineAway

RESYNC = 30.0
"""Seconds between reads of everything: the safety net, and how a hanging engine is noticed."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
_OVERLAP = 2.0
_LINE_LIMIT = 1 << 20
_ENDING = frozenset({"TERM", "INT", "QUIT", "KILL"})
_FILTERS = {
    "type": ["container", "network"],
    "event": [
        "start", "die", "kill", "health_status", "destroy", "pause", "unpause", "rename",
        "connect", "disconnect",
    ],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Happening:
    """Something happened to a container. `at` is since the epoch, by the engine's clock.

    `signal` is the name (TERM, HUP …) that a `kill` event carries.
    """

    container: str
    action: str
    at: float
    signal: str = ""
    exit_code: int = 0

    @property
    def ending(self) -> bool:
        """On its way out. HUP, USR1 and the like are errands, and come as `kill` events too."""
        return self.action == "kill" and self.signal in _ENDING


def read_event(line: bytes) -> Happening | None:
    """None for what is no event of a container."""
    try:
        event = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    action = text(event, "Action").partition(":")[0].strip()
    of_network = text(event, "Type") == "network"
    where = ("Attributes", "container") if of_network else ("ID",)
    container = text(event, "Actor", *where)
    if not container or not action:
        return None
    return Happening(
        container,
        action,
        number(event, "timeNano") / 1_000_000_000 or float(number(event, "time")),
        signal_name(text(event, "Actor", "Attributes", "signal")),
        number(event, "Actor", "Attributes", "exitCode"),
    )


def signal_name(written: str) -> str:
    """`15`, `SIGTERM` and `TERM` are the same; empty for what is no signal."""
    if written.isascii() and written.isdigit() and len(written) < 4:
        known = {s.value: s.name for s in signal.Signals}
        written = known.get(int(written), f"RT{written}")
    return written.upper().removeprefix("SIG")


class Stream:
    """Follows one engine for ever: `sync` reads everything, `take` is given each happening,
    `lost` why nothing can be seen at the moment."""

    def __init__(
        self,
        engine: Engine,
        sync: Callable[[], Awaitable[None]],
        take: Callable[[Happening], None],
        lost: Callable[[str], None],
    ) -> None:
        self._engine, self._sync, self._take, self._lost = engine, sync, take, lost
        self._pause = FIRST_PAUSE

    async def run(self) -> None:
        while True:
            try:
                await self._follow()
            except PlatformError as error:
                self._lost(str(error))
            await asyncio.sleep(self._pause * random.uniform(0.75, 1.25))  # noqa: S311
            self._pause = min(2 * self._pause, LONGEST_PAUSE)

    async def _follow(self) -> None:
        since = await self._engine_time() - _OVERLAP
        call = Call("GET", "/events", {"since": f"{since:.0f}", "filters": _FILTERS})
        async with self._engine.stream(call) as pieces:
            reading = asyncio.create_task(self._read(pieces))
            try:
                while not reading.done():
                    await self._sync()
                    self._pause = FIRST_PAUSE
                    await asyncio.wait([reading], timeout=RESYNC)
                await reading
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    async def _engine_time(self) -> float:
        """By its Date header, to the second: the clock of a forwarded engine may be another."""
        headers = dict((await self._engine.send(Call("GET", "/_ping"))).headers)
        try:
            return parsedate_to_datetime(headers["date"]).timestamp()
        except (KeyError, ValueError, TypeError, OverflowError) as error:
            raise PlatformError(
                f"what listens at {self._engine.host} is no Docker engine: no Date header"
            ) from error

    async def _read(self, pieces: AsyncIterator[bytes]) -> None:
        async for line in lines(pieces):
            happening = read_event(line)
            if happening:
                self._take(happening)
        raise EngineAway(f"the Docker engine at {self._engine.host} closed its stream of events")


async def lines(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Lines without their ends; one beyond the limit is dropped."""
    rest, skipping = bytearray(), False
    async for piece in pieces:
        *whole, last = piece.split(b"\n")
        for line in whole:
            rest += line
            if not skipping and rest:
                yield bytes(rest)
            rest.clear()
            skipping = False
        rest += last
        if len(rest) > _LINE_LIMIT:
            rest.clear()
            skipping = True
    if rest and not skipping:
        yield bytes(rest)
