"""Whether the nodes have room for a second copy: memory, and network interfaces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fairlead.core.costs.from_setup import memory_of
from fairlead.core.doctor.finding import ERROR, WARNING, Finding, Said, first
from fairlead.core.doctor.workloads import Nodes, Workload, most, nodes_of, together, workloads
from fairlead.core.ecs.rolling import bounds
from fairlead.core.setup import Setup, Unknown
from fairlead.core.whatif.machines import by_family, interfaces


def offered(kind: str) -> int | None:
    """MiB that a node of the type has for tasks; None for types that are not known here."""
    machine = by_family(kind)
    return machine.offered if machine else None


def task_memory(workload: Workload) -> int | None:
    """MiB that ECS reserves; None also where a definition gives it and it is not known."""
    task = workload.task
    return None if task.memory.unknown else memory_of(task)


@dataclass(frozen=True, slots=True)
class Need:
    """`size` of each copy; `now` copies at their count, `peak` with a second one and deploys."""

    workload: Workload
    size: int
    now: int
    peak: int


def _need(each: Workload, size: int | None) -> Need | None:
    service, now = each.service, each.desired()
    if service is None or size is None or now is None:
        return None
    low, high = service.minimum_percent.or_(100), service.maximum_percent.or_(200)
    if low is None or high is None:
        return None
    limits = bounds(now, low, high)
    extra = limits.minimum >= now and limits.maximum > now
    return Need(each, size, now, max(2, now + extra))


def memory_fit(setup: Setup) -> Said:
    """Nothing where nothing is said of nodes at all."""
    if not setup.nodes:
        return
    for each in _of_nodes(setup):
        nodes = nodes_of(setup, each)
        rooms = _rooms(nodes)
        if isinstance(rooms, str):
            yield Unknown(f"room for a second copy of {each.name}", rooms, each.at)
            continue
        if (size := task_memory(each)) and rooms and size > max(rooms):
            yield _memory(each, ERROR, f"is {size} MiB, and a node has {max(rooms)} MiB for tasks")
            continue
        yield from _crowded(setup, each, rooms)


def _of_nodes(setup: Setup) -> Iterator[Workload]:
    for each in workloads(setup):
        if each.service and not (each.compose or each.fargate or each.maybe_fargate or each.daemon):
            yield each


def _rooms(nodes: Nodes) -> list[int] | str:
    """MiB of each node there can be; or why that is not known."""
    if nodes.most is None:
        return nodes.why
    rooms: list[int] = []
    for group in nodes.groups:
        kind = group.instance_type
        size = offered(kind.value or "")
        if size is None:
            return kind.unknown or f"the memory of {kind.value or 'the nodes'} is not known"
        rooms += [size] * (most(group) or 0)
    return rooms


def _crowded(setup: Setup, each: Workload, rooms: list[int]) -> Said:
    needs = [_need(other, task_memory(other)) for other in together(setup, each)]
    own = _need(each, task_memory(each))
    if own is None or not all(needs):
        yield Unknown(f"room for a second copy of {each.name}", "a size or a count", each.at)
        return
    known = [need for need in needs if need]
    total = f"the nodes have {sum(rooms)} MiB for tasks in all"
    if own and not _fit(known, rooms):
        if _is_last(own, known):
            yield _memory(each, ERROR, f"and the others need {_sum(known)} MiB, and {total}")
    elif each.app and not _fit(known, rooms, own):
        copies = f"{own.peak} copies ({own.size} MiB each)"
        yield _memory(each, WARNING, f"in {copies} beside the others does not fit: {total}")


def _is_last(own: Need, needs: Sequence[Need]) -> bool:
    """One finding for all: that of the largest."""
    return max(needs, key=lambda n: (n.size, n.workload.name)).workload.name == own.workload.name


def _sum(needs: Sequence[Need]) -> int:
    return sum(need.size * need.now for need in needs)


def _fit(needs: Sequence[Need], rooms: Sequence[int], more: Need | None = None) -> bool:
    """Largest first, into the fullest node that has room; a daemon's copy goes on each node."""
    daemons = sum(need.size for need in needs if need.workload.daemon)
    left = [room - daemons for room in rooms]
    sizes = [
        need.size
        for need in needs
        if not need.workload.daemon
        for _ in range(need.peak if more and need.workload == more.workload else need.now)
    ]
    for size in sorted(sizes, reverse=True):
        fitting = [index for index, room in enumerate(left) if room >= size]
        if not fitting:
            return False
        left[min(fitting, key=left.__getitem__)] -= size
    return True


