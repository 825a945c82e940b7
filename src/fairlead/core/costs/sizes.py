"""How many nodes a strategy needs for its tasks, and which size a task has on Fargate."""

from __future__ import annotations

from dataclasses import dataclass

from fairlead.core.costs.prices import Machine
from fairlead.core.costs.strategies import Strategy
from fairlead.core.costs.usage import Tasks, Usage

FARGATE_SIZES = (
    (256, (512, 1024, 2048)),
    (512, (1024, 2048, 3072, 4096)),
    (1024, tuple(range(2048, 8193, 1024))),
    (2048, tuple(range(4096, 16385, 1024))),
    (4096, tuple(range(8192, 30721, 1024))),
)
"""CPU units, and the MiB that each may have (recalled from the ECS developer guide)."""


@dataclass(frozen=True, slots=True)
class Fit:
    """`tasks` in all, of `mib` each, on `nodes`; `problem` is why they would not run there."""

    tasks: int
    mib: int
    nodes: int
    problem: str = ""


def fit(strategy: Strategy, usage: Usage, machine: Machine) -> Fit:
    copies = 1 if strategy.one_copy else usage.tasks.copies
    inside = copies if strategy.one_task else 1
    tasks = usage.tasks.services * copies // inside
    mib = usage.tasks.memory * inside + strategy.task_mib
    least = max(usage.least_nodes, 2 if strategy.spread and copies > 1 else 1)
    a_node = max(0, machine.offered - strategy.node_mib) // mib
    if not a_node:
        why = f"a task of {mib} MiB fits on no {usage.type}: it has {machine.offered} MiB for tasks"
        own = f", {strategy.node_mib} of them taken by the proxy" if strategy.node_mib else ""
        return Fit(tasks, mib, usage.nodes or least, why + own)
    needed = max(least, -(-tasks // a_node))
    return Fit(tasks, mib, usage.nodes or needed, _too_few(usage, tasks, mib, a_node))


def _too_few(usage: Usage, tasks: int, mib: int, a_node: int) -> str:
    needed = -(-tasks // a_node)
    if usage.nodes is None or usage.nodes >= needed:
        return ""
    return (
        f"{tasks} tasks of {mib} MiB need {needed} nodes of {usage.type} "
        f"({a_node} fit on one), not {usage.nodes}"
    )


def fargate_size(tasks: Tasks) -> tuple[int, int] | None:
    """The smallest that holds a task: CPU units and MiB; None when none does."""
    for cpu, sizes in FARGATE_SIZES:
        for mib in sizes:
            if cpu >= tasks.cpu and mib >= tasks.memory:
                return cpu, mib
    return None
