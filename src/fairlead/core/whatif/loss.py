"""What the end of a task or a node does: before anybody notices, and after DNS, health checks and
ECS have done what they can."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fairlead.core.whatif.follow import Flow, answers, follow
from fairlead.core.whatif.model import Model
from fairlead.core.whatif.scene import Pending, Scene, scaled


@dataclass(frozen=True, slots=True)
class Loss:
    """Of `what`. `pending` are the tasks that ECS then finds no place for."""

    what: str
    kind: str
    before: tuple[Flow, ...]
    after: tuple[Flow, ...]
    pending: tuple[Pending, ...] = ()


def losses(model: Model, scene: Scene) -> tuple[Loss, ...]:
    """Of each task of the services that are asked for, and of each node."""
    tasks = (t.name for t in scene.tasks if t.service in model.asked)
    nodes = (each.arn for each in model.nodes if each.arn not in scene.dead)
    return (
        *(task_loss(model, scene, name) for name in tasks),
        *(node_loss(model, scene, name) for name in nodes),
    )


def task_loss(model: Model, scene: Scene, name: str) -> Loss:
    """It ends, its node stays; ECS starts another one."""
    left = replace(scene, tasks=tuple(t for t in scene.tasks if t.name != name))
    return _loss(model, scene, left, name, "task")


def node_loss(model: Model, scene: Scene, name: str) -> Loss:
    """It answers nothing from one moment to the other, and is not replaced."""
    tasks = tuple(t for t in scene.tasks if t.node != name)
    return _loss(model, scene, replace(scene, tasks=tasks, dead=scene.dead | {name}), name, "node")


def _loss(model: Model, scene: Scene, left: Scene, what: str, kind: str) -> Loss:
    before = follow(model, left, answers(model, scene))
    settled = restored(model, left)
    after = follow(model, settled, answers(model, settled))
    return Loss(what, kind, before, after, settled.pending)


def restored(model: Model, scene: Scene) -> Scene:
    """ECS has started again what there is place for."""
    for service in model.services:
        scene = next(scaled(model, scene, service, service.count))
    return scene