def _memory(each: Workload, severity: str, message: str) -> Finding:
    boxes = each.task.containers
    facts = (each.task.memory, *(f for box in boxes for f in (box.reservation, box.memory)))
    at = first(*(fact.origin for fact in facts), each.task.at)
    return Finding(
        "memory-fit",
        severity,
        at,
        each.name,
        f"{each.name} {message}",
        "ECS places by reserved memory: a copy without room stays PENDING, in a deploy too, which"
        " then waits for ever.",
        "reserve what a copy really uses (memoryReservation), use larger nodes, or more of them",
        "task",
        (at,),
    )


def eni_limit(setup: Setup) -> Said:
    if not setup.nodes or any(
        "awsvpcTrunking" in line for lines in setup.texts.values() for line in lines
    ):
        return
    for each in workloads(setup):
        if each.mode != "awsvpc" or not each.service or each.fargate or each.compose:
            continue
        slots = _slots(nodes_of(setup, each))
        if each.maybe_fargate:
            why = each.service.launch_type.unknown
            yield Unknown(f"network interfaces for {each.name}", why, each.at)
        elif isinstance(slots, str):
            yield Unknown(f"network interfaces for {each.name}", slots, each.at)
        elif not each.daemon:
            yield from _attached(setup, each, slots)


def _slots(nodes: Nodes) -> int | str:
    """How many awsvpc tasks the nodes can have: each takes an interface, and the node has one."""
    if nodes.most is None:
        return nodes.why
    total = 0
    for group in nodes.groups:
        kind = group.instance_type
        number = interfaces(kind.value or "")
        if number is None:
            return kind.unknown or f"the interfaces of {kind.value or 'the nodes'} are not known"
        total += (number - 1) * (most(group) or 0)
    return total


def _attached(setup: Setup, each: Workload, slots: int) -> Said:
    peers = [p for p in together(setup, each) if p.mode == "awsvpc"]
    nodes = nodes_of(setup, each)
    needs = [_need(peer, 1) for peer in peers]
    own = _need(each, 1)
    if own is None or not all(needs):
        yield Unknown(f"network interfaces for {each.name}", "a count is not known", each.at)
        return
    counts = {
        need.workload.name: (nodes.most or 0) if need.workload.daemon else need.now
        for need in needs
        if need
    }
    now = sum(counts.values())
    if now > slots or now - own.now + own.peak > slots:
        yield _interfaces(each, own, now, slots, nodes)


def _interfaces(each: Workload, own: Need, now: int, slots: int, nodes: Nodes) -> Finding:
    kinds = ", ".join(sorted({group.instance_type.value or "?" for group in nodes.groups}))
    at = first(each.task.network_mode.origin, each.task.at)
    peak = now - own.now + own.peak
    return Finding(
        "eni-limit",
        ERROR if now > slots or own.now < 2 else WARNING,
        at,
        each.name,
        f"{peak} awsvpc tasks ({own.peak} of {each.name}) need {peak} network interfaces, and"
        f" {nodes.most} {'node' if nodes.most == 1 else 'nodes'} of {kinds} have {slots} for tasks",
        'Each awsvpc task takes an interface of its node: one too many stays PENDING ("RESOURCE:'
        'ENI"), in a deploy too.',
        "use network mode bridge with dynamic host ports, larger nodes, or ENI trunking where the"
        " instance type has it (t2 and t3 have not)",
        "interfaces",
        (at,),
    )
