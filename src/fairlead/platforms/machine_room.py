"""How many copies one machine has room for: memory that is left, and ports where they are ours."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection

from fairlead import procfs
from fairlead.core.errors import PlatformError
from fairlead.core.model import Endpoint, Phase, Service
from fairlead.core.scaling.ceiling import ceiling
from fairlead.core.scaling.machine import Sizes, growth, more, reserve
from fairlead.ports import Clock, Gauged

_ALIVE = (Phase.PENDING, Phase.RUNNING)


def no_ports(count: int) -> tuple[int, str]:
    """Where ports do not bound: as many as are asked for."""
    return count, ""


class MachineRoom:
    """Implements ports.Room. `spare` says how many of so many ports are free, and which they are;
    what copies use is measured every `every` seconds at most, for all services at once.

    A service without any copy always has room for one: memory is estimated, and who asks for an
    application is to get it.
    """

    def __init__(
        self,
        gauged: Gauged,
        copies: Callable[[], Collection[Endpoint]],
        clock: Clock,
        every: float = 4.0,
        spare: Callable[[int], tuple[int, str]] = no_ports,
    ) -> None:
        self._gauged, self._copies, self._clock = gauged, copies, clock
        self._every, self._spare = every, spare
        self._sizes, self._used = Sizes(), dict[str, int]()
        self._due, self._problem = 0.0, ""
        self._measuring = asyncio.Lock()

    async def most(self, service: Service) -> tuple[int | None, str]:
        if service.fixed:
            return None, "somebody else runs its copies"
        async with self._measuring:
            await self._measure()
        living = sum(copy.service == service.name for copy in self._alive())
        wanted = max(0, ceiling(service.scale) - living)
        ports, which = self._spare(wanted)
        size = self._sizes.size(service.name)
        if not size:
            unknown = self._problem or "what a copy uses has not been seen yet"
            return (living + ports, which) if ports < wanted else (None, unknown)
        fits, told = more(size, self._free())
        fits = max(fits, 1 - living)
        if min(fits, ports) >= wanted:
            return living + wanted, ""
        return (living + fits, told) if fits <= ports else (living + ports, which)

    async def _measure(self) -> None:
        """Nothing that failed is taken for small: what was measured before stays."""
        if self._clock.now() < self._due:
            return
        alive = self._alive()
        try:
            used = await self._gauged.used(alive)
            self._problem = ""
        except PlatformError as error:
            self._problem = str(error)
            return
        self._due = self._clock.now() + self._every
        self._used = {endpoint: each.memory for endpoint, each in used.items()}
        for each in alive:
            if each.id in used:
                self._sizes.see(each.service, each.revision, used[each.id].memory)

    def _free(self) -> int:
        """Also without what copies will take that have started since they were measured."""
        found: defaultdict[str, list[int]] = defaultdict(list)
        for each in self._alive():
            found[each.service].append(self._used.get(each.id, 0))
        growing = growth(self._sizes, found)
        return procfs.available_bytes() - reserve(procfs.total_bytes()) - growing

    def _alive(self) -> list[Endpoint]:
        return [copy for copy in self._copies() if copy.phase in _ALIVE]
