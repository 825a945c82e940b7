"""The number of nodes follows what is wanted: looks, decides by core.scaling.nodes, acts, tells.

A node's proxy is asked about by its agent: one goes only when its agent has gone, or when DNS has
named it no more for as long as resolvers may remember it, and nothing is in flight there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from fairlead.core.errors import FairleadError
from fairlead.core.scaling.nodes import follow
from fairlead.core.scaling.nodes_model import (
    NodeScale,
    NodeSight,
    NodesMemory,
    NodesSight,
    Step,
)
from fairlead.daemon.control import DaemonControl
from fairlead.daemon.naming import LOST, Naming
from fairlead.daemon.start import lasting, running
from fairlead.fleet.roster import Roster
from fairlead.ports import Clock, Journal, NodeGroup
from fairlead.scaling.news import News
from fairlead.wiring import Wired

LOOK_EVERY = 5.0
GRACE = 30.0
"""Seconds for agents to come before anything is concluded of those that are not there."""

Wants = Callable[[], Mapping[str, int]]
"""By ECS service: the count that its load asks for, whether it can be placed or not."""


@dataclass(frozen=True, slots=True)
class Around:
    """What the follower is told by. `unnamed` says whether nobody is sent to a node by name."""

    roster: Roster
    wants: Wants
    unnamed: Callable[[str], bool]
    journal: Journal
    clock: Clock


class NodeFollower:
    def __init__(self, policy: NodeScale, group: NodeGroup, around: Around) -> None:
        self._policy, self._group, self._around = policy, group, around
        self._memory = NodesMemory()
        self._began = around.clock.now()
        self._news = News()
        self._problem = ""

    async def run(self) -> None:
        while True:
            await self.turn()
            await asyncio.sleep(LOOK_EVERY)

    async def turn(self) -> None:
        """Look once, and take one step at most."""
        now = self._around.clock.now()
        try:
            problem = await self._group.conflict(now)
            if not problem and now - self._began >= GRACE:
                await self._step(await self._group.look(now))
        except FairleadError as error:
            problem = str(error)
        self._tell_problem(problem)

    async def _step(self, sight: NodesSight) -> None:
        heard = [a for a in self._around.roster if a.is_heard(sight.now)]
        if not heard:
            self._memory = NodesMemory()
            return
        sight = replace(sight, nodes=tuple(map(self._seen, sight.nodes)), named=1)
        memory, step = follow(self._policy, self._memory, self._raised(sight))
        if step.kind == "stay":
            self._memory = memory
            self._tell(step.why, step.why)
            return
        if self._policy.dry_run:
            self._tell(f"{step.kind} {step.node}", f"would be done: {_told(step, sight)}")
            return
        await self._carry_out(step)
        self._memory = memory
        self._around.journal.record("nodes", "", _told(step, sight))

    async def _carry_out(self, step: Step) -> None:
        group = self._group
        if step.kind == "grow":
            await group.grow(step.desired)
        elif step.kind == "give-up":
            await group.give_up(step.node)
        elif step.kind == "take-back":
            await group.take_back(step.node)
        else:
            await group.terminate(step.node)

    def _raised(self, sight: NodesSight) -> NodesSight:
        """With what the loads ask for, where that is more than what ECS was asked for."""
        wants = self._around.wants()
        raised = (replace(d, count=max(d.count, wants.get(d.name, 0))) for d in sight.demands)
        return replace(sight, demands=tuple(raised))

    def _seen(self, node: NodeSight) -> NodeSight:
        name = node.place.machine or node.place.id
        agent, now = self._around.roster.agents.get(name), self._around.clock.now()
        if agent is None or agent.silence(now) > LOST:
            return replace(node, serving=False, idle=True)
        passing = sum(c.in_flight for of in agent.counters.values() for c in of.values())
        idle = agent.lost is not None or (self._around.unnamed(name) and not passing)
        return replace(node, serving=agent.serving and not agent.leaving, idle=idle)

    def _tell(self, topic: str, message: str) -> None:
        """What is only thought of: once, and again when it has been so for long."""
        if message and self._news.is_new(topic, self._around.clock.now()):
            self._around.journal.record("nodes", "", message)

    def _tell_problem(self, problem: str) -> None:
        before, self._problem = self._problem, problem
        if problem and problem != before:
            self._around.journal.record("problem", "", f"the nodes stay as they are: {problem}")
        elif before and not problem:
            self._around.journal.record("recovered", "", f"over: {before}")


def _told(step: Step, sight: NodesSight) -> str:
    if step.kind == "grow":
        return f"{step.desired} nodes instead of {sight.group.desired}: {step.why}"
    found = next(n.place for n in sight.nodes if n.place.arn == step.node)
    node = found.machine or found.id
    begin = {
        "give-up": f"{node} is given up, and drains",
        "take-back": f"{node} is taken back",
        "terminate": f"{node} is terminated, {sight.group.desired - 1} are left",
    }[step.kind]
    return f"{begin}: {step.why}"


def wanted(wired: Wired, control: DaemonControl) -> Wants:
    """What the scaler would ask for if all could be placed, of those services that it acts on."""

    def found() -> dict[str, int]:
        counts: dict[str, int] = {}
        for name, tracked in wired.loop.tracked.items():
            mind = control.scaler.mind(name) if control.scaler else None
            if mind and mind.verdict and not mind.block:
                wants = mind.verdict.count + mind.verdict.missing
                counts[tracked.service.container.task_service] = wants
        return counts

    return found


@asynccontextmanager
async def following(
    policy: NodeScale, wired: Wired, control: DaemonControl, naming: Naming | None
) -> AsyncIterator[None]:
    """The nodes follow for as long as the context lasts, where the settings name a group."""
    group, roster = wired.running.group, wired.roster
    if group is None or roster is None:
        yield
        return
    edges = wired.loop.edges
    unnamed = naming.is_unnamed if naming else lambda _: True
    around = Around(roster, wanted(wired, control), unnamed, edges.journal, edges.clock)
    follower = NodeFollower(policy, group, around)
    async with running(lasting(follower.run, edges.journal, edges.clock)):
        yield
