"""When the nodes are read: seldom, and at once when a task names a new one or one begins to drain.

A node that drains is to leave DNS soon. Which ones drain is a list of its own, one call whatever
their number, and short; all is read again only when it is another one than is known.
"""

from __future__ import annotations

from collections.abc import Collection

from fairlead.platforms.ecs.memory import Memory
from fairlead.platforms.ecs.reader import Reader

NODES_EVERY = 60.0
DRAINING_EVERY = 6.0


class NodeReads:
    """Times are monotonic seconds, given by the caller."""

    def __init__(self, reader: Reader, memory: Memory) -> None:
        self._reader, self._memory = reader, memory
        self._all_due = self._draining_due = 0.0
        self._puzzling: set[str] = set()

    def soon(self) -> None:
        """Read all of them with the next turn."""
        self._all_due = 0.0

    async def turn(self, now: float, new: Collection[str] = ()) -> bool:
        """Read what is due; whether that changed anything. PlatformError when it cannot be read.

        `new` are nodes of tasks that are not in the memory yet.
        """
        used = {t.instance for t in self._memory.all_tasks()}.union(new) - {""}
        known = self._memory.instances.keys() | self._puzzling
        if now < self._all_due and used <= known and not await self._others_drain(now):
            return False
        self._all_due, self._draining_due = now + NODES_EVERY, now + DRAINING_EVERY
        self._puzzling = used
        return await self._read()

    async def _others_drain(self, now: float) -> bool:
        """Than is known; false as long as it is not due."""
        if now < self._draining_due:
            return False
        self._draining_due = now + DRAINING_EVERY
        known = {i.arn for i in self._memory.instances.values() if i.state == "draining"}
        return set(await self._reader.draining()) != known

    async def _read(self) -> bool:
        instances = {i.arn: i for i in await self._reader.instances()}
        machines = {i.machine for i in instances.values() if i.machine}
        addresses = await self._reader.addresses(machines) if machines else {}
        kept = {m: a for m, a in self._memory.addresses.items() if m in machines}
        before = self._memory.instances, self._memory.addresses
        self._memory.instances, self._memory.addresses = instances, kept | addresses
        return before != (self._memory.instances, self._memory.addresses)
