"""The plan of the fixed strategy: a range of reserved host ports for each service.

As the analysis has it: catalog 8083, 8086, 8089; alerts 8084, 8087, 8090. A step of 3 leaves room
for three services that begin side by side; more of them run into one another.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from fairlead.core.ecs.model import RESERVED_PORTS
from fairlead.core.errors import BadInput

LAST = 32767
"""Above are the ports that the system gives out by itself (from 32768)."""


@dataclass(frozen=True, slots=True)
class Clash:
    """`services` in order of their names, `port` is what they all have."""

    port: int
    services: tuple[str, ...]

    def __str__(self) -> str:
        return f"port {self.port}: {' and '.join(self.services)}"


def clashes(plan: Mapping[str, Sequence[int]]) -> tuple[Clash, ...]:
    """Ports that more than one service has, or a service more than once."""
    held: dict[int, list[str]] = {}
    for service, ports in plan.items():
        for port in ports:
            held.setdefault(port, []).append(service)
    found = ((port, names) for port, names in sorted(held.items()) if len(names) > 1)
    return tuple(Clash(port, tuple(sorted(names))) for port, names in found)


def planned(
    first: Mapping[str, int], copies: int, taken: Collection[int] = ()
) -> dict[str, tuple[int, ...]]:
    """Ports of `copies` of each service that no two of them share, each service's first kept.
    BadInput when two begin at the same port, or there are not ports enough."""
    if found := clashes({name: (port,) for name, port in first.items()}):
        raise BadInput(f"{found[0]}: give each service a first port of its own")
    used = {*first.values(), *taken, *RESERVED_PORTS}
    plan = {}
    for name, port in first.items():
        plan[name] = (port, *_next(port, copies - 1, used))
    return plan


def _next(port: int, count: int, used: set[int]) -> list[int]:
    free = (number for number in range(port + 1, LAST + 1) if number not in used)
    found = [number for number, _ in zip(free, range(count), strict=False)]
    if len(found) < count:
        raise BadInput(f"above port {port} are not {count} free ones below {LAST + 1}")
    used.update(found)
    return found
