"""Takes a lease, keeps it, and vouches for it before each write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

from fairlead.core.errors import Busy, LeaseError
from fairlead.core.lease import DURATION, Lease, Watch, ends, given_back, renewed, to_take
from fairlead.faults import told
from fairlead.ports import Clock, LeaseStore

TRY_EVERY = 0.2
"""Of the duration: how often the record is looked at and renewed."""


class Holder:
    """One contender, of a name that no other has. `tell` gets what is wrong with the store, once,
    and "" when it is well again."""

    def __init__(
        self,
        store: LeaseStore,
        clock: Clock,
        name: str,
        tell: Callable[[str], None] = lambda _: None,
        duration: float = DURATION,
    ) -> None:
        self._store, self._clock, self._name, self._duration = store, clock, name, duration
        self._tell, self._problem = tell, ""
        self._lease: Lease | None = None
        self._until = 0.0
        self._turn = asyncio.Lock()
        self.lost = asyncio.Event()

    @property
    def epoch(self) -> int | None:
        """Of the lease that is held now; None when it is not, or may not be."""
        held = self._lease is not None and self._clock.now() < self._until
        return self._lease.epoch if held and self._lease else None

    async def take(self) -> int:
        """Wait until it is ours; its epoch. What the store cannot do now is tried again."""
        watch: Watch | None = None
        while True:
            with self._trying():
                watch, epoch = await self._look(watch)
                if epoch:
                    return epoch
            await asyncio.sleep(self._duration * TRY_EVERY)

    async def take_unless_kept(self) -> int:
        """As `take`, but Busy once another one is seen to renew it. LeaseError: the store fails."""
        watch, epoch = await self._look(None)
        while not epoch:
            await asyncio.sleep(self._duration * TRY_EVERY)
            before = watch
            watch, epoch = await self._look(watch)
            if not epoch and watch is not before:
                raise Busy(f"{watch.lease.holder} leads this cluster")
        return epoch

    async def _look(self, watch: Watch | None) -> tuple[Watch, int]:
        """What is there now, and the epoch of the lease when it has become ours, else 0."""
        lease, now = await self._store.read() or Lease(), self._clock.now()
        watch = watch.see(lease, now) if watch else Watch(lease, now)
        wanted = to_take(watch, self._name, now, self._duration)
        if wanted is None or not await self._swap(lease, wanted):
            return watch, 0
        self.lost.clear()
        return watch, wanted.epoch

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Renew it for as long as the context lasts, then give it back. `lost` is set when another
        has it, or when it could not be renewed in time."""
        keeping = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            await self._give_back()

    async def confirm(self) -> None:
        """Renew it now: LeaseError unless it is still ours. Asked before each write, it makes sure
        that a holder whose clock stood still does not act on a lease that another has taken."""
        if not await self._renew():
            raise LeaseError("another controller leads now: nothing was changed")

    @contextmanager
    def _trying(self) -> Iterator[None]:
        """What the store cannot do now is told, and tried again."""
        problem = ""
        try:
            yield
        except LeaseError as error:
            problem = str(error)
        except Exception as error:  # noqa: BLE001 - a fault of ours must not end the only renewer
            problem = told(error)
        if problem != self._problem:
            self._problem = problem
            self._tell(problem)

    async def _keep(self) -> None:
        while not self.lost.is_set():
            await asyncio.sleep(self._duration * TRY_EVERY)
            with self._trying():
                await self._renew()
            if self.epoch is None:
                self.lost.set()

    async def _renew(self) -> bool:
        async with self._turn:
            if self._lease is None or self._clock.now() >= self._until:
                self._lease = None
                return False
            try:
                async with asyncio.timeout(self._until - self._clock.now()):
                    return await self._renewed(self._lease)
            except TimeoutError as error:
                raise LeaseError("the lease cannot be renewed: no answer in time") from error

    async def _renewed(self, lease: Lease) -> bool:
        """A renewal that raised may have been carried out: what is there then is still ours."""
        if await self._swap(lease, renewed(lease)):
            return True
        found = await self._store.read()
        ours = found is not None and (found.holder, found.epoch) == (self._name, lease.epoch)
        if found and ours and await self._swap(found, renewed(found)):
            return True
        self._lease = None
        self.lost.set()
        return False

    async def _swap(self, before: Lease, after: Lease) -> bool:
        began = self._clock.now()
        if not await self._store.swap(before, after):
            return False
        self._lease, self._until = after, ends(began, self._duration)
        return True

    async def _give_back(self) -> None:
        async with self._turn:
            lease, self._lease = self._lease, None
        if lease is not None:
            with suppress(LeaseError):
                await self._store.swap(lease, given_back(lease))
