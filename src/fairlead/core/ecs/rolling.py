"""What a service's scheduler does next: which tasks stop, how many start. Pure.

The percentages are of the desired count: the minimum is rounded up, the maximum down. RUNNING and
PENDING tasks count for the maximum, tasks that are being stopped do not.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Member:
    """A task that is not being stopped. `current`: of the newest deployment, and its node stays.

    `up`: running, and healthy where it has a health check.
    """

    arn: str
    node: str
    zone: str = ""
    current: bool = True
    up: bool = True
    protected: bool = False
    created: float = 0.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """`minimum` tasks have to be up, `maximum` may be there."""

    desired: int
    minimum: int
    maximum: int


@dataclass(frozen=True, slots=True)
class Step:
    stop: tuple[str, ...] = ()
    start: int = 0


def bounds(desired: int, minimum_percent: int, maximum_percent: int) -> Bounds:
    return Bounds(desired, -(-desired * minimum_percent // 100), desired * maximum_percent // 100)


def step(limits: Bounds, members: Sequence[Member], chance: random.Random) -> Step:
    """The next step of a REPLICA service."""
    current = [member for member in members if member.current]
    stop = victims(current, len(current) - limits.desired, chance)
    left = [member for member in members if member.arn not in stop]
    stop |= _leavers(limits, left, chance)
    there = len(members) - len(stop)
    staying = sum(m.current and m.arn not in stop for m in members)
    start = min(limits.desired - staying, limits.maximum - there)
    return Step(tuple(m.arn for m in members if m.arn in stop), max(0, start))


def _leavers(limits: Bounds, members: Sequence[Member], chance: random.Random) -> set[str]:
    """Old tasks that may go now: those that are not up always, others above the minimum."""
    old = [member for member in members if not member.current]
    idle = {m.arn for m in old if not m.up and not m.protected}
    up = [member for member in old if member.up]
    spare = sum(m.up for m in members) - limits.minimum
    return idle | victims(up, spare, chance)


def victims(members: Collection[Member], count: int, chance: random.Random) -> set[str]:
    """Which ones go: never protected ones; those not up first, then from the zone and the node with
    the most tasks of the service, any of them."""
    left = [member for member in members if not member.protected]
    counted = list(members)
    chosen: set[str] = set()
    while left and len(chosen) < count:
        zones, nodes = Counter(m.zone for m in counted), Counter(m.node for m in counted)
        keys = {m.arn: (not m.up, zones[m.zone], nodes[m.node]) for m in left}
        most = max(keys.values())
        victim = chance.choice([member for member in left if keys[member.arn] == most])
        chosen.add(victim.arn)
        left.remove(victim)
        counted.remove(victim)
    return chosen


def daemon_step(
    nodes: Collection[str], members: Sequence[Member], kept: Collection[str] = ()
) -> Step:
    """The next step of a DAEMON service: one task a node, the old one stops before the new starts.

    `nodes` are those that are to have one; members elsewhere stop, except on the nodes of `kept`,
    which are being drained and still have other tasks.
    """
    gone = {m.arn for m in members if not m.protected and _leaves(m, nodes, kept)}
    return Step(tuple(gone), len(set(nodes) - {m.node for m in members}))


def _leaves(member: Member, nodes: Collection[str], kept: Collection[str]) -> bool:
    return member.node not in kept and (member.node not in nodes or not member.current)
