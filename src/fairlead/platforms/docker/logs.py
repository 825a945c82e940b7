"""What the containers of a service have written, for `fairlead logs`. Needs no daemon.

An answer of GET /containers/{id}/logs is a row of frames, each with a header of 8 bytes: the stream
(1 output, 2 errors), three zeros, the length of what follows, big-endian. With a terminal
(Config.Tty) it is plain text.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from fairlead.core.errors import BadInput, PlatformError
from fairlead.platforms.docker.answers import at, texts
from fairlead.platforms.docker.containers import Container, read_container
from fairlead.platforms.docker.engine import Call, Engine
from fairlead.platforms.docker.events import lines
from fairlead.platforms.docker.labels import is_marked, read_role
from fairlead.platforms.docker.watch import read_list

LOOK_AGAIN = 1.0
"""Seconds between looks for new containers while following."""
_HEADER = 8
_FRAME_LIMIT = 16 << 20

Show = Callable[[str, str], None]
"""Takes an endpoint's id and a line that it wrote, without the line's end."""


@dataclass(frozen=True, slots=True)
class Written:
    """What to read: the last `count` lines of each container, and what follows if `follow`."""

    cluster: str
    service: str
    count: int = 100
    follow: bool = False


@dataclass(frozen=True, slots=True)
class _Source:
    endpoint: str
    container: Container
    terminal: bool


async def show_logs(host: str, wanted: Written, show: Show) -> None:
    """Of all its containers, oldest first. Followed, it ends only when it is cancelled.

    PlatformError when the engine cannot be read or keeps no logs.
    """
    engine = Engine(host)
    sources = await _sources(engine, wanted)
    if not wanted.follow:
        for source in sources:
            await _copy(engine, source, _query(wanted, str(wanted.count)), show)
        return
    async with _Followers(engine, wanted, show) as followers:
        followers.add(sources, str(wanted.count))
        while True:
            await asyncio.sleep(LOOK_AGAIN)
            followers.add(await _sources(engine, wanted), "all")


class _Followers:
    """A task for each container that is followed; one that ends has nothing more to say."""

    def __init__(self, engine: Engine, wanted: Written, show: Show) -> None:
        self._engine, self._wanted, self._show = engine, wanted, show
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def __aenter__(self) -> _Followers:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def add(self, sources: list[_Source], tail: str) -> None:
        """A container that has run again writes on: it is known by its start."""
        for source in sources:
            key = f"{source.container.id} {source.container.started}"
            if key not in self._tasks:
                query = _query(self._wanted, tail)
                copying = _copy(self._engine, source, query, self._show)
                self._tasks[key] = asyncio.create_task(copying)


def _query(wanted: Written, tail: str) -> dict[str, str]:
    follow = {"follow": "1"} if wanted.follow else {}
    return {"stdout": "1", "stderr": "1", "tail": tail, **follow}


async def _copy(engine: Engine, source: _Source, query: dict[str, str], show: Show) -> None:
    call = Call("GET", f"/containers/{source.container.id}/logs", query)
    async with engine.stream(call) as pieces:
        async for line in lines(pieces if source.terminal else contents(pieces)):
            show(source.endpoint, line.decode("utf-8", "replace").rstrip("\r"))


async def contents(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """What the frames hold. PlatformError when these are none."""
    rest = bytearray()
    async for piece in pieces:
        rest += piece
        while len(rest) >= _HEADER:
            end = _HEADER + int.from_bytes(rest[4:_HEADER], "big")
            if end > _FRAME_LIMIT:
                raise PlatformError("what the Docker engine sends as logs cannot be read")
            if len(rest) < end:
                break
            yield bytes(rest[_HEADER:end])
            del rest[:end]


async def _sources(engine: Engine, wanted: Written) -> list[_Source]:
    """Containers that are gone when they are asked for have nothing to show."""
    listed = read_list(await engine.ask(Call("GET", "/containers/json", {"all": "1"})))
    marked = [key for key, entry in listed.items() if is_marked(texts(entry, "Labels"))]
    found = await asyncio.gather(*(_source(engine, wanted, key) for key in marked))
    return sorted((s for s in found if s), key=lambda s: (s.container.created, s.endpoint))


async def _source(engine: Engine, wanted: Written, container_id: str) -> _Source | None:
    try:
        answer = await engine.ask(Call("GET", f"/containers/{container_id}/json"))
        container = read_container(answer)
        role = None if isinstance(container, str) else read_role(container, wanted.cluster)
    except (PlatformError, BadInput):
        return None
    if role is None or isinstance(container, str) or role.service != wanted.service:
        return None
    return _Source(role.endpoint, container, at(answer, "Config", "Tty") is True)
