"""A rolling deploy of a service, step by step, as ECS's scheduler takes them.

In a step ECS stops tasks and starts new ones at once; those that stop hold their place and ports to
their end. DNS that a script writes stays as it was until the script runs again.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from fairlead.core.ecs.placement import Unplaced
from fairlead.core.ecs.rolling import Step, bounds, daemon_step, step
from fairlead.core.whatif.follow import Answers, Flow, answers, follow
from fairlead.core.whatif.model import Model, Naming, Wanted
from fairlead.core.whatif.scene import Placed, Scene, members, places, with_task

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


def deploy(model: Model, scene: Scene, name: str) -> Deploy:
    """Of the service's next revision, which needs what this one needs."""
    service = model.service(name)
    old = replace(scene, pending=(), tasks=tuple(_aged(t, name) for t in scene.tasks))
    stages, now = [], old
    for each in _rounds(model, service, old, answers(model, scene)):
        stages.append(each.stage)
        now = _settled(each.scene, each.stopping)
    staying = now.of(name)
    done = all(t.current for t in staying) and len(staying) >= len(scene.of(name))
    return Deploy(name, tuple(stages), done)


def _aged(task: Placed, service: str) -> Placed:
    return replace(task, current=False) if task.service == service else task


def _rounds(model: Model, service: Wanted, scene: Scene, known: Answers) -> Iterator[_Round]:
    chance = random.Random(0)  # noqa: S311 - no secret
    stopping: frozenset[str] = frozenset()
    for _ in range(_LONGEST):
        scene = _settled(scene, stopping)
        following = _step(model, service, scene, chance)
        found = _taken(model, service, scene, following, known)
        if not following.stop and not found.stage.started:
            if following.start and not all(t.current for t in scene.of(service.name)):
                yield found
            return
        yield found
        scene, stopping = found.scene, found.stopping


def _step(model: Model, service: Wanted, scene: Scene, chance: random.Random) -> Step:
    there = members(model, scene.of(service.name))
    if service.daemon:
        nodes = {each.arn for each in model.nodes if each.arn not in scene.dead}
        return daemon_step(nodes, there)
    return step(bounds(service.count, service.minimum, service.maximum), there, chance)


def _settled(scene: Scene, stopping: frozenset[str]) -> Scene:
    """What stopped is gone, what started is up."""
    left = (task for task in scene.tasks if task.name not in stopping)
    return replace(scene, tasks=tuple(replace(task, up=True) for task in left))


def _taken(model: Model, service: Wanted, scene: Scene, following: Step, known: Answers) -> _Round:
    stopping = frozenset(following.stop)
    tasks = (replace(t, up=False) if t.name in stopping else t for t in scene.tasks)
    scene = replace(scene, tasks=tuple(tasks))
    waits, started = "", 0
    for _ in range(following.start):
        found = places(model, scene, service)
        if isinstance(found, Unplaced):
            waits = found.message
            break
        scene = with_task(scene, service, found[0], up=False)
        started += 1
    flows = follow(model, scene, _meanwhile(model, scene, known))
    up = len(scene.up(service.name))
    return _Round(scene, Stage(following.stop, started, up, flows, waits), stopping)


def _meanwhile(model: Model, scene: Scene, known: Answers) -> Answers:
    """Load balancers and fairlead follow at once, scripts do not."""
    now = answers(model, scene)
    slow = {w.host for w in model.ways if w.naming in (Naming.FIRST, Naming.TASKS)}
    nodes = {host: known.nodes[host] if host in slow else now.nodes[host] for host in now.nodes}
    return Answers(nodes, now.tasks)
