"""Keeps the fleet in step with the engine: events say what to look at, then it is looked at.

While the engine cannot be read the fleet stays as it was, and `problem` says why.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from itertools import count
from typing import Any

from fairlead.core.errors import PlatformError
from fairlead.platforms.docker.answers import mapping, text, texts
from fairlead.platforms.docker.containers import Container, read_container
from fairlead.platforms.docker.engine import Call, Engine, EngineAway, Refused
from fairlead.platforms.docker.events import Happening, Stream
from fairlead.platforms.docker.fleet import Fleet
from fairlead.platforms.docker.labels import is_marked

ONE_LIMIT = 8 << 20
_NOT_READ = "the Docker engine was not read yet"
_IN_BRACKETS = re.compile(r"\([^)]*\)")


class Watch:
    """`changed` is called when the engine goes away and when it is back."""

    def __init__(self, engine: Engine, fleet: Fleet, changed: Callable[[], None]) -> None:
        self._engine, self._fleet, self._changed = engine, fleet, changed
        self._order = count(1)
        self._due: set[str] = set()
        self._wake = asyncio.Event()
        self._tried = asyncio.Event()
        self._prints: dict[str, object] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self.problem = _NOT_READ

    async def open(self) -> None:
        """Returns after the first attempt to read everything; `problem` says how it went."""
        if not self._tasks:
            stream = Stream(self._engine, self._sync, self._take, self._lost)
            self._tasks = [asyncio.create_task(each) for each in (stream.run(), self._work())]
        await self._tried.wait()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def look_at(self, name: str) -> Container | None:
        """Read one container, by id or name, into the fleet; None when it is not there."""
        order = next(self._order)
        call = Call("GET", f"/containers/{name}/json", limit=ONE_LIMIT)
        try:
            found = read_container(await self._engine.ask(call))
        except Refused as error:
            if error.status != 404:
                raise
            self._fleet.drop(name)
            return None
        if isinstance(found, str):
            raise PlatformError(f"container {name[:12]} is left out: {found}")
        self._fleet.put(found, order)
        return found

    def _take(self, happening: Happening) -> None:
        if happening.action == "destroy":
            self._due.discard(happening.container)
            self._fleet.destroyed(happening.container)
            return
        self._fleet.happen(happening)
        self._due.add(happening.container)
        self._wake.set()

    def _lost(self, why: str) -> None:
        """Everything is to be read again, since nobody knows what happens meanwhile."""
        self._prints.clear()
        self._turn(why)
        self._tried.set()

    def _turn(self, problem: str) -> None:
        before, self.problem = self.problem, problem
        if bool(before) != bool(problem):
            self._changed()

    async def _work(self) -> None:
        """Look at what events spoke of; many events of one container are one look."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            due, self._due = self._due, set()
            await self._look_at_all(due)

    async def _look_at_all(self, ids: Iterable[str]) -> None:
        await asyncio.gather(*(self._try_to_look(each) for each in ids))

    async def _try_to_look(self, container_id: str) -> None:
        """One that cannot be read stays as it was; an absent engine is the stream's affair."""
        try:
            await self.look_at(container_id)
        except EngineAway:
            self._prints.pop(container_id, None)
        except PlatformError as error:
            self._prints.pop(container_id, None)
            self._fleet.complain(container_id, "", str(error))

    async def _sync(self) -> None:
        """Read everything whose line in the list has changed since the last time."""
        before = self._fleet.ids()
        listed = read_list(await self._engine.ask(Call("GET", "/containers/json", {"all": "1"})))
        for gone in before - listed.keys():
            self._fleet.drop(gone)
        marked = {k: _print(v) for k, v in listed.items() if is_marked(texts(v, "Labels"))}
        due = [key for key, seen in marked.items() if self._prints.get(key) != seen]
        self._prints = marked
        await self._look_at_all(due)
        self._fleet.read = True
        self._turn("")
        self._tried.set()


def read_list(answer: Any) -> dict[str, dict[str, Any]]:
    """By id. PlatformError unless all of it can be read: nobody may seem gone by a mistake."""
    entries = answer if isinstance(answer, list) else [None]
    listed = {text(entry, "Id"): mapping(entry) for entry in entries}
    if "" in listed:
        raise PlatformError("the Docker engine's list of containers cannot be read")
    return listed


def _print(entry: dict[str, Any]) -> object:
    """What would change if the container did; the time that it has been up is left out."""
    health = _IN_BRACKETS.findall(text(entry, "Status"))
    networks = mapping(entry, "NetworkSettings", "Networks")
    return text(entry, "State"), health, str(entry.get("Ports")), str(networks), entry.get("Names")
