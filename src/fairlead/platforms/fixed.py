"""Endpoints that somebody else runs: the settings list them, fairlead finds their addresses.

Names are resolved in the background, so that a slow name server never holds up a pass: `observe`
waits a moment for a name that it meets for the first time, then says that its answer is partial.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass, field, replace

from fairlead.core.errors import PlatformError
from fairlead.core.model import Endpoint, FixedEndpoint, Node, Phase, Service, Sighting
from fairlead.ports import Clock, Notify

Resolve = Callable[[str], Awaitable[tuple[str, ...]]]
"""The addresses of a name; OSError or UnicodeError when there are none to be had."""

REFRESH = 30.0
STOPPED = "stopped (taken out of use; it is run elsewhere)"
_FIRST_WAIT = 0.25
_UNASKED_REFRESHES = 20
_AT_A_TIME = 2
_FAMILIES = (socket.AF_INET, socket.AF_INET6)
_NOT_IN_ID = re.compile(r"[^a-z0-9.-]")


@dataclass(slots=True)
class _Name:
    """`users` are the services that asked; `idle` counts refreshes since the last question."""

    addresses: tuple[str, ...] = ()
    problem: str = ""
    users: set[str] = field(default_factory=set)
    idle: int = 0


class FixedPlatform:
    """Implements ports.Platform for services with `endpoints`; it has no nodes.

    It cannot end what it did not start: a stopped endpoint is one that is left alone until `reset`.
    One that its settings or its name no longer list is seen, with no revision, until it is
    forgotten: so it is drained like any that is to be replaced.
    """

    def __init__(
        self, notify: Notify, clock: Clock, resolve: Resolve | None = None, refresh: float = REFRESH
    ) -> None:
        self._notify, self._clock, self._refresh = notify, clock, refresh
        self._resolve = resolve or system_addresses
        self._names: dict[str, _Name] = {}
        self._first_seen: dict[str, dict[str, float]] = {}
        self._stopped: dict[str, set[str]] = {}
        self._forgotten: dict[str, set[str]] = {}
        self._met: dict[str, dict[str, Endpoint]] = {}
        self._slots = asyncio.Semaphore(_AT_A_TIME)
        self._lookups: set[asyncio.Task[None]] = set()
        self._refreshing: asyncio.Task[None] | None = None

    async def nodes(self) -> tuple[Node, ...]:
        return ()

    async def observe(self, services: Collection[Service]) -> Sighting:
        """Partial, with the reason, while one of the names has no fresh answer."""
        fixed = [service for service in services if service.fixed]
        new = [self._look_up(host) for s in fixed for host in self._ask(s)]
        if new:
            await asyncio.wait(new, timeout=_FIRST_WAIT)
        found = tuple(e for s in services for e in (*self._endpoints(s), *self._leavers(s)))
        hosts = dict.fromkeys(e.host for s in fixed for e in s.endpoints if e.host in self._names)
        problems = [text for host in hosts if (text := self._names[host].problem)]
        return Sighting(found, not problems, "; ".join(problems))

    async def start(self, service: Service) -> Endpoint:
        raise PlatformError(
            f"{service.name}: its endpoints are fixed, none can be started: list more of them"
        )

    async def stop(self, endpoint: Endpoint, timeout: float) -> None:  # noqa: ARG002
        self._stopped.setdefault(endpoint.service, set()).add(endpoint.id)
        self._notify(endpoint.service)

    async def forget(self, endpoint: Endpoint) -> None:
        """A stopped endpoint is seen no more until `reset`, or until it is listed anew."""
        if not endpoint.revision:
            del self._met[endpoint.service][endpoint.id]
            self._stopped.get(endpoint.service, set()).discard(endpoint.id)
        else:
            self._forgotten.setdefault(endpoint.service, set()).add(endpoint.id)

    def reset(self, service: str) -> None:
        """Take its stopped endpoints into use again."""
        self._stopped.pop(service, None)
        self._forgotten.pop(service, None)
        self._notify(service)

    async def close(self) -> None:
        tasks = [*self._lookups, *([self._refreshing] if self._refreshing else [])]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        self._refreshing = None

    def _ask(self, service: Service) -> Iterator[str]:
        """Note who needs which name; yields those never asked for before."""
        for host in {e.host for e in service.endpoints if not is_address(e.host)}:
            new = host not in self._names
            if new:
                self._names[host] = _Name(problem=f"{host}: not resolved yet")
            name = self._names[host]
            name.users.add(service.name)
            name.idle = 0
            if new:
                yield host

    def _look_up(self, host: str) -> asyncio.Task[None]:
        loop = asyncio.get_running_loop()
        if self._refreshing is None:
            self._refreshing = loop.create_task(self._refresh_names())
        task = loop.create_task(self._renew(host))
        self._lookups.add(task)
        task.add_done_callback(self._lookups.discard)
        return task

    async def _refresh_names(self) -> None:
        while True:
            await asyncio.sleep(self._refresh)
            self._drop_unasked()
            await asyncio.gather(*(self._renew(host) for host in list(self._names)))

    def _drop_unasked(self) -> None:
        for host, name in list(self._names.items()):
            name.idle += 1
            if name.idle > _UNASKED_REFRESHES:
                del self._names[host]

    async def _renew(self, host: str) -> None:
        """A lookup that fails keeps the last addresses."""
        name = self._names[host]
        async with self._slots:
            try:
                news = await self._resolve(host), ""
            except (OSError, UnicodeError) as error:
                why = getattr(error, "strerror", None) or str(error)
                problem = f"{host} cannot be resolved ({why}): its last addresses are kept"
                news = name.addresses, problem
        if news != (name.addresses, name.problem):
            name.addresses, name.problem = news
            for service in name.users:
                self._notify(service)

    def _endpoints(self, service: Service) -> list[Endpoint]:
        seen = self._first_seen.get(service.name, {})
        found: dict[str, Endpoint] = {}
        for fixed in service.endpoints:
            for address in self._addresses(fixed.host):
                key = endpoint_id(service.name, address, fixed.port)
                if key not in seen:
                    self._list_anew(service.name, key)
                found.setdefault(key, self._endpoint(service, fixed, address))
        self._first_seen[service.name] = {key: seen.get(key, e.started) for key, e in found.items()}
        self._met.setdefault(service.name, {}).update(found)
        hidden = self._forgotten.get(service.name, set())
        return [endpoint for key, endpoint in found.items() if key not in hidden]

    def _list_anew(self, service: str, key: str) -> None:
        """It may have been on its way out, or taken out of use before it was unlisted."""
        for left in (self._stopped, self._forgotten):
            left.get(service, set()).discard(key)

    def _leavers(self, service: Service) -> Iterator[Endpoint]:
        """What was listed once and is not now; those that are forgotten already are none."""
        listed = self._first_seen.get(service.name, {})
        hidden = self._forgotten.get(service.name, set())
        for key, endpoint in self._met.get(service.name, {}).items():
            if key not in listed and key not in hidden:
                stopped = key in self._stopped.get(service.name, set())
                phase = Phase.EXITED if stopped else Phase.RUNNING
                yield replace(endpoint, revision="", phase=phase, exit=STOPPED if stopped else "")

    def _addresses(self, host: str) -> tuple[str, ...]:
        return (host,) if is_address(host) else self._names[host].addresses

    def _endpoint(self, service: Service, fixed: FixedEndpoint, address: str) -> Endpoint:
        key = endpoint_id(service.name, address, fixed.port)
        stopped = key in self._stopped.get(service.name, set())
        return Endpoint(
            id=key,
            service=service.name,
            node=fixed.host,
            address=address,
            port=fixed.port,
            revision=service.revision,
            phase=Phase.EXITED if stopped else Phase.RUNNING,
            started=self._first_seen.get(service.name, {}).get(key, self._clock.wall()),
            weight=fixed.weight,
            exit=STOPPED if stopped else "",
        )


def endpoint_id(service: str, address: str, port: int) -> str:
    """The same for the same place, in letters, digits, dots and dashes."""
    return f"{service}-{_NOT_IN_ID.sub('-', address.lower())}-{port}"


def is_address(host: str) -> bool:
    for family in _FAMILIES:
        try:
            socket.inet_pton(family, host)
        except (OSError, ValueError):
            continue
        return True
    return False


async def system_addresses(host: str) -> tuple[str, ...]:
    """The IPv4 addresses that the system's resolver knows, sorted; where it has none, the IPv6.

    Not both: a name like localhost has both, and its program mostly listens on the first only.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    of = {f: sorted({str(a[0]) for g, _, _, _, a in found if g == f}) for f in _FAMILIES}
    return tuple(of[socket.AF_INET] or of[socket.AF_INET6])
