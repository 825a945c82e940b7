"""The host ports of each service's copies, for the fixed strategy."""

from __future__ import annotations

from collections.abc import Mapping

from fairlead.core.errors import BadInput
from fairlead.core.port_plan import clashes, planned

Ports = Mapping[str, tuple[int, ...]]


def reserved(given: Ports, copies: Mapping[str, int]) -> Ports:
    """As they are given; where only the first is, the others are planned. BadInput when two
    services share one."""
    first = {name: p[0] for name, p in given.items() if len(p) == 1 < copies.get(name, 1)}
    taken = {port for name, ports in given.items() if name not in first for port in ports}
    plan = planned(first, max(copies.values()), taken) if first else {}
    whole = {**given, **{name: plan[name][: copies[name]] for name in first}}
    if found := clashes(whole):
        raise BadInput(f"--ports: two copies share {'; '.join(map(str, found))}")
    return whole
