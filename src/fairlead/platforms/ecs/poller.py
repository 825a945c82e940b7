"""The one loop that reads the cluster, for all services, with as few calls as it can.

Every turn lists the tasks, a hundred a call, and describes those that may have changed: at rest one
call, whatever their number. The rest is read when something of it must have changed, and seldom
otherwise. With 10 services and 50 tasks that is 1.4 calls a second at the default interval of 2 s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from fairlead.core.errors import PlatformError
from fairlead.platforms.ecs.counts import Count, Said
from fairlead.platforms.ecs.memory import Memory
from fairlead.platforms.ecs.node_reads import NodeReads
from fairlead.platforms.ecs.reader import BATCH, SERVICES_BATCH, Reader
from fairlead.platforms.ecs.tasks import Task
from fairlead.ports import Clock

COUNTS_EVERY = 12.0
LISTS_EVERY = 30.0
_LONGEST_WAIT = 30.0
_SHORTEST_WAIT = 0.2
_MARGIN = 0.05


@dataclass(slots=True)
class Wishes:
    """What the loop is to read, and whom to tell. ECS services go by their own names.

    `changed` is called with those of which something has changed, "" for all; `said` with what ECS
    says of one; `failed` with the problem of each read, empty when it was whole.
    """

    asked: set[str] = field(default_factory=set)
    discover: bool = True
    changed: Callable[[str], None] = lambda _: None
    said: Callable[[str, Said], None] = lambda _, __: None
    failed: Callable[[str], None] = lambda _: None


@dataclass(slots=True)
class _Due:
    """When what is read next (monotonic seconds), and what sooner. `met`: nodes were read in
    between that nobody has been told of."""

    counts: float = 0.0
    lists: float = 0.0
    dirty: set[str] = field(default_factory=set)
    listed: tuple[str, ...] = ()
    first: bool = True
    offset: int = 0
    met: bool = False


class Poller:
    def __init__(self, reader: Reader, memory: Memory, wishes: Wishes, clock: Clock) -> None:
        self._reader, self._memory, self._wishes, self._clock = reader, memory, wishes, clock
        self._due, self._nodes = _Due(), NodeReads(reader, memory)
        self._poked = asyncio.Event()
        self._turned = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self, interval: float) -> None:
        """Read again so often that what is known is `interval` seconds old at most, as long as
        reads are fast; less often while they fail."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(interval))

    def poke(self, services: Iterable[str] = (), *, nodes: bool = False, wake: bool = True) -> None:
        """Read now, or with the next read (`wake` false); the counts of these services too."""
        self._due.dirty.update(set(services) - {""})
        if nodes:
            self._nodes.soon()
        if wake:
            self._poked.set()

    async def turned(self, timeout: float) -> None:
        """Wait for the end of the next read, for so many seconds at most."""
        self._turned.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._turned.wait()

    async def anew(self) -> None:
        """Until all was read by a read that began after this: the one that goes on now may hold
        answers that are as old as the time for which nothing came through."""
        whole = 0
        while whole < 2:
            self.poke()
            await self.turned(_LONGEST_WAIT)
            whole += self._turned.is_set() and not self._memory.problem

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def turn(self) -> PlatformError | None:
        """One read; why it was not whole, or None. What it held is taken all the same."""
        changed: set[str] = set()
        error: PlatformError | None = None
        try:
            problem = await self._read(changed)
            error = PlatformError(problem) if problem else None
        except PlatformError as found:
            error = found
        except Exception as found:  # noqa: BLE001 - a fault of ours must not end the only reader
            error = PlatformError(f"reading ECS failed inside: {type(found).__name__}: {found}")
        self._conclude(str(error or ""), changed)
        return error

    async def _read(self, changed: set[str]) -> str:
        """What has changed is told at once: an end must not wait for the other reads. New tasks
        are told again, when all is known that their places need."""
        problem = await self._read_tasks(changed)
        self._tell(changed)
        news = await self._read_definitions(t.definition for t in self._memory.all_tasks())
        met, self._due.met = self._due.met, False
        if await self._nodes.turn(self._clock.now()) or met:
            self._wishes.changed("")
        if not news:
            changed.clear()
        await self._read_counts(changed)
        return problem

    def _tell(self, changed: Iterable[str]) -> None:
        for service in sorted(set(changed) - {""}):
            self._wishes.changed(service)

    def _conclude(self, problem: str, changed: set[str]) -> None:
        was, self._memory.problem = self._memory.problem, problem
        self._memory.drop_ended(self._wishes.asked)
        self._due.first = self._due.first and bool(problem)
        self._wishes.failed(problem)
        if bool(was) != bool(problem):
            self._wishes.changed("")
        else:
            self._tell(changed)
        self._turned.set()

    async def _run(self, interval: float) -> None:
        failures, spent = 0, 0.0
        while True:
            pause = interval * 2.0 ** min(failures, 10) if failures else _pause(interval, spent)
            await self._rest(min(_LONGEST_WAIT, pause), failures)
            self._poked.clear()
            began = self._clock.now()
            failures = failures + 1 if await self.turn() else 0
            spent = self._clock.now() - began

    async def _rest(self, wait: float, failures: int) -> None:
        """Until the next turn; after a failure no poke makes it come sooner."""
        if failures:
            await asyncio.sleep(min(wait, _LONGEST_WAIT))
            return
        await asyncio.sleep(min(wait, _SHORTEST_WAIT))
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, wait - _SHORTEST_WAIT)):
                await self._poked.wait()

    async def _read_tasks(self, changed: set[str]) -> str:
        listed = set(await self._reader.list_tasks())
        arns = self._worth_reading(listed)
        if self._due.first:
            arns |= set(await self._reader.list_tasks("STOPPED"))
        read = await self._reader.tasks(arns)
        try:
            await self._meet(read.tasks)
        finally:
            changed |= self._memory.take(read.tasks)
            changed |= self._memory.miss(read.gone - listed)
            self._due.dirty |= changed - {""}
        return read.problem

    async def _meet(self, tasks: Collection[Task]) -> None:
        """Read the nodes that new tasks are on first: without them the tasks have no place."""
        nodes = {task.instance for task in tasks} - {""}
        if not nodes <= self._memory.instances.keys():
            self._due.met |= await self._nodes.turn(self._clock.now(), nodes)

    def _worth_reading(self, listed: set[str]) -> set[str]:
        """What may have changed, and of the rest as many as fill the last batch, in turn.

        A task that runs and is still listed goes on running: one that ECS stops, for whatever
        reason, leaves the list (its desired status is STOPPED from then on).
        """
        settled = sorted(arn for arn in listed if self._memory.is_settled(arn))
        arns = (listed | set(self._memory.open_tasks())).difference(settled)
        room = BATCH - len(arns) % BATCH
        first = self._due.offset % len(settled) if settled else 0
        self._due.offset = first + room
        return arns.union((settled[first:] + settled[:first])[:room])

    async def _read_definitions(self, arns: Iterable[str]) -> bool:
        """Those that are not known yet; whether there were any."""
        new = sorted(set(arns) - self._memory.definitions.keys() - {""})
        for arn in new:
            self._memory.definitions[arn] = await self._reader.definition(arn)
        return bool(new)

    async def _read_counts(self, changed: set[str]) -> None:
        now = self._clock.now()
        await self._read_lists(now)
        known = self._wishes.asked | set(self._due.listed)
        wanted = self._due.dirty & known if now < self._due.counts else known
        wanted |= known - self._memory.counts.keys()
        self._due.dirty.clear()
        if now >= self._due.counts:
            batches = -(-len(known) // SERVICES_BATCH)
            self._due.counts = now + COUNTS_EVERY * max(1, batches)
        if wanted:
            await self._read_some_counts(wanted, changed)

    async def _read_lists(self, now: float) -> None:
        """Which services there are; a task of one that is not known makes it worth a look."""
        strange = {s for s in self._due.dirty if s not in self._memory.counts}
        if not self._wishes.discover or (now < self._due.lists and not strange):
            return
        self._due.lists = now + LISTS_EVERY
        arns = await self._reader.list_services()
        self._due.listed = tuple(arn.rpartition("/")[2] for arn in arns)

    async def _read_some_counts(self, wanted: Collection[str], changed: set[str]) -> None:
        writes = self._memory.writes
        counts, unknown = await self._reader.counts(wanted)
        for count in counts:
            if self._memory.count(count, writes):
                changed.add(count.name)
            for said in self._memory.unheard(count):
                self._wishes.said(count.name, said)
        for name in unknown:
            if self._memory.count(Count(name, active=False)):
                changed.add(name)
        await self._read_definitions(c.definition for c in counts if c.definition)
        self._memory.drop_unused()


def _pause(interval: float, spent: float) -> float:
    """Seconds between two reads that take `spent` each: so that what ends right after it was read
    is withdrawn an interval later. The next read has to be over by then, and routing be told.

    Of a cluster so large that this cannot be, nothing is gained by hurrying.
    """
    pause = interval * (1 - _MARGIN) - 2 * spent
    return pause if pause >= interval / 2 else interval
