"""A rolling deploy of a service, step by step, as ECS's scheduler takes them.

In a step ECS stops tasks and starts new ones at once; those that stop hold their place and ports to
their end. DNS that a script writes stays as it was until the script runs again.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from fairlead.core.ecs.placement import Unplaced
from fairlead.core.ecs.rolling import Step, bounds, daemon_step, step
from fairlead.core.whatif.follow import Answers, Flow, answers, follow
from fairlead.core.whatif.model import Model, Naming, Wanted
from fairlead.core.whatif.scene import (
    Placed,
    Scene,
    daemon_nodes,
    members,
    on_each_node,
    places,
    with_task,
)

STUCK = "its minimum and maximum percent let ECS neither stop a task nor start one more."
_LONGEST = 200
"""Steps, which no small deploy comes near."""


@dataclass(frozen=True, slots=True)
class Stage:
    """`up` tasks of the service can answer while it lasts. `waits`: why no more start."""

    stopped: tuple[str, ...]
    started: int
    up: int
    flows: tuple[Flow, ...]
    waits: str = ""


@dataclass(frozen=True, slots=True)
class Deploy:
    """`completes` is False when ECS can neither stop nor start anything more."""

    service: str
    stages: tuple[Stage, ...]
    completes: bool

    @property
    def failing(self) -> float:
        """The largest share of the service's requests that fails meanwhile."""
        own = (f for s in self.stages for f in s.flows if f.way.service == self.service)
        return max((flow.failing for flow in own), default=0.0)

    @property
    def least(self) -> int:
        """So few tasks are up at some time."""
        return min((stage.up for stage in self.stages), default=0)


@dataclass(frozen=True, slots=True)
class _Round:
    scene: Scene
    stage: Stage
    stopping: frozenset[str]


def deploy(model: Model, scene: Scene, name: str, chance: random.Random | None = None) -> Deploy:
    """Of the service's next revision, which needs what this one needs. `chance` picks among nodes
    and tasks that are equally good to ECS."""
    chance = chance or random.Random(0)  # noqa: S311 - no secret
    old = replace(scene, pending=(), tasks=tuple(_aged(t, name) for t in scene.tasks))
    run = _Run(model, model.service(name), answers(model, scene), chance)
    stages, now = [], old
    for each in run.rounds(old):
        stages.append(each.stage)
        now = _settled(each.scene, each.stopping)
    return Deploy(name, tuple(stages), run.complete(now))


def _aged(task: Placed, service: str) -> Placed:
    return replace(task, current=False) if task.service == service else task


def _settled(scene: Scene, stopping: frozenset[str]) -> Scene:
    """What stopped is gone, what started is up."""
    left = (task for task in scene.tasks if task.name not in stopping)
    return replace(scene, tasks=tuple(replace(task, up=True) for task in left))


@dataclass(frozen=True, slots=True)
class _Run:
    """`known`: what DNS said when it began."""

    model: Model
    service: Wanted
    known: Answers
    chance: random.Random

    def rounds(self, scene: Scene) -> Iterator[_Round]:
        stopping: frozenset[str] = frozenset()
        for _ in range(_LONGEST):
            scene = _settled(scene, stopping)
            found = self._round(scene)
            if not found.stage.stopped and found.scene.tasks == scene.tasks:
                yield from () if self._done(scene) else (found,)
                return
            yield found
            scene, stopping = found.scene, found.stopping

    def complete(self, scene: Scene) -> bool:
        """As ECS has it: all that is asked for runs, and is new."""
        there, service = scene.of(self.service.name), self.service
        nodes = len(daemon_nodes(self.model, scene, service)) if service.daemon else 0
        return all(t.current for t in there) and len(there) >= max(nodes, service.count)

    def _done(self, scene: Scene) -> bool:
        """Nothing is to be replaced, or there is nothing at all to be had."""
        return all(task.current for task in scene.of(self.service.name))

    def _round(self, scene: Scene) -> _Round:
        """A pass of the scheduler over all services, in their order: what others lack may take the
        place that this one gives up."""
        at = self.model.services.index(self.service)
        scene = self._caught_up(scene, self.model.services[:at])
        found = self._taken(scene, self._step(scene))
        later = self._caught_up(found.scene, self.model.services[at + 1 :])
        return replace(found, scene=later)

    def _caught_up(self, scene: Scene, services: Iterable[Wanted]) -> Scene:
        for each in services:
            if each.daemon:
                more = on_each_node(self.model, scene, each, up=False)
                scene = replace(more, pending=())
            else:
                missing = max(0, each.count - len(scene.of(each.name)))
                scene, _ = self._placed(scene, each, missing)
        return scene

    def _step(self, scene: Scene) -> Step:
        service = self.service
        there = members(self.model, scene.of(service.name))
        if service.daemon:
            return daemon_step(daemon_nodes(self.model, scene, service), there)
        return step(bounds(service.count, service.minimum, service.maximum), there, self.chance)

    def _taken(self, scene: Scene, following: Step) -> _Round:
        stopping = frozenset(following.stop)
        tasks = (replace(t, up=False) if t.name in stopping else t for t in scene.tasks)
        scene, waits = self._started(replace(scene, tasks=tuple(tasks)), following.start)
        flows = follow(self.model, scene, self._meanwhile(scene))
        name = self.service.name
        started = sum(t.current and not t.up and t.name not in stopping for t in scene.of(name))
        if not following.stop and not following.start:
            waits = STUCK
        stage = Stage(following.stop, started, len(scene.up(name)), flows, waits)
        return _Round(scene, stage, stopping)

    def _started(self, scene: Scene, count: int) -> tuple[Scene, str]:
        """With so many more, as far as there is place, and why there is none."""
        if self.service.daemon:
            more = on_each_node(self.model, scene, self.service, up=False)
            return replace(more, pending=()), "".join(p.why.message for p in more.pending[:1])
        return self._placed(scene, self.service, count)

    def _placed(self, scene: Scene, service: Wanted, count: int) -> tuple[Scene, str]:
        for _ in range(count):
            found = places(self.model, scene, service)
            if isinstance(found, Unplaced):
                return scene, found.message
            scene = with_task(scene, service, self.chance.choice(found), up=False)
        return scene, ""

    def _meanwhile(self, scene: Scene) -> Answers:
        """Load balancers and fairlead follow at once, scripts do not."""
        now = answers(self.model, scene)
        slow = {w.host for w in self.model.ways if w.naming in (Naming.FIRST, Naming.TASKS)}
        nodes = {h: self.known.nodes[h] if h in slow else now.nodes[h] for h in now.nodes}
        return Answers(nodes, now.tasks)
