"""How many tasks of a service ECS can place, from what is known of the cluster. Pure.

A task takes its place from the moment that ECS has placed it until it has stopped; what other
services want and ECS has not placed yet takes the place that it is about to get.
"""

from __future__ import annotations

from collections.abc import Iterator

from fairlead.core.ecs.model import Definition
from fairlead.core.errors import FairleadError, PlatformError
from fairlead.core.scaling.packing import Demand, Held, Packing, living, missing
from fairlead.platforms.ecs.counts import Count
from fairlead.platforms.ecs.memory import Memory
from fairlead.platforms.ecs.tasks import STOPPED

Most = tuple[int | None, str]


def most(memory: Memory, name: str, limit: int) -> Most:
    """Of the ECS service so named, as ports.Room has it; counted up to `limit`."""
    own = memory.counts.get(name)
    if memory.problem:
        return None, memory.problem
    if own is None:
        return None, f"ECS service {name} is not read yet"
    if own.daemon or own.serverless:
        return None, "it takes no room of nodes" if own.serverless else "one a node by itself"
    try:
        return _most(memory, own, limit)
    except FairleadError as error:
        return None, str(error)


def _most(memory: Memory, own: Count, limit: int) -> Most:
    tasks, wanted = held(memory), demands(memory)
    packing = Packing((i.place for i in memory.instances.values() if i.place), tasks)
    left = missing([d for d in wanted if d.name != own.name], tasks)
    for each in wanted:
        packing.put(each, left.get(each.name, 0))
    there = living(tasks, own.name)
    more, why = packing.more(demand(memory, own), max(0, limit - there))
    return there + more, why


def demand(memory: Memory, count: Count) -> Demand:
    return Demand(
        count.name,
        _footprint(memory, count.definition),
        count.desired or 0,
        count.constraints,
        count.strategies,
    )


def demands(memory: Memory) -> list[Demand]:
    """Of all services whose tasks take room of nodes, those that run one a node excepted."""
    counted = (c for c in memory.counts.values() if not (c.daemon or c.serverless) and c.definition)
    return [demand(memory, each) for each in counted]


def held(memory: Memory) -> list[Held]:
    return list(_held(memory))


def _held(memory: Memory) -> Iterator[Held]:
    for task in memory.all_tasks():
        if task.stage < STOPPED and task.instance:
            count = memory.counts.get(task.service)
            yield Held(
                task.instance,
                task.service,
                _footprint(memory, task.definition),
                daemon=bool(count and count.daemon),
                leaving=task.ending or memory.is_leaving(task.arn),
            )


def _footprint(memory: Memory, arn: str) -> Definition:
    found = memory.definitions.get(arn)
    if found is None or found.footprint is None:
        raise PlatformError(f"task definition {arn.rpartition('/')[2]} is not read yet")
    return found.footprint
